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

// pgTx is a transaction that costs fewer round trips than one of database/sql: what
// needs no answer before the next statement is sent along with that, BEGIN first of
// all, and what it ends with along with COMMIT.
type pgTx struct {
	pgConn
	own     *sql.Conn
	ending  bool          // what is executed now is kept for the commit
	noted   []pgStatement // to be sent along with what comes next
	started string        // when the server began, in microseconds; "": it was not asked
}

type pgStatement struct {
	query string
	args  []any
	scan  func(row) error    // of its one row; nil: it has none
	met   *pgconn.CommandTag // what it did, where that matters
}

// opening is how a transaction begins.
type opening struct {
	byClock bool          // its Now is what this process knows of the database's clock, so that nothing has to be asked
	also    []pgStatement // sent along with BEGIN
}

// beginTx begins, makes the transaction wait for the disk whatever the server's
// default, and reads the clock. driver.ErrBadConn: nothing was sent on this connection.
func (db *DB) beginTx(ctx context.Context, c *sql.Conn, o opening) (t *pgTx, now time.Time, err error) {
	t = &pgTx{pgConn: pgConn{c}, own: c, noted: []pgStatement{{query: `BEGIN`}}}
	if o.byClock {
		t.noted = append(t.noted, pgStatement{query: `SET LOCAL synchronous_commit = on`})
		return t, db.Clock(), nil
	}
	var asked time.Time
	clock := func(r row) error {
		err := r.Scan(asTime{&now}, &t.started)
		if err == nil {
			db.compare(asked, now, db.own())
		}
		return err
	}
	asked = db.own()
	err = t.send(ctx, append([]pgStatement{{query: `SELECT ` + durableNow + `, ` + serverStart, scan: clock}}, o.also...)...)
	if err != nil && pgconn.SafeToRetry(err) {
		return t, now, driver.ErrBadConn
	}
	return t, now, err
}

// send executes statements in one round trip, after those that were noted. Where one
// that should have a row has none, the error is CodeNotFound.
func (t *pgTx) send(ctx context.Context, statements ...pgStatement) error {
	statements = append(t.noted, statements...)
	t.noted = nil
	err := t.own.Raw(func(raw any) error {
		conn := raw.(*stdlib.Conn).Conn()
		if conn.IsClosed() {
			return driver.ErrBadConn
		}
		b := &pgx.Batch{}
		for _, s := range statements {
			b.Queue(s.query, plain(s.args)...)
		}
		r := conn.SendBatch(ctx, b)
		var err error
		for i := 0; i < len(statements) && err == nil; i++ {
			s := statements[i]
			if s.scan != nil {
				err = s.scan(r.QueryRow())
				continue
			}
			var tag pgconn.CommandTag
			if tag, err = r.Exec(); s.met != nil {
				*s.met = tag
			}
		}
		if end := r.Close(); err == nil {
			err = end
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	return err
}

// exec runs a statement; once the transaction is ending, it only notes it.
func (t *pgTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	if t.ending {
		t.noted = append(t.noted, pgStatement{query: query, args: args})
		return 0, nil
	}
	var tag pgconn.CommandTag
	err := t.send(ctx, pgStatement{query: query, args: args, met: &tag})
	return tag.RowsAffected(), err
}

func (t *pgTx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if len(t.noted) > 0 {
		if err := t.send(ctx); err != nil {
			return nil, err
		}
	}
	return t.pgConn.query(ctx, query, args)
}

// first reads the first row of a query.
func (t *pgTx) first(ctx context.Context, query string, args []any, scan func(row) error) error {
	return t.send(ctx, pgStatement{query: query, args: args, scan: scan})
}

// end is called before the last statements.
func (t *pgTx) end() { t.ending = true }

// commit sends what was noted, and commits.
func (t *pgTx) commit(ctx context.Context) error {
	var tag pgconn.CommandTag
	err := t.send(ctx, pgStatement{query: `COMMIT`, met: &tag})
	if err == nil && tag.String() != "COMMIT" { // a statement had failed before
		err = pgx.ErrTxCommitRollback
	}
	return err
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
