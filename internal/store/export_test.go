package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/stdlib"
)

// MigrateTo makes an empty database as a program was that knew the schema only up to
// a version.
func MigrateTo(ctx context.Context, cfg Config, version int64) (err error) {
	db := &DB{d: sqliteDialect(nil)}
	var pool *sql.DB
	if cfg.URL == "" {
		if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
			return err
		}
		pool, err = sql.Open("sqlite", liteURL(filepath.Join(cfg.DataDir, databaseFile), "_txlock=immediate"))
	} else {
		db.d = postgresDialect()
		parsed, bad := poolConfig(cfg.URL)
		if bad != nil {
			return bad
		}
		pool = stdlib.OpenDB(*parsed)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	p, err := db.provider(pool)
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, version)
	return err
}
