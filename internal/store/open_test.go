package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"lanyard/internal/store"
)

// secondConnection opens the database beside the store.
func secondConnection(t *testing.T, cfg store.Config) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", cfg.URL
	if dsn == "" {
		driver, dsn = "sqlite", "file://"+filepath.Join(cfg.DataDir, "lanyard.db")+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, dsn)
	must(t, err)
	return db
}
