package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// databaseFile is SQLite's file in the data directory.
const databaseFile = "lanyard.db"

func (db *DB) openSQLite(ctx context.Context, cfg Config, migrateUp bool) error {
	db.d = sqliteDialect(db.Clock)
	if err := refuseNetwork(cfg.DataDir); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(cfg.DataDir, pendingFile)); err == nil {
		return errPending(cfg.DataDir)
	}
	path := filepath.Join(cfg.DataDir, databaseFile)
	// SQLite gives its -wal and -shm the mode of the file, so that is made first.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open database: %w", explainFile(err))
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("open database: %w", explainFile(err))
	}
	pool, err := sql.Open("sqlite", liteURL(path, "_txlock=immediate"))
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(1)
	if migrateUp {
		if err := db.migrate(ctx, pool, cfg.Version, path); err != nil {
			return errors.Join(err, pool.Close())
		}
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("open database: %w", explainSQLite(err)), pool.Close())
	}
	w := &writer{queue: newQueue(), db: db, conn: newLiteConn(pool, c)}
	if w.check, err = newCheckpointer(path, db.log); err != nil {
		return errors.Join(err, w.conn.close())
	}
	readers, err := sql.Open("sqlite", liteURL(path, "_query_only=1"))
	if err != nil {
		return errors.Join(fmt.Errorf("open readers: %w", err), w.check.close(), w.conn.close())
	}
	n := cfg.Readers
	if n <= 0 {
		n = 4
	}
	readers.SetMaxOpenConns(n + snapshotReaders)
	readers.SetMaxIdleConns(n)
	w.readers = &litePool{pool: readers, single: newSnapshots(readers)}
	db.reads, db.back = w.readers, w
	go w.serve(func(batch []*job) {
		w.commit(batch)
		w.check.after(w.conn, w.readers.single, batch)
	})
	if !migrateUp {
		return nil
	}
	return db.note(ctx, cfg.Version)
}

// liteURL: FULL, because a rotated refresh token must survive a power cut; and
// 8 MB of cache for each connection, which the default of this driver multiplies.
// Checkpoints are the checkpointer's.
func liteURL(path, more string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: more +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)" +
		"&_pragma=wal_autocheckpoint(0)&_pragma=cache_size(-8192)&_pragma=temp_store(MEMORY)&_pragma=journal_size_limit(67108864)"}
	return u.String()
}

// litePool is the readers, with a prepared statement for each query text.
type litePool struct {
	pool   *sql.DB
	single *snapshots // for single rows
	stmts  sync.Map   // query text → *sql.Stmt
}

func (p *litePool) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := p.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := p.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if other, raced := p.stmts.LoadOrStore(query, s); raced {
		return other.(*sql.Stmt), s.Close()
	}
	return s, nil
}

func (p *litePool) exec(context.Context, string, []any) (int64, error) {
	return 0, errors.New("store: a reader does not write")
}

func (p *litePool) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *litePool) close() error {
	errs := []error{p.single.close()}
	p.stmts.Range(func(_, s any) bool {
		errs = append(errs, s.(*sql.Stmt).Close())
		return true
	})
	return errors.Join(append(errs, p.pool.Close())...)
}
