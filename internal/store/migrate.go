package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"lanyard"
	"lanyard/internal/fault"
)

//go:embed migrations
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string    // "0001_first.sql"
	AppliedAt time.Time // zero: pending
	Lanyard   string    // the version of the program that wrote it, if known
}

// gooseTable is where goose keeps what was applied.
const gooseTable = "goose_db_version"

func metaSchema(version int64) string { return fmt.Sprintf("schema.%04d", version) }

// provider is goose over the embedded files. The locker is a row in a table and
// not a session's advisory lock, which a pooler would strand.
func (db *DB) provider(pool *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+db.d.name)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithTableName(gooseTable)}
	dialect := goose.DialectSQLite3
	if db.d.name == "postgres" {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(250*time.Millisecond, 240))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithLocker(locker))
	}
	return goose.NewProvider(dialect, pool, files, options...)
}

// migrate brings the schema up to date, forward only, each step in one
// transaction. Where nothing is pending it takes no lock and writes nothing. A
// database that is a file is copied first.
func (db *DB) migrate(ctx context.Context, pool *sql.DB, version, file string) error {
	p, err := db.provider(pool)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	there, err := db.schemaVersion(ctx, pool)
	switch {
	case err != nil:
		return fmt.Errorf("read schema version: %w", db.d.explain(err))
	case there > newest:
		return db.newer(ctx, pool, there, newest, version)
	case there == newest:
		return nil
	}
	if there > 0 && file != "" {
		if err := db.backupBefore(ctx, pool, file, there); err != nil {
			return fmt.Errorf("back up before the schema changes: %w", db.d.explain(explainFile(err)))
		}
	}
	for there < newest {
		if err := fault.At(ctx, fault.StoreMigrate); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		step, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) { // another node was faster
			return nil
		}
		if err != nil {
			return fmt.Errorf("migrate: %w", db.d.explain(err))
		}
		there = step.Source.Version
	}
	return nil
}

// schemaVersion is the highest migration that was applied; 0: an empty database.
func (db *DB) schemaVersion(ctx context.Context, pool *sql.DB) (int64, error) {
	var n int64
	if err := pool.QueryRowContext(ctx, db.d.hasTable, gooseTable).Scan(&n); err != nil || n == 0 {
		return 0, err
	}
	err := pool.QueryRowContext(ctx, `SELECT COALESCE(max(version_id), 0) FROM `+gooseTable).Scan(&n)
	return n, err
}

// newer is the refusal of a database that this binary does not understand.
func (db *DB) newer(ctx context.Context, pool *sql.DB, there, newest int64, version string) error {
	by := "a newer version"
	var wrote string
	err := pool.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, metaSchema(there)).Scan(&wrote)
	switch {
	case err == nil:
		by = "lanyard " + wrote
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("read schema version: %w", db.d.explain(err))
	}
	return lanyard.Errorf(lanyard.CodeStoreUnavailable,
		"this database has schema %d, written by %s; this is lanyard %s, which knows schemas up to %d: start %s or one that came after it, or restore a backup from before",
		there, by, version, newest, by)
}

// note keeps which version of the program wrote the schema, and makes the
// instance's id. An existing database costs two reads.
func (db *DB) note(ctx context.Context, version string) error {
	p, err := db.provider(db.pool())
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	err = db.View(ctx, func(q *Query) error {
		if _, err := q.Meta(metaInstance); err != nil {
			return err
		}
		_, err := q.Meta(metaSchema(newest))
		return err
	})
	if !errors.Is(err, lanyard.CodeNotFound) {
		return err
	}
	return db.Bookkeep(ctx, func(tx *Tx) error {
		for _, s := range sources {
			if err := tx.addMeta(metaSchema(s.Version), version); err != nil {
				return err
			}
		}
		return tx.addInstance()
	})
}

func (db *DB) pool() *sql.DB {
	switch b := db.back.(type) {
	case *writer:
		return b.conn.pool
	case *postgres:
		return b.pool
	}
	return nil
}

func scanApplied(r row, m *Migration) error { return r.Scan(&m.Version, &m.AppliedAt) }

// Migrations lists the steps this binary knows, those that a newer one has
// applied, and when each was.
func (db *DB) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := db.provider(db.pool())
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	known := map[int64]Migration{}
	for _, s := range p.ListSources() {
		known[s.Version] = Migration{Version: s.Version, Name: s.Path}
	}
	err = db.View(ctx, func(q *Query) error {
		n, err := get(q, func(r row, n *int) error { return r.Scan(n) }, db.d.hasTable, gooseTable)
		if err != nil || n == 0 {
			return err
		}
		applied, err := all(q, scanApplied, `SELECT version_id, tstamp FROM `+gooseTable+` WHERE version_id > 0 ORDER BY id`)
		if err != nil {
			return err
		}
		for _, a := range applied {
			m := known[a.Version]
			m.Version, m.AppliedAt = a.Version, a.AppliedAt
			if m.Lanyard, err = q.Meta(metaSchema(a.Version)); err != nil && !errors.Is(err, lanyard.CodeNotFound) {
				return err
			}
			known[a.Version] = m
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	out := make([]Migration, 0, len(known))
	for _, v := range sortedKeys(known) {
		out = append(out, known[v])
	}
	return out, nil
}

// Migrations lists the steps of a database that is not open, without applying
// any: what "lanyard migrate status" shows, also of one that is too new to open.
func Migrations(ctx context.Context, cfg Config) (_ []Migration, err error) {
	db, err := open(ctx, cfg, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Migrations(ctx)
}
