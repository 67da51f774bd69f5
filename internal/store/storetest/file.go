package storetest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"lanyard/internal/store"
)

// migrated is a SQLite database with its schema and nothing in it, made once for a test
// binary: under the race detector the migrations cost half of what a test does.
var migrated = sync.OnceValues(func() (raw []byte, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "lanyard")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := store.Open(ctx, store.Config{DataDir: dir, Version: Version})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "lanyard.db")
	inside, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		return nil, err
	}
	_, err = inside.ExecContext(ctx, "DELETE FROM meta WHERE key = 'instance_id'") // the copies are each its own
	if err := errors.Join(err, inside.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// Migrated puts a new SQLite database into a data directory, which is made if need be.
func Migrated(t testing.TB, dir string) {
	t.Helper()
	raw, err := migrated()
	if err == nil {
		err = errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "lanyard.db"), raw, 0o600))
	}
	if err != nil {
		t.Fatalf("copy a migrated database: %v", err)
	}
}
