package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
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

// childDir and childURL make this test binary a second process on a database.
const childDir, childURL = "LANYARD_STORE_TEST_CHILD_DIR", "LANYARD_STORE_TEST_CHILD_URL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeUntilKilled(store.Config{DataDir: dir, URL: os.Getenv(childURL)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes from eight goroutines and says what is acknowledged.
func writeUntilKilled(cfg store.Config) error {
	db, err := store.Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	fmt.Println("open")
	var mu sync.Mutex
	say := func(what string) { // one write of one line, so that none is half there
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				key := newID[string]("k_")
				e := lanyard.NewEntry(lanyard.Principal{Project: "prj_k"}, lanyard.ActTokenRead)
				if err := db.Bookkeep(context.Background(), func(tx *store.Tx) error { return tx.PutMeta(key, "v") }); err != nil {
					say("error " + err.Error())
					return
				}
				say("meta " + key)
				if err := db.Read(context.Background(), func(*store.Query) (lanyard.Entry, error) { return e, nil }); err != nil {
					say("error " + err.Error())
					return
				}
				say("entry " + string(e.ID))
			}
		})
	}
	wg.Wait()
	return nil
}

func child(t *testing.T, cfg store.Config) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+cfg.DataDir, childURL+"="+cfg.URL)
	return cmd
}

// A process that is killed loses nothing that it has acknowledged.
func TestKilledWhileWriting(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		for round := range 2 {
			cmd := child(t, cfg)
			out, err := cmd.StdoutPipe()
			must(t, err)
			cmd.Stderr = os.Stderr
			must(t, cmd.Start())
			var acknowledged []string
			for lines := bufio.NewScanner(out); lines.Scan(); {
				acknowledged = append(acknowledged, lines.Text())
				if len(acknowledged) == 150 {
					must(t, cmd.Process.Kill())
				}
			}
			if _, err := io.Copy(io.Discard, out); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || len(acknowledged) < 150 {
				t.Fatalf("round %d: got %v after %d lines, want it killed", round, err, len(acknowledged))
			}
			db, err := store.Open(t.Context(), cfg)
			must(t, err)
			for _, line := range acknowledged {
				kind, id, _ := strings.Cut(line, " ")
				var there bool
				must(t, db.View(t.Context(), func(q *store.Query) error {
					switch kind {
					case "meta":
						_, err := q.Meta(id)
						there = err == nil
					case "entry":
						e, _, err := q.Entries("prj_k", lanyard.EntryFilter{}, lanyard.Page{Limit: 1, Cursor: id + "~"})
						there = err == nil && len(e) == 1 && string(e[0].ID) == id
					case "open":
						there = true
					}
					return nil
				}))
				if !there {
					t.Errorf("round %d: %q was acknowledged and is not there", round, line)
				}
			}
			must(t, db.Close())
		}
	})
}

// A second process on the data directory is told who has it and what to do.
func TestSecondProcessIsRefused(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		out, err := child(t, cfg).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 {
			t.Errorf("got %v, want exit code 3", err)
		}
		for _, want := range []string{cfg.DataDir, "process " + strconv.Itoa(os.Getpid()), "LANYARD_DATA_DIR"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("got %q, want it to name %s", out, want)
			}
		}
		// The same process is no exception.
		if _, err := store.Open(t.Context(), cfg); !errors.Is(err, lanyard.CodeStoreUnavailable) {
			t.Errorf("got %v, want a refusal", err)
		}
		must(t, db.Close())
		again, err := store.Open(t.Context(), cfg)
		must(t, err)
		must(t, again.Close())
	})
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	cfg := storetest.SQLite(t)
	cfg.DataDir = filepath.Join(cfg.DataDir, "a b?#%41é", "data") // a path that is no URL
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	done(t, db, func(tx *store.Tx) error { return tx.PutMeta("k", "v") })
	files, err := os.ReadDir(cfg.DataDir)
	must(t, err)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		info, err := f.Info()
		must(t, err)
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", f.Name(), got)
		}
	}
	same(t, "files", names, []string{"lanyard.db", "lanyard.db-shm", "lanyard.db-wal", "lanyard.lock"})
	info, err := os.Stat(cfg.DataDir)
	must(t, err)
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("directory: got mode %o, want 700", got)
	}
	must(t, db.Close())
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  store.Config
		want string
	}{
		"nothing":      {store.Config{}, "neither a database URL nor a data directory"},
		"bad URL":      {store.Config{URL: "postgres://u:hunter2@[::1:bad/x"}, "postgres://user:password@"},
		"not a scheme": {store.Config{URL: "mysql://u:hunter2@h/x"}, "postgres://user:password@"},
		"nobody there": {store.Config{URL: "postgres://u:hunter2@127.0.0.1:1/x"}, "reach PostgreSQL"},
	} {
		_, err := store.Open(t.Context(), c.cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) && !strings.Contains(fmt.Sprint(errors.Unwrap(err)), c.want) || strings.Contains(fmt.Sprintf("%+v", err), "hunter2") {
			t.Errorf("%s: got %v, want %q and no password", name, err, c.want)
		}
	}
}
