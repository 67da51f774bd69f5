package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lanyard"
)

// Restored is what a database was put back to.
type Restored struct {
	At    time.Time // when it was put back
	From  time.Time // what was committed before this is in it
	Aside string    // where the database before went; empty: there was none
}

// Keys of Meta in a database that was put back, in microseconds: when, and to the
// state of when. A grant that was last renewed before it was put back may have been
// renewed since by a row that is not there any more (T14).
const (
	MetaRestoredAt   = "restored_at"
	MetaRestoredFrom = "restored_from"
)

// pendingFile is in the data directory while a database is being put back: what
// is there is neither the old one nor the new one.
const pendingFile = "restore.pending"

// errPending refuses a data directory in that state.
func errPending(dir string) error {
	return lanyard.Errorf(lanyard.CodeStoreUnavailable,
		"putting a database back was interrupted in %s: do it again, with the same file (lanyard restore); the one before is beside it", dir)
}

// Restore puts a backup in the place of the SQLite database in the data directory,
// where no server may be running. The one before stays beside it. It refuses a
// file that is damaged, newer than this program, or of another instance.
func Restore(ctx context.Context, cfg Config, file string) (r Restored, err error) {
	if cfg.URL != "" {
		return r, ErrPostgres
	}
	unlock, err := lockDir(cfg.DataDir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := refuseNetwork(cfg.DataDir); err != nil {
		return r, err
	}
	db := &DB{d: sqliteDialect(nil), offset: cfg.ClockOffset}
	r.At = db.Clock()
	live := filepath.Join(cfg.DataDir, databaseFile)
	fresh := live + ".restoring"
	if err := removeAll(fresh, fresh+"-journal"); err != nil {
		return r, err
	}
	if err := bring(file, live, fresh); err != nil {
		return r, explainCopy(err)
	}
	if r.From, err = db.prepare(ctx, cfg, fresh, live, r.At); err != nil {
		return r, errors.Join(explainCopy(err), removeAll(fresh, fresh+"-journal"))
	}
	if _, err := syncFile(fresh); err != nil {
		return r, err
	}
	if r.Aside, err = swapFiles(ctx, cfg.DataDir, fresh, live, r.At); err != nil {
		return r, explainCopy(err)
	}
	return r, nil
}

// bring copies the file beside the database.
func bring(file, live, fresh string) (err error) {
	for _, log := range []string{"-wal", "-journal"} {
		if st, err := os.Stat(file + log); err == nil && st.Size() > 0 {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s is not a backup: %s lies beside it, so it was in use when it was copied. Take backups with: lanyard backup", file, filepath.Base(file)+log)
		}
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if a, err := in.Stat(); err == nil {
		if b, err := os.Stat(live); err == nil && os.SameFile(a, b) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s is the database itself", file)
		}
	}
	if err := roomFor(file, filepath.Dir(fresh)); err != nil {
		return err
	}
	out, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// prepare checks the copy and notes in it that it was put back. It returns to when.
func (db *DB) prepare(ctx context.Context, cfg Config, fresh, live string, now time.Time) (from time.Time, err error) {
	pool, err := openPlain(fresh)
	if err != nil {
		return from, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	p, err := db.provider(pool)
	if err != nil {
		return from, err
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	there, err := db.schemaVersion(ctx, pool)
	switch {
	case err != nil || there == 0:
		return from, errors.Join(lanyard.Errorf(lanyard.CodeInvalidRequest, "the file is no database of ours"), err)
	case there > newest:
		return from, db.newer(ctx, pool, there, newest, cfg.Version)
	}
	if err := whole(ctx, pool); err != nil {
		return from, err
	}
	is, err := instanceIn(ctx, pool)
	if err != nil {
		return from, err
	}
	if was := instanceAt(ctx, live); was != "" && was != is {
		return from, lanyard.Errorf(lanyard.CodeInvalidRequest,
			"the backup is of instance %s, and the database here of %s: if that is meant, move %s away first", is, was, live)
	}
	if from, err = takenAt(ctx, pool); err != nil {
		return from, err
	}
	if err := putMeta(ctx, pool, MetaRestoredAt, now); err != nil {
		return from, err
	}
	if err := putMeta(ctx, pool, MetaRestoredFrom, from); err != nil {
		return from, err
	}
	_, err = pool.ExecContext(ctx, `DELETE FROM meta WHERE key = $1`, metaTaken)
	return from, err
}

func instanceIn(ctx context.Context, pool *sql.DB) (id string, err error) {
	err = pool.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, metaInstance).Scan(&id)
	return id, err
}

// instanceAt is the id of the database in a file; empty where it cannot be read,
// which may be why another one is put in its place.
func instanceAt(ctx context.Context, path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	pool, err := sql.Open("sqlite", liteURL(path, ""))
	if err != nil {
		return ""
	}
	defer func() { _ = pool.Close() }()
	id, err := instanceIn(ctx, pool)
	if err != nil {
		return ""
	}
	return id
}

// takenAt is when a backup was taken. One that was made by other means says nothing
// of that; the last entry of its log is what is known then.
func takenAt(ctx context.Context, pool *sql.DB) (time.Time, error) {
	var at sql.NullInt64
	err := pool.QueryRowContext(ctx, `SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = $1),
		(SELECT at FROM entries ORDER BY id DESC LIMIT 1))`, metaTaken).Scan(&at)
	if err != nil || !at.Valid {
		return time.Time{}, err
	}
	return time.UnixMicro(at.Int64).UTC(), nil
}

// swapFiles puts the prepared copy in the place of the database, and that aside.
// While it does, the directory is marked, so that a crash in between is no loss of
// either.
func swapFiles(ctx context.Context, dir, fresh, live string, now time.Time) (aside string, err error) {
	pending := filepath.Join(dir, pendingFile)
	if err := os.WriteFile(pending, nil, 0o600); err != nil {
		return "", err
	}
	if err := syncDir(dir); err != nil {
		return "", err
	}
	if _, err := os.Lstat(live); err == nil {
		fold(ctx, live)
		aside = live + ".before-" + strings.ReplaceAll(now.Format("20060102T150405.000000Z"), ".", "_")
		for _, part := range []string{"-wal", "-shm", ""} { // the log first: a new database must not find it
			if err := os.Rename(live+part, aside+part); err != nil && !errors.Is(err, os.ErrNotExist) {
				return aside, err
			}
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(fresh, live); err != nil {
		return aside, err
	}
	if err := syncDir(dir); err != nil {
		return aside, err
	}
	return aside, errors.Join(os.Remove(pending), syncDir(dir))
}

// fold moves the log of a database into it, if that can be done: then it is one file.
func fold(ctx context.Context, path string) {
	pool, err := sql.Open("sqlite", liteURL(path, ""))
	if err != nil {
		return
	}
	defer func() { _ = pool.Close() }()
	_, _ = pool.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)") // where it is damaged, it goes aside as it is
}

// Restored says when the database was put back, and to the state of when; zero if
// it never was.
func (q *Query) Restored() (at, from time.Time, err error) {
	if at, err = q.MetaTime(MetaRestoredAt); err == nil {
		from, err = q.MetaTime(MetaRestoredFrom)
	}
	return at, from, err
}

// NoteRestored notes that PostgreSQL's own tools have put the database back: to the
// state of the last entry of its log.
func (db *DB) NoteRestored(ctx context.Context) (r Restored, err error) {
	return r, db.Bookkeep(ctx, func(tx *Tx) error {
		last, err := all(&tx.Query, func(row row, t *time.Time) error { return row.Scan(asTime{t}) }, `SELECT at FROM entries ORDER BY id DESC LIMIT 1`)
		if err != nil {
			return err
		}
		r.At, r.From = tx.Now(), time.Time{}
		if len(last) > 0 {
			r.From = last[0]
		}
		if err := tx.PutMeta(MetaRestoredAt, strconv.FormatInt(micros(r.At), 10)); err != nil {
			return err
		}
		return tx.PutMeta(MetaRestoredFrom, strconv.FormatInt(micros(r.From), 10))
	})
}

// GrantsAfter returns up to limit grants in the order of their ids, with what tells
// whether the database knows the latest of them: ids, and when each was renewed.
func (q *Query) GrantsAfter(after lanyard.GrantID, limit int) ([]lanyard.Grant, error) {
	return all(q, func(r row, g *lanyard.Grant) error { return r.Scan(&g.ID, &g.Project, &g.App, asTime{&g.RefreshedAt}) },
		`SELECT id, project_id, app_id, refreshed_at FROM grants WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// GrantsSetBack returns up to limit grants whose current tokens the database does not
// know since it was put back, by id.
func (q *Query) GrantsSetBack(limit int) ([]lanyard.Grant, error) {
	return all(q, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE health = 'degraded' AND reason = $1 ORDER BY id LIMIT $2`,
		lanyard.CodeRestored, limit)
}
