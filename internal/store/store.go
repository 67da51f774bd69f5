// Package store is all SQL: both databases, their migrations, and how a change
// and its record become one thing.
//
//	Update    a change and its audit entry, in one transaction
//	Read      nothing changes: the row is read outside any transaction, its entry goes
//	          to the group committer, and the answer waits until that is durable
//	Bookkeep  a change that the log does not record: leases, attempts, last use
//	View      a read that the log does not record
//
// A function passed to Update or Bookkeep runs once, on the goroutine of its
// caller. It must be quick (no network, no decryption) and must not call the DB
// again to change something: on SQLite it would wait for itself. Where it
// returns an error or panics, nothing of it happened; a panic is logged with its
// stack and becomes an error. Where it returns an error together with an entry,
// that is a refusal: the entry is committed all the same, without the change.
//
// A context that ends while the function waits for its turn keeps it from
// running. Once it runs, it completes.
//
// SQLite has one writer: a goroutine takes what is waiting, up to 128 functions
// and entries, into one BEGIN IMMEDIATE, each function in a SAVEPOINT of its
// own, and commits them together (writer.go). On PostgreSQL each function has
// its own transaction, and entries of Read go together (postgres.go). Neither
// waits for company: when nothing is being committed, what comes is committed.
//
// The log of one connection is found by the minutes in which it has entries
// (minute.go), and SQLite's own log is moved into its file in the background
// (checkpoint.go): both because every token read appends to the log.
//
// An error of Update or Bookkeep on PostgreSQL whose CodeStoreUnavailable came
// at commit may have been committed, its reply lost. Compare-and-swap is what
// makes trying again safe.
//
// Every row belongs to a project and every query asks for it, so that another
// project's row is as absent as one that is not there (T22). The exceptions are
// look-ups by a credential (a key's id, a link, a state, a completion), by an
// app's id from outside (a callback's address), and by ids that never leave the
// server, of rows which the caller has found by their project.
package store

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"lanyard"
)

// Config says which database to open.
type Config struct {
	URL      string       // empty: SQLite in DataDir; "postgres://…": PostgreSQL. See openPostgres for poolers
	DataDir  string       // this node's own directory; needed for SQLite. It is locked while the DB is open
	Version  string       // of the program, kept with each schema version it makes; empty: "unknown"
	Logger   *slog.Logger // nil: nothing is logged
	MaxConns int          // connections to PostgreSQL; 0: 16
	Readers  int          // readers of SQLite; 0: 4

	// ClockOffset is what this process's clock is wrong by, for tests of just that.
	// It moves the clock of SQLite; PostgreSQL has its own.
	ClockOffset time.Duration
}

// DB is the open database. It is safe for use by many goroutines.
type DB struct {
	d      *dialect
	log    *slog.Logger
	back   backend
	reads  conn // where View and Read run
	unlock func() error
	offset time.Duration
	skew   atomic.Int64 // of the database's clock
	stats  counters

	closing sync.Once
	closed  error
}

// backend is what differs in how functions and entries are committed.
type backend interface {
	// update runs fn in a transaction; an entry of its own is part of that.
	update(ctx context.Context, o opening, fn func(*Tx) (lanyard.Entry, error)) error
	// append makes an entry durable.
	append(ctx context.Context, e *lanyard.Entry) error
	ping(ctx context.Context) error
	close() error
}

// Open opens the database, takes the lock of the data directory, and migrates.
// It refuses a directory that another process holds, a network file system under
// SQLite, and a database that a newer version has migrated, and says what to do.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	return open(ctx, cfg, true)
}

func open(ctx context.Context, cfg Config, migrateUp bool) (_ *DB, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Version == "" {
		cfg.Version = "unknown"
	}
	if cfg.URL == "" && cfg.DataDir == "" {
		return nil, errors.New("open store: neither a database URL nor a data directory is set")
	}
	db := &DB{log: cfg.Logger, offset: cfg.ClockOffset, unlock: func() error { return nil }}
	if cfg.DataDir != "" {
		if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
			return nil, err
		}
		if db.unlock, err = lockDir(cfg.DataDir); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if cfg.URL == "" {
		err = db.openSQLite(ctx, cfg, migrateUp)
	} else {
		err = db.openPostgres(ctx, cfg, migrateUp)
	}
	if err != nil {
		return nil, err
	}
	return db, nil
}

// Close waits for what is being committed, closes the database and gives the
// data directory free. What is called afterwards is CodeStoreUnavailable.
func (db *DB) Close() error {
	db.closing.Do(func() {
		if db.back != nil {
			db.closed = db.back.close()
		}
		db.closed = errors.Join(db.closed, db.unlock())
	})
	return db.closed
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.d.explain(db.back.ping(ctx)) }

// Backend is "sqlite" or "postgres".
func (db *DB) Backend() string { return db.d.name }

// Stats counts, since Open.
type Stats struct {
	Commits int64 // transactions and batches committed
	Changes int64 // functions of Update and Bookkeep that ran
	Entries int64 // entries that the group committer has written
	Largest int64 // most that one commit had in it
	Failed  int64 // commits that failed
}

type counters struct{ commits, changes, entries, largest, failed atomic.Int64 }

func (c *counters) committed(changes, entries int) {
	c.commits.Add(1)
	c.changes.Add(int64(changes))
	c.entries.Add(int64(entries))
	for n := int64(changes + entries); ; {
		was := c.largest.Load()
		if n <= was || c.largest.CompareAndSwap(was, n) {
			return
		}
	}
}

// Stats returns the counters.
func (db *DB) Stats() Stats {
	return Stats{db.stats.commits.Load(), db.stats.changes.Load(), db.stats.entries.Load(), db.stats.largest.Load(), db.stats.failed.Load()}
}
