package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"slices"
	"time"

	"lanyard"
)

// conn is a place where statements run: a pool of readers or a transaction.
type conn interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
}

// Query reads. It lives as long as the function it was given to, and is used by
// one goroutine at a time.
type Query struct {
	ctx context.Context
	c   conn
	d   *dialect
	now time.Time
}

// Tx reads and writes inside one transaction.
type Tx struct {
	Query
	entries []lanyard.Entry
}

// Now is the database's clock: PostgreSQL's own, this process's for SQLite.
// It is read once and stays the same for the life of the Query or Tx.
func (q *Query) Now() (time.Time, error) {
	if q.now.IsZero() {
		now, err := q.d.readClock(q)
		if err != nil {
			return time.Time{}, err
		}
		q.now = now
	}
	return q.now, nil
}

// Now is the clock of the database at the start of the transaction.
func (tx *Tx) Now() time.Time { return tx.now }

// AddEntry writes a further entry to the audit log, with the transaction: what
// is rolled back has no entry.
func (tx *Tx) AddEntry(e lanyard.Entry) { tx.entries = append(tx.entries, e) }

func (q *Query) exec(query string, args ...any) (int64, error) {
	n, err := q.c.exec(q.ctx, query, args)
	return n, q.d.explain(err)
}

// add writes one row.
func (tx *Tx) add(table, columns string, values []any) error {
	_, err := tx.exec(insertInto(table, columns), values...)
	return err
}

// addLast is add for what is likely to be the last statement of its transaction: on
// PostgreSQL it is sent with what comes next, which is then the commit.
func (tx *Tx) addLast(table, columns string, values []any) error {
	if t, ok := tx.c.(*pgTx); ok {
		t.noted = append(t.noted, pgStatement{query: insertInto(table, columns), args: values})
		return nil
	}
	return tx.add(table, columns, values)
}

// must is an exec that has to meet a row; none is CodeNotFound.
func (tx *Tx) must(query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n == 0 {
		return lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	return err
}

// swap is an exec whose conditions are a compare-and-swap: false is "somebody was faster".
func (tx *Tx) swap(query string, args ...any) (bool, error) {
	n, err := tx.exec(query, args...)
	return n > 0, err
}

// one reads a single row; none is CodeNotFound, whether absent or another project's.
func (q *Query) one(scan func(row) error, query string, args ...any) error {
	if !q.d.local {
		return q.first(q.ctx, q.c, scan, query, args)
	}
	if err := q.ctx.Err(); err != nil {
		return err
	}
	ctx := context.WithoutCancel(q.ctx)
	readers, ok := q.c.(*litePool)
	if !ok {
		return q.first(ctx, q.c, scan, query, args)
	}
	return readers.single.with(ctx, func(r *snapshot) error { return q.first(ctx, r, scan, query, args) })
}

// first reads the first row of a query.
func (q *Query) first(ctx context.Context, c conn, scan func(row) error, query string, args []any) error {
	if l, ok := c.(oneRow); ok {
		err := l.first(ctx, query, args, scan)
		if errors.Is(err, io.EOF) {
			return lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		return q.d.explain(err)
	}
	rows, err := c.query(ctx, query, args)
	if err != nil {
		return q.d.explain(err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return q.d.explain(err)
		}
		return lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	if err := scan(rows); err != nil {
		return err
	}
	return q.d.explain(rows.Close())
}

// get reads a single row of T.
func get[T any](q *Query, scan func(row, *T) error, query string, args ...any) (T, error) {
	var v T
	err := q.one(func(r row) error { return scan(r, &v) }, query, args...)
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// all reads every row of T.
func all[T any](q *Query, scan func(row, *T) error, query string, args ...any) ([]T, error) {
	rows, err := q.c.query(q.ctx, query, args)
	if err != nil {
		return nil, q.d.explain(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, q.d.explain(err)
	}
	return out, nil
}

// order says which way a list goes; pages go on after the cursor that way.
type order string

const (
	ascending  order = " > ASC"
	descending order = " < DESC"
)

// pageOf reads one page and the cursor of the next; "" is the end. The query
// has its WHERE clause already, and column is the id the list is ordered by.
func pageOf[T any](q *Query, scan func(row, *T) error, id func(T) string,
	query string, w *where, column string, dir order, page lanyard.Page) ([]T, string, error) {
	if page.Back {
		dir = map[order]order{ascending: descending, descending: ascending}[dir]
	}
	if page.Cursor != "" {
		w.and(column+string(dir[:3]), page.Cursor)
	}
	size := page.Size()
	w.args = append(w.args, size+1)
	query += w.text.String() + " ORDER BY " + column + string(dir[2:]) + " LIMIT " + placeholder(len(w.args))
	out, err := all(q, scan, query, w.args...)
	next := ""
	if err == nil && len(out) > size {
		out, next = out[:size], id(out[size-1])
	}
	if page.Back {
		slices.Reverse(out)
	}
	return out, next, err
}
