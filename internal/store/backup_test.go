package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func onlyMine(t *testing.T, path string) {
	t.Helper()
	st, err := os.Stat(path)
	must(t, err)
	if st.Mode().Perm() != 0o600 {
		t.Errorf("%s: got mode %o, want 600", path, st.Mode().Perm())
	}
}

// inFile opens a copy and reads one value.
func inFile(t *testing.T, path, query string) (out string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file://"+path)
	must(t, err)
	defer db.Close()
	must(t, db.QueryRow(query).Scan(&out))
	return out
}

// A backup under load is one moment of the database: whole, with everything that
// was acknowledged before it began, and nothing by halves.
func TestABackupUnderLoadIsOneMomentOfTheDatabase(t *testing.T) {
	cfg := storetest.SQLite(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var last int
	for g := range 4 {
		wg.Go(func() {
			for n := g; ctx.Err() == nil; n += 4 {
				// Two rows that belong together, in one transaction.
				err := db.Bookkeep(context.Background(), func(tx *store.Tx) error {
					w := newWorld()
					if err := tx.AddPerson(w.person, keyset("person", string(w.project.ID)+"/"+string(w.person.ID))); err != nil {
						return err
					}
					return tx.PutMeta(fmt.Sprintf("n.%d", n), "1")
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				last = max(last, n)
				mu.Unlock()
			}
		})
	}
	for i := range 3 {
		time.Sleep(200 * time.Millisecond)
		mu.Lock()
		before := last
		mu.Unlock()
		path := filepath.Join(t.TempDir(), fmt.Sprintf("b%d.db", i))
		b, err := db.Backup(t.Context(), path)
		must(t, err)
		onlyMine(t, path)
		if st, err := os.Stat(path); err != nil || st.Size() != b.Bytes || b.Schema == 0 || b.TakenAt.IsZero() || b.Path != path {
			t.Errorf("got %+v, %v", b, err)
		}
		if got := inFile(t, path, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("got %q", got)
		}
		persons, numbers := inFile(t, path, "SELECT count(*) FROM persons"), inFile(t, path, "SELECT count(*) FROM meta WHERE key LIKE 'n.%'")
		if persons != numbers {
			t.Errorf("got %s persons and %s numbers, want as many: they were written together", persons, numbers)
		}
		if got := inFile(t, path, fmt.Sprintf("SELECT count(*) FROM meta WHERE key = 'n.%d'", before)); got != "1" {
			t.Errorf("what was acknowledged before is not in it")
		}
		for _, beside := range []string{"-wal", "-shm", "-journal"} {
			if _, err := os.Stat(path + beside); err == nil {
				t.Errorf("%s lies beside it", beside)
			}
		}
	}
	stop()
	wg.Wait()
}

func TestABackupIsWrittenOverNothing(t *testing.T) {
	db := storetest.Open(t)
	path := filepath.Join(t.TempDir(), "b.db")
	must(t, os.WriteFile(path, []byte("mine"), 0o644))
	if _, err := db.Backup(t.Context(), path); !errors.Is(err, lanyard.CodeInvalidRequest) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want it refused", err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "mine" {
		t.Errorf("got %q, %v", raw, err)
	}
	if _, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "nowhere", "b.db")); !errors.Is(err, lanyard.CodeInvalidRequest) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a directory that is not there: got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".lanyard-backup-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("got %v, %v left behind", left, err)
	}
}

func TestPostgreSQLSaysHowItIsBackedUp(t *testing.T) {
	db := storetest.Postgres(t)
	_, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "b.db"))
	_, err2 := store.Restore(t.Context(), storetest.PostgreSQL(t), "b.db")
	for _, err := range []error{err, err2} {
		for _, want := range []string{"pg_dump", "PITR", "key-encryption key", "lanyard restore --reconcile"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %q", err, want)
			}
		}
	}
}

// put writes a named value.
func put(t *testing.T, db *store.DB, key, value string) {
	t.Helper()
	done(t, db, func(tx *store.Tx) error { return tx.PutMeta(key, value) })
}

func meta(t *testing.T, db *store.DB, key string) string {
	t.Helper()
	return view(t, db, func(q *store.Query) (string, error) {
		v, err := q.Meta(key)
		if errors.Is(err, lanyard.NotFound) {
			return "", nil
		}
		return v, err
	})
}

func TestARestoreGoesBackAndKeepsWhatWas(t *testing.T) {
	cfg := storetest.SQLite(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	put(t, db, "k", "then")
	path := filepath.Join(t.TempDir(), "b.db")
	b, err := db.Backup(t.Context(), path)
	must(t, err)
	put(t, db, "k", "now")
	if _, err := store.Restore(t.Context(), cfg, path); !errors.Is(err, lanyard.CodeStoreUnavailable) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("while it runs: got %v, want it refused", err)
	}
	must(t, db.Close())

	r, err := store.Restore(t.Context(), cfg, path)
	must(t, err)
	if !r.From.Equal(b.TakenAt) || r.At.Before(b.TakenAt) || r.Aside == "" {
		t.Errorf("got %+v, want when it was taken, when it was put back, and what became of the other", r)
	}
	onlyMine(t, filepath.Join(cfg.DataDir, "lanyard.db"))
	if got := inFile(t, r.Aside, "SELECT value FROM meta WHERE key = 'k'"); got != "now" {
		t.Errorf("aside: got %q, want the database before", got)
	}
	db, err = store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	if got := meta(t, db, "k"); got != "then" {
		t.Errorf("got %q, want what the backup has", got)
	}
	at := view(t, db, func(q *store.Query) ([2]time.Time, error) {
		at, from, err := q.Restored()
		return [2]time.Time{at, from}, err
	})
	if !at[0].Equal(r.At) || !at[1].Equal(r.From) {
		t.Errorf("got %v, want %v", at, r)
	}
	put(t, db, "k", "later") // it is written as any other
	again, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	must(t, err)
	if !again.TakenAt.After(b.TakenAt) {
		t.Errorf("got it taken at %s, want its own time", again.TakenAt)
	}
}

