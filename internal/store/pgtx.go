package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"lanyard"
)

// pgTx is a transaction that costs two round trips less than one of database/sql:
// what it begins with is sent along with BEGIN, and what it ends with along with
// COMMIT.
type pgTx struct {
	pgConn
	own     *sql.Conn
	ending  bool          // what is executed now is kept for the commit
	last    []pgStatement // to be sent along with what comes next
	started string        // when the server began, in microseconds
}

type pgStatement struct {
	query string
	args  []any
}

// beginTx begins, makes the transaction wait for the disk whatever the server's
// default, and reads the clock. driver.ErrBadConn: nothing was sent on this connection.
func (db *DB) beginTx(ctx context.Context, c *sql.Conn) (t *pgTx, now time.Time, err error) {
	t = &pgTx{pgConn: pgConn{c}, own: c}
	err = c.Raw(func(raw any) error {
		conn := raw.(*stdlib.Conn).Conn()
		if conn.IsClosed() {
			return driver.ErrBadConn
		}
		b := &pgx.Batch{}
		b.Queue(`BEGIN`)
		b.Queue(`SELECT ` + durableNow + `, ` + serverStart)
		asked := db.own()
		r := conn.SendBatch(ctx, b)
		_, err := r.Exec()
		if err == nil {
			var micros int64
			err = r.QueryRow().Scan(&micros, &t.started)
			now = fromMicros(micros)
		}
		if err == nil {
			db.compare(asked, now, db.own())
		}
		if end := r.Close(); err == nil {
			err = end
		}
		if err != nil && pgconn.SafeToRetry(err) {
			return driver.ErrBadConn
		}
		return err
	})
	return t, now, err
}

// exec runs a statement; once the transaction is ending, it only notes it.
func (t *pgTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	if t.ending {
		t.last = append(t.last, pgStatement{query, plain(args)})
		return 0, nil
	}
	if err := t.flush(ctx); err != nil {
		return 0, err
	}
	return t.pgConn.exec(ctx, query, args)
}

func (t *pgTx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	return t.pgConn.query(ctx, query, args)
}

// flush executes what was noted, since something else comes after it.
func (t *pgTx) flush(ctx context.Context) error {
	last := t.last
	t.last = nil
	for _, s := range last {
		if _, err := t.pgConn.exec(ctx, s.query, s.args); err != nil {
			return err
		}
	}
	return nil
}

// pair runs a statement, and after it a query of one row, in one round trip. It
// returns how many rows the first has met; none of the second is CodeNotFound.
func (t *pgTx) pair(ctx context.Context, first, second pgStatement, scan func(row) error) (n int64, err error) {
	if err := t.flush(ctx); err != nil {
		return 0, err
	}
	err = t.own.Raw(func(raw any) error {
		b := &pgx.Batch{}
		b.Queue(first.query, plain(first.args)...)
		b.Queue(second.query, plain(second.args)...)
		r := raw.(*stdlib.Conn).Conn().SendBatch(ctx, b)
		tag, err := r.Exec()
		if err == nil {
			n = tag.RowsAffected()
			err = scan(r.QueryRow())
		}
		if end := r.Close(); err == nil {
			err = end
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	return n, err
}

// end is called before the last statements.
func (t *pgTx) end() { t.ending = true }

// commit sends what was noted, and commits.
func (t *pgTx) commit(ctx context.Context) error {
	return t.own.Raw(func(raw any) error {
		b := &pgx.Batch{}
		for _, s := range t.last {
			b.Queue(s.query, s.args...)
		}
		b.Queue(`COMMIT`)
		r := raw.(*stdlib.Conn).Conn().SendBatch(ctx, b)
		var tag pgconn.CommandTag
		var err error
		for i := 0; i <= len(t.last) && err == nil; i++ {
			tag, err = r.Exec()
		}
		if end := r.Close(); err == nil {
			err = end
		}
		if err == nil && tag.String() != "COMMIT" { // a statement had failed before
			err = pgx.ErrTxCommitRollback
		}
		return err
	})
}

// rollback undoes what has not been committed. A connection on which that does not
// work is closed, which undoes it too.
func (t *pgTx) rollback() {
	_ = t.own.Raw(func(raw any) error { // its error is that the connection is gone
		conn := raw.(*stdlib.Conn).Conn()
		if conn.IsClosed() {
			return driver.ErrBadConn
		}
		if conn.PgConn().TxStatus() == 'I' { // committed
			return nil
		}
		ctx, stop := context.WithTimeout(context.Background(), pingTime)
		defer stop()
		if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
			return errors.Join(fmt.Errorf("%w: %w", driver.ErrBadConn, err), conn.Close(ctx))
		}
		return nil
	})
}
