package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
)

// liteConn is one connection with its prepared statements; one goroutine at a
// time uses it.
type liteConn struct {
	pool  *sql.DB
	c     *sql.Conn
	stmts map[string]*sql.Stmt
	raw   map[string]rawStmt
	args  []driver.NamedValue
}

// rawStmt is a statement of the driver.
type rawStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func newLiteConn(pool *sql.DB, c *sql.Conn) *liteConn {
	return &liteConn{pool: pool, c: c, stmts: map[string]*sql.Stmt{}, raw: map[string]rawStmt{}}
}

func (l *liteConn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := l.stmts[query]; ok {
		return s, nil
	}
	s, err := l.c.PrepareContext(ctx, query)
	if err == nil {
		l.stmts[query] = s
	}
	return s, err
}

// exec goes to the driver itself: database/sql makes a copy of every argument,
// of which a batch of entries has two thousand.
func (l *liteConn) exec(ctx context.Context, query string, args []any) (n int64, err error) {
	err = l.direct(ctx, query, args, func(s rawStmt) error {
		res, err := s.ExecContext(ctx, l.args)
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	return n, err
}

// row reads a single row into values, as the driver has them; io.EOF if there is none.
func (l *liteConn) row(ctx context.Context, query string, args []any, values []driver.Value) error {
	return l.direct(ctx, query, args, func(s rawStmt) error {
		rows, err := s.QueryContext(ctx, l.args)
		if err != nil {
			return err
		}
		err = rows.Next(values)
		return errors.Join(err, rows.Close())
	})
}

// oneRow is what reads a single row past database/sql: a connection of SQLite, a
// transaction of PostgreSQL.
type oneRow interface {
	first(ctx context.Context, query string, args []any, scan func(row) error) error
}

// first gives scan the first row; io.EOF if there is none. scan must not use the
// connection.
func (l *liteConn) first(ctx context.Context, query string, args []any, scan func(row) error) error {
	return l.direct(ctx, query, args, func(s rawStmt) error {
		rows, err := s.QueryContext(ctx, l.args)
		if err != nil {
			return err
		}
		values := make(rawRow, len(rows.Columns()))
		if err = rows.Next(values); err == nil {
			err = scan(values)
		}
		return errors.Join(err, rows.Close())
	})
}

// rawRow is a row as SQLite's driver has it: text, numbers, bytes, nothing.
type rawRow []driver.Value

func (v rawRow) Scan(dest ...any) error {
	if len(dest) != len(v) {
		return fmt.Errorf("store: %d columns for %d variables", len(v), len(dest))
	}
	for i, to := range dest {
		if err := scanRaw(to, v[i]); err != nil {
			return fmt.Errorf("store: column %d: %w", i, err)
		}
	}
	return nil
}

func scanRaw(to any, v driver.Value) error {
	switch to := to.(type) {
	case sql.Scanner:
		return to.Scan(v)
	case *[]byte:
		switch v := v.(type) {
		case nil:
			*to = nil
		case []byte:
			*to = v
		case string:
			*to = []byte(v)
		default:
			return fmt.Errorf("%T where bytes were expected", v)
		}
		return nil
	}
	at := reflect.ValueOf(to).Elem() // a text or a number, or a type of ours that is one
	switch v := v.(type) {
	case string:
		if at.Kind() == reflect.String {
			at.SetString(v)
			return nil
		}
	case int64:
		if at.CanInt() && !at.OverflowInt(v) {
			at.SetInt(v)
			return nil
		}
	}
	return fmt.Errorf("%T where %s was expected", v, at.Type())
}

// direct gives fn the driver's statement, and the arguments in l.args.
func (l *liteConn) direct(ctx context.Context, query string, args []any, fn func(rawStmt) error) error {
	return l.c.Raw(func(c any) error {
		s, ok := l.raw[query]
		if !ok {
			made, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, query)
			if err != nil {
				return err
			}
			s = made.(rawStmt)
			l.raw[query] = s
		}
		l.args = l.args[:0]
		defer func() { clear(l.args) }()
		for i, a := range args {
			switch a.(type) {
			case nil, string, int64, []byte:
			default:
				var err error
				if a, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
					return err
				}
			}
			l.args = append(l.args, driver.NamedValue{Ordinal: i + 1, Value: a})
		}
		return fn(s)
	})
}

func (l *liteConn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := l.stmt(ctx, query) //nolint:sqlclosecheck // kept, and closed by forget
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// forget closes the connection and its statements, and leaves the pool.
func (l *liteConn) forget() error {
	errs := []error{l.c.Raw(func(any) error {
		var errs []error
		for _, s := range l.raw {
			errs = append(errs, s.Close())
		}
		return errors.Join(errs...)
	})}
	for _, s := range l.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, l.c.Close())...)
}

func (l *liteConn) close() error { return errors.Join(l.forget(), l.pool.Close()) }