func TestWhatIsNoBackupOfThisInstanceIsRefused(t *testing.T) {
	cfg := storetest.SQLite(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	put(t, db, "k", "kept")
	good := filepath.Join(t.TempDir(), "good.db")
	_, err = db.Backup(t.Context(), good)
	must(t, err)
	must(t, db.Close())
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	_, err = storetest.Open(t).Backup(t.Context(), foreign)
	must(t, err)
	raw, err := os.ReadFile(good)
	must(t, err)
	write := func(name string, raw []byte) string {
		path := filepath.Join(t.TempDir(), name)
		must(t, os.WriteFile(path, raw, 0o600))
		return path
	}
	newer := write("newer.db", raw)
	func() {
		db, err := sql.Open("sqlite", "file://"+newer)
		must(t, err)
		defer db.Close()
		_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
		must(t, err)
	}()
	damaged := append([]byte(nil), raw...)
	for i := 8192; i < len(damaged); i += 512 {
		copy(damaged[i:], "damage")
	}
	running := write("running.db", raw)
	must(t, os.WriteFile(running+"-wal", []byte("x"), 0o600))
	for _, c := range []struct{ path, says string }{
		{foreign, "instance"},
		{newer, "schema 99"},
		{write("damaged.db", damaged), ""},
		{write("text.db", []byte("no database at all, but long enough to be one, or so it seems")), ""},
		{write("empty.db", nil), "no database of ours"},
		{running, "lanyard backup"},
		{filepath.Join(t.TempDir(), "absent.db"), "absent.db"},
		{filepath.Join(cfg.DataDir, "lanyard.db"), "itself"},
	} {
		if _, err := store.Restore(t.Context(), cfg, c.path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want it refused because of %q", filepath.Base(c.path), err, c.says)
		}
	}
	left, err := filepath.Glob(filepath.Join(cfg.DataDir, "*"))
	must(t, err)
	for _, path := range left {
		if name := filepath.Base(path); name != "lanyard.db" && name != "lanyard.lock" {
			t.Errorf("%s was left behind", name)
		}
	}
	db, err = store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	if got := meta(t, db, "k"); got != "kept" {
		t.Errorf("got %q, want the database as it was", got)
	}
}

// A crash in the middle of putting a database back: nothing is opened, and least of
// all made anew, until it was done again.
func TestAnInterruptedRestoreIsNotOpened(t *testing.T) {
	cfg := storetest.SQLite(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	put(t, db, "k", "then")
	path := filepath.Join(t.TempDir(), "b.db")
	_, err = db.Backup(t.Context(), path)
	must(t, err)
	must(t, db.Close())
	must(t, os.WriteFile(filepath.Join(cfg.DataDir, "restore.pending"), nil, 0o600))
	must(t, os.Remove(filepath.Join(cfg.DataDir, "lanyard.db")))
	if _, err := store.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "lanyard restore") {
		t.Errorf("got %v, want it refused, and what to do", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "lanyard.db")); err == nil {
		t.Error("a new database was made")
	}
	_, err = store.Restore(t.Context(), cfg, path)
	must(t, err)
	db, err = store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	if got := meta(t, db, "k"); got != "then" {
		t.Errorf("got %q", got)
	}
}

// Before its schema changes, a database with something in it is copied, and three
// such copies are kept.
func TestADatabaseIsCopiedBeforeItsSchemaChanges(t *testing.T) {
	cfg := storetest.SQLite(t)
	dir := store.BackupsDir(cfg.DataDir)
	backups := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		return found
	}
	older := func(statements ...string) {
		t.Helper()
		for _, part := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(filepath.Join(cfg.DataDir, "lanyard.db"+part))
		}
		must(t, store.MigrateTo(t.Context(), cfg, 3))
		second := secondConnection(t, cfg)
		defer second.Close()
		for _, query := range statements {
			_, err := second.Exec(query)
			must(t, err)
		}
	}
	older()
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	must(t, db.Close())
	if got := backups(); len(got) > 0 {
		t.Errorf("an empty database: got %v, want no copy", got)
	}
	var first string
	for i := range 5 {
		older(`INSERT INTO meta (key, value) VALUES ('instance_id', 'ins_1')`,
			`INSERT INTO projects (id, name, settings, created_at, updated_at) VALUES ('prj_1', 'Acme', '{}', 1, 1)`)
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		must(t, db.Close())
		got := backups()
		if len(got) != min(i+1, 3) {
			t.Fatalf("after %d: got %v", i+1, got)
		}
		if i == 0 {
			first = got[0]
			onlyMine(t, first)
			if v := inFile(t, first, "SELECT max(version_id) FROM goose_db_version"); v != "3" {
				t.Errorf("got schema %s in it, want the one before", v)
			}
			if n := inFile(t, first, "SELECT count(*) FROM projects"); n != "1" {
				t.Errorf("got %s projects in it", n)
			}
		}
	}
	if _, err := os.Stat(first); err == nil {
		t.Error("the oldest is still there")
	}
	// It goes back like any other, and is brought up to date.
	_, err = store.Restore(t.Context(), cfg, backups()[0])
	must(t, err)
	db, err = store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	if got := view(t, db, func(q *store.Query) (lanyard.Project, error) { return q.Project("prj_1") }); got.Name != "Acme" {
		t.Errorf("got %+v, want the project", got)
	}
}
