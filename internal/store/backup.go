package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lanyard"
)

// Backup is a copy of a SQLite database, in one file.
type Backup struct {
	Path    string
	TakenAt time.Time // what was committed before is in it
	Bytes   int64
	Schema  int64
}

const (
	backupsDir = "backups"        // in the data directory
	beforeStep = "before-schema-" // what Open puts there, before the schema changes
	keepBefore = 3
	spare      = 64 << 20 // bytes that a copy must leave free on its disk

	// metaTaken is in a backup only: when it was taken, in microseconds.
	metaTaken = "taken_at"
	// MetaBackupAt is when the last backup of this database was taken, in microseconds.
	MetaBackupAt = "backup_at"
)

// ErrPostgres says what to do instead where the database is PostgreSQL's.
var ErrPostgres = lanyard.Errorf(lanyard.CodeInvalidRequest, "%s",
	"the database is PostgreSQL's: back it up with its own tools. Continuous archiving (PITR) loses the least; a pg_dump is a state of hours ago, and every connection whose refresh token was renewed since has to be mended from the spools of the nodes, or made again. "+
		"Keep the key-encryption key elsewhere than the backups. After putting one back, while no server runs, run on one of the nodes: lanyard restore --reconcile")

// Backup copies the database into a new file, while it is in use. What it returns
// was read back and found whole, is on disk, and is readable by this user only.
func (db *DB) Backup(ctx context.Context, path string) (Backup, error) {
	w, ok := db.back.(*writer)
	if !ok {
		return Backup{}, ErrPostgres
	}
	b, err := copyDatabase(ctx, w.check.path, path, db.Clock())
	if err != nil {
		return b, explainCopy(err)
	}
	return b, nil
}

// explainCopy says what is wrong with a file that the operator has named.
func explainCopy(err error) error {
	var path *fs.PathError
	switch {
	case err == nil || ours(err):
		return err
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO):
		return lanyard.Errorf(lanyard.CodeStoreUnavailable, "%w", err)
	case errors.As(err, &path):
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%w", err)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_NOTADB {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "the file is no database of ours: %w", err)
	}
	return explainSQLite(err)
}

// BackupsDir is where backups go that are given no other place.
func BackupsDir(dataDir string) string { return filepath.Join(dataDir, backupsDir) }

// copyDatabase makes the file path from the database in the file from.
func copyDatabase(ctx context.Context, from, path string, now time.Time) (b Backup, err error) {
	b = Backup{Path: path, TakenAt: now}
	if _, err := os.Lstat(path); err == nil {
		return b, lanyard.Errorf(lanyard.CodeInvalidRequest, "%s is there already; a backup is not written over anything", path)
	}
	dir := filepath.Dir(path)
	if err := roomFor(from, dir); err != nil {
		return b, err
	}
	f, err := os.CreateTemp(dir, ".lanyard-backup-*") // mode 0600
	if err != nil {
		return b, err
	}
	part := f.Name()
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(part, part+"-journal"))
		}
	}()
	if err := f.Close(); err != nil {
		return b, err
	}
	if err := vacuumInto(ctx, from, part); err != nil {
		return b, err
	}
	if b.Schema, err = stamp(ctx, part, now); err != nil {
		return b, err
	}
	if b.Bytes, err = syncFile(part); err != nil {
		return b, err
	}
	return b, errors.Join(giveName(part, path), syncDir(dir))
}

// giveName renames a file, over nothing.
func giveName(part, path string) error {
	err := os.Link(part, path)
	if err == nil {
		return os.Remove(part)
	}
	if errors.Is(err, os.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); err == nil { // a file system without links
		return &os.PathError{Op: "rename", Path: path, Err: os.ErrExist}
	}
	return os.Rename(part, path)
}

// roomFor says whether a copy of the database would leave the disk some room.
func roomFor(from, dir string) error {
	var need int64 = spare
	for _, name := range []string{from, from + "-wal"} {
		st, err := os.Stat(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err == nil {
			need += st.Size()
		}
	}
	free, err := freeBytes(dir)
	if err != nil {
		return err
	}
	if free < need {
		return lanyard.Errorf(lanyard.CodeStoreUnavailable, "%s has %d MB free, and a copy of the database needs %d: make room there", dir, free>>20, need>>20)
	}
	return nil
}

// vacuumInto copies what is committed, as of one moment, into a file that is
// empty. Writers go on meanwhile.
func vacuumInto(ctx context.Context, from, to string) (err error) {
	pool, err := sql.Open("sqlite", liteURL(from, ""))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	_, err = pool.ExecContext(ctx, "VACUUM INTO $1", to)
	return err
}

// openPlain opens a file that nobody else uses, without a log beside it.
func openPlain(path string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)"}
	pool, err := sql.Open("sqlite", u.String())
	if err == nil {
		pool.SetMaxOpenConns(1)
	}
	return pool, err
}

// stamp notes in a copy when it was taken, and reads all of it.
func stamp(ctx context.Context, path string, now time.Time) (schema int64, err error) {
	pool, err := openPlain(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := putMeta(ctx, pool, metaTaken, now); err != nil {
		return 0, err
	}
	if err := whole(ctx, pool); err != nil {
		return 0, err
	}
	return (&DB{d: sqliteDialect(nil)}).schemaVersion(ctx, pool)
}

func putMeta(ctx context.Context, pool *sql.DB, key string, at time.Time) error {
	_, err := pool.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
		key, strconv.FormatInt(micros(at), 10))
	return err
}

// whole reads every page and index of a database.
func whole(ctx context.Context, pool *sql.DB) error {
	var said string
	if err := pool.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return lanyard.Errorf(lanyard.CodeStoreUnavailable, "the copy is damaged: %s", said)
	}
	return nil
}

// backupBefore copies a SQLite database before its schema changes, unless nothing
// is in it, and keeps the last three of such copies. Where there is no room for
// one, the schema stays as it is.
func (db *DB) backupBefore(ctx context.Context, pool *sql.DB, from string, there int64) error {
	var projects int
	if err := pool.QueryRowContext(ctx, `SELECT count(*) FROM projects`).Scan(&projects); err != nil || projects == 0 {
		return err
	}
	dir := BackupsDir(filepath.Dir(from))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	now := db.Clock()
	b, err := copyDatabase(ctx, from, filepath.Join(dir, fmt.Sprintf("%s%04d-%s.db", beforeStep, there, now.Format("20060102T150405.000000Z"))), now)
	if err != nil {
		return err
	}
	db.log.Info("the database was backed up before its schema changes", "path", b.Path, "bytes", b.Bytes, "schema", there)
	old, err := filepath.Glob(filepath.Join(dir, beforeStep+"*.db"))
	if err != nil {
		return err
	}
	slices.SortFunc(old, func(a, b string) int { return compareTimes(a, b) })
	for _, path := range old[:max(len(old)-keepBefore, 0)] {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// compareTimes orders the names of such copies by the time in them.
func compareTimes(a, b string) int {
	const digits = len("20060102T150405.000000Z.db")
	return slices.Compare([]byte(a[len(a)-digits:]), []byte(b[len(b)-digits:]))
}

func removeAll(paths ...string) error {
	var errs []error
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// syncFile puts a file on disk, and returns its size.
func syncFile(path string) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), f.Sync()
}
