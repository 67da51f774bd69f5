// Package storetest gives tests a real database of their own: SQLite in a
// temporary directory, or PostgreSQL in a throw-away cluster that the test
// binary starts at its first need and that goes when it does.
//
//	storetest.Open(t)        a SQLite *store.DB
//	storetest.Each(t, fn)    fn as a subtest on each of the two
//	storetest.EachConfig     the same, not opened: for tests that open it again
//
// LANYARD_TEST_POSTGRES names a server to use instead of a cluster;
// LANYARD_TEST_PG_BIN, where PostgreSQL's programs are. Where PostgreSQL is
// missing, tests fail, and say how to get it: a suite that skips proves nothing.
// Code that ships does not import this package.
package storetest

import (
	"context"
	"log/slog"
	"testing"

	"lanyard/internal/store"
)

// Version is what the program calls itself in databases made here.
const Version = "v0.0.0-test"

// Open opens a new SQLite database, which is closed when the test ends.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return open(t, SQLite(t))
}

// Postgres opens a new database on PostgreSQL.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, PostgreSQL(t))
}

// Each runs fn on a new database of each kind.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachConfig(t, func(t *testing.T, cfg store.Config) { fn(t, open(t, cfg)) })
}

// EachConfig runs fn with what opens a new database of each kind.
func EachConfig(t *testing.T, fn func(t *testing.T, cfg store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, PostgreSQL(t)) })
}

// SQLite is what opens a new SQLite database, migrated already.
func SQLite(t testing.TB) store.Config {
	t.Helper()
	cfg := EmptySQLite(t)
	Migrated(t, cfg.DataDir)
	return cfg
}

// EmptySQLite is the same without a schema.
func EmptySQLite(t testing.TB) store.Config {
	t.Helper()
	return store.Config{DataDir: t.TempDir(), Version: Version, Logger: logger(t)}
}

// PostgreSQL is what opens a new database on PostgreSQL, migrated already.
func PostgreSQL(t testing.TB) store.Config {
	t.Helper()
	return store.Config{URL: newDatabase(t, true), DataDir: t.TempDir(), Version: Version, MaxConns: 8, Logger: logger(t)}
}

// EmptyPostgreSQL is the same without a schema.
func EmptyPostgreSQL(t testing.TB) store.Config {
	t.Helper()
	return store.Config{URL: newDatabase(t, false), DataDir: t.TempDir(), Version: Version, MaxConns: 8, Logger: logger(t)}
}

func open(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
