package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
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
