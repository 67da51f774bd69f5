package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"lanyard"
	"lanyard/internal/fault"
)

// patience bounds a transaction that has begun, which no caller can cancel.
const patience = 30 * time.Second

// openPostgres opens a pool. Nothing is kept in a session: no SET, no LISTEN, no
// advisory lock; so a pooler in transaction mode may stand between. The driver
// prepares statements by name where there is none, unless the URL says otherwise
// ("default_query_exec_mode").
func (db *DB) openPostgres(ctx context.Context, cfg Config, migrateUp bool) error {
	db.d = postgresDialect()
	parsed, err := poolConfig(cfg.URL)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	n := cfg.MaxConns
	if n <= 0 {
		n = 16
	}
	pool := newPool(parsed, n)
	pooled, err := behindPooler(ctx, pool)
	if err != nil {
		return errors.Join(fmt.Errorf("reach PostgreSQL: %w", explainPostgres(err)), pool.Close())
	}
	if pooled && !strings.Contains(cfg.URL, "default_query_exec_mode=") {
		parsed.DefaultQueryExecMode = pgx.QueryExecModeExec
		if err := pool.Close(); err != nil {
			return err
		}
		pool = newPool(parsed, n)
	}
	if migrateUp {
		if err := db.migrate(ctx, pool, cfg.Version, ""); err != nil {
			return errors.Join(err, pool.Close())
		}
	}
	p := &postgres{queue: newQueue(), db: db, pool: pool}
	db.reads, db.back = pgConn{pool}, p
	go p.serve(p.commit)
	if !migrateUp {
		return nil
	}
	return db.note(ctx, cfg.Version)
}

// postgres runs each function in a transaction of its own, and commits the
// entries of Read in groups.
type postgres struct {
	*queue
	db      *DB
	pool    *sql.DB
	minutes minutes
	running sync.RWMutex // held for reading by each transaction, so that close waits for them
}

func (p *postgres) update(ctx context.Context, o opening, fn func(*Tx) (lanyard.Entry, error)) error {
	out, err := p.transact(ctx, o, fn)
	if out.refusal() {
		return p.db.record(ctx, out.entry, err)
	}
	return err
}

// transact runs fn in a transaction. Its connection is given back before what
// it returned is recorded, which needs one too.
func (p *postgres) transact(ctx context.Context, o opening, fn func(*Tx) (lanyard.Entry, error)) (out outcome, err error) {
	p.running.RLock()
	defer p.running.RUnlock() // deferred, because fn may end its goroutine
	select {
	case <-p.stop:
		return out, unavailable(errClosed, time.Second)
	default:
	}
	run, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	if err := fault.At(ctx, fault.StoreBegin); err != nil {
		return out, unavailable(err, time.Second)
	}
	t, now, err := p.begin(ctx, run, o)
	if err != nil {
		return out, fmt.Errorf("begin: %w", mine(run, explainPostgres(err)))
	}
	defer t.own.Close()
	defer t.rollback() // does nothing after commit
	tx := &Tx{Query: Query{ctx: run, c: t, d: p.db.d, now: now}}
	p.db.run(tx, fn, func(o outcome) { out = o })
	if out.err != nil {
		return out, mine(run, out.err)
	}
	if err := fault.At(ctx, fault.StoreCommit); err != nil {
		return out, unavailable(err, time.Second)
	}
	if err := t.commit(run); err != nil {
		p.db.stats.failed.Add(1)
		return out, fmt.Errorf("commit: %w", mine(run, explainPostgres(err)))
	}
	p.db.stats.committed(1, 0)
	if err := fault.At(ctx, fault.StoreReply); err != nil {
		return out, unavailable(err, time.Second)
	}
	return out, nil
}

// begin waits for a connection as long as the caller does, and begins. A
// connection that has died while idle is passed over.
func (p *postgres) begin(ctx, run context.Context, o opening) (*pgTx, time.Time, error) {
	for try := 0; ; try++ {
		c, err := p.pool.Conn(ctx)
		if err != nil {
			return nil, time.Time{}, err
		}
		t, now, err := p.db.beginTx(run, c, o)
		if err == nil {
			return t, now, nil
		}
		t.rollback()
		err = errors.Join(err, c.Close())
		if !errors.Is(err, driver.ErrBadConn) || try == 3 {
			return nil, time.Time{}, err
		}
	}
}

// mine makes our own deadline an error of the store: the caller set none.
func mine(run context.Context, err error) error {
	if err != nil && run.Err() != nil {
		return unavailable(err, time.Second)
	}
	return err
}

// commit appends the entries of a batch. Those of functions are not here.
func (p *postgres) commit(batch []*job) {
	entries := make([]*lanyard.Entry, len(batch))
	for i, j := range batch {
		entries[i] = j.entry
	}
	err := fault.At(context.Background(), fault.StoreEntries)
	if err == nil {
		err = p.appendSome(entries)
	}
	if err == nil {
		p.db.stats.committed(0, len(batch))
	} else {
		p.db.stats.failed.Add(1)
		p.db.log.Error("a batch was not committed", "jobs", len(batch), "error", err)
	}
	// Where the fault is in a row and not in the database, one that cannot be
	// written is the only one that is not.
	_, exists := errors.AsType[*ExistsError](err)
	alone := err != nil && len(batch) > 1 && (exists || !errors.Is(err, lanyard.Unavailable))
	for i, j := range batch {
		if alone {
			err = p.appendSome(entries[i : i+1])
		}
		j.done <- err
	}
}

func (p *postgres) appendSome(entries []*lanyard.Entry) error {
	run, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	rows := p.minutes.missing(entries)
	err := addEntriesArrays(run, pgConn{p.pool}, entries, rows, time.Time{})
	if err == nil {
		p.minutes.committed(rows)
	}
	return mine(run, explainPostgres(err))
}

func (p *postgres) ping(ctx context.Context) error { return p.pool.PingContext(ctx) }

func (p *postgres) close() error {
	p.queue.close()
	p.running.Lock()
	defer p.running.Unlock()
	return p.pool.Close()
}

// pgConn is the pool or a transaction. The driver caches statements by their text.
type pgConn struct {
	c interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
}

func (p pgConn) exec(ctx context.Context, query string, args []any) (int64, error) {
	res, err := p.c.ExecContext(ctx, query, plain(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (p pgConn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return p.c.QueryContext(ctx, query, plain(args)...)
}

// plain turns ids and states into strings: without prepared statements the
// driver goes by the Go type, and knows only the basic ones.
func plain(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case nil, string, int64, []byte, []string, [][]byte:
			out[i] = v
		case int:
			out[i] = int64(v)
		default:
			if r := reflect.ValueOf(a); r.Kind() == reflect.String {
				out[i] = r.String()
			} else {
				out[i] = a
			}
		}
	}
	return out
}
