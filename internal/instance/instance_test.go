package instance_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/instance"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

var operator = lanyard.Principal{Name: "operator", Operator: true}

func open(t *testing.T, db *store.DB, dir, url string) *instance.Instance {
	t.Helper()
	i, err := instance.Open(t.Context(), config(t, db, dir, url))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func config(t *testing.T, db *store.DB, dir, url string) instance.Config {
	return instance.Config{Store: db, DataDir: dir, PublicURL: url, Version: "v1", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func beat(t *testing.T, i *instance.Instance) {
	t.Helper()
	must(t, i.Task().Run(t.Context()))
}

func held(t *testing.T, what string, i *instance.Instance, want lanyard.Code) {
	t.Helper()
	err := i.Hold()
	if want == "" && err != nil || want != "" && !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %q", what, err, want)
	}
}

// connect puts something into the database that another server could be using.
func connect(t *testing.T, db *store.DB) {
	t.Helper()
	must(t, db.Bookkeep(t.Context(), func(tx *store.Tx) error {
		return tx.AddGrant(lanyard.Grant{ID: lanyard.NewID[lanyard.GrantID]("grt_"), Project: "prj_1", App: "app_1", Kind: "user",
			SubjectHash: []byte("x"), Tokens: []byte("t"), Health: lanyard.Healthy})
	}))
}

// change runs a statement beside the store.
func change(t *testing.T, cfg store.Config, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("pgx", cfg.URL)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query, args...)
	must(t, err)
}

// T20: under another public URL than the database was made for, no provider is
// called until the operator says so, and then under the old one.
func TestACopyUnderAnotherURLCallsNobodyUntilItIsAdopted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		here := open(t, db, t.TempDir(), "https://a.example")
		held(t, "before anybody served", here, "")
		must(t, here.Serve(t.Context()))
		connect(t, db)

		copied := open(t, db, t.TempDir(), "https://staging.example")
		held(t, "the copy", copied, lanyard.CodeInstanceNotAdopted)
		must(t, copied.Serve(t.Context()))
		beat(t, copied)
		held(t, "the copy, later", copied, lanyard.CodeInstanceNotAdopted)
		for _, want := range []string{"https://a.example", "https://staging.example", "lanyard adopt"} {
			if err := copied.Hold(); !strings.Contains(err.Error(), want) {
				t.Errorf("got %q, want it to say %q", err, want)
			}
		}
		if _, err := copied.Adopt(t.Context(), lanyard.Principal{Name: "key:lyk_x", Project: "prj_1", Scopes: lanyard.Scopes}); !errors.Is(err, lanyard.CodeOperatorOnly) {
			t.Errorf("a customer's key: got %v, want it refused", err)
		}
		was, err := copied.Adopt(t.Context(), operator)
		must(t, err)
		if was != "https://a.example" {
			t.Errorf("got %q, want the URL before", was)
		}
		held(t, "adopted", copied, "")
		held(t, "the old one, before it has looked", here, "")
		beat(t, here)
		held(t, "the old one", here, lanyard.CodeInstanceNotAdopted)

		if was, err := copied.Adopt(t.Context(), operator); err != nil || was != "https://staging.example" {
			t.Errorf("again: got %q, %v, want nothing to happen", was, err)
		}
		var log []lanyard.Entry
		must(t, db.View(t.Context(), func(q *store.Query) (err error) {
			log, _, err = q.Entries("", lanyard.EntryFilter{What: lanyard.ActInstanceAdopted}, lanyard.Page{})
			return err
		}))
		if len(log) != 1 || log[0].Who != "operator" || log[0].Detail["was"] != "https://a.example" || log[0].Detail["public_url"] != "https://staging.example" {
			t.Errorf("the log: got %+v, want one entry of it", log)
		}
	})
}

// While no account is connected there is nothing that two servers could take from
// each other: trying the server out under one URL does not bind it.
func TestADatabaseWithoutAccountsIsWhoeversServesIt(t *testing.T) {
	db := storetest.Open(t)
	must(t, open(t, db, t.TempDir(), "http://localhost:8080").Serve(t.Context()))
	i := open(t, db, t.TempDir(), "https://a.example")
	held(t, "before it serves", i, lanyard.CodeInstanceNotAdopted)
	must(t, i.Serve(t.Context()))
	held(t, "serving", i, "")
	st, err := i.Status(t.Context())
	must(t, err)
	if st.MadeFor != "https://a.example" || st.ID == "" {
		t.Errorf("got %+v, want it made for the one that serves", st)
	}
}

// A database of a version that did not know about this has accounts and no URL.
func TestAnOlderDatabaseIsTheFirstServers(t *testing.T) {
	db := storetest.Open(t)
	connect(t, db)
	first := open(t, db, t.TempDir(), "http://localhost:8080") // a command without a server
	held(t, "a command", first, "")
	i := open(t, db, t.TempDir(), "https://a.example")
	must(t, i.Serve(t.Context()))
	held(t, "the server", i, "")
	beat(t, first)
	held(t, "the command, afterwards", first, lanyard.CodeInstanceNotAdopted)
}

func TestLiveCountsWhoWasSeenALittleWhileAgo(t *testing.T) {
	cfg := storetest.PostgreSQL(t)
	db := opened(t, cfg)
	one := open(t, db, t.TempDir(), "https://a.example")
	two := open(t, db, t.TempDir(), "https://a.example")
	open(t, db, t.TempDir(), "https://a.example")
	beat(t, one)
	beat(t, two)
	if one.Live() != 3 || two.Live() != 3 {
		t.Errorf("got %d and %d, want 3", one.Live(), two.Live())
	}
	change(t, cfg, `UPDATE nodes SET seen_at = seen_at - 31000000 WHERE id = $1`, two.Node())
	beat(t, one)
	if one.Live() != 2 {
		t.Errorf("one was not seen for 31 s: got %d, want 2", one.Live())
	}
	st, err := one.Status(t.Context())
	must(t, err)
	if len(st.Nodes) != 3 || st.Alive[two.Node()] || !st.Alive[one.Node()] || st.Self != one.Node() {
		t.Errorf("got %+v, want all three, and who is alive", st)
	}
	must(t, one.Close(t.Context(), false))
	must(t, two.Close(t.Context(), true))
	st, err = two.Status(t.Context())
	must(t, err)
	if len(st.Nodes) != 2 {
		t.Errorf("got %+v, want the one gone that left nothing behind", st.Nodes)
	}
}

func opened(t *testing.T, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// copyDir copies the files of a node's data directory, as cp -a does.
func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"node", "node.place"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(to, name), raw, 0o600))
	}
	return to
}

// A copied data directory has the name of the node in it. What is started from the
// copy while the original runs is refused; once that has ended, it is not.
func TestTheCopyOfARunningNodesDirectoryIsRefused(t *testing.T) {
	cfg := storetest.PostgreSQL(t)
	db := opened(t, cfg)
	dir := t.TempDir()
	original := open(t, db, dir, "https://a.example")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for ctx.Err() == nil {
			_ = original.Task().Run(ctx)
			time.Sleep(300 * time.Millisecond)
		}
	}()
	copied := copyDir(t, dir)
	_, err := instance.Open(t.Context(), config(t, db, copied, "https://a.example"))
	if !errors.Is(err, lanyard.CodeNodeNameTaken) || !strings.Contains(err.Error(), copied) || !strings.Contains(err.Error(), original.Node()) {
		t.Errorf("got %v, want node_name_taken with the name and the directory", err)
	}
	beat(t, original)
	held(t, "the original", original, "")

	stop()
	must(t, original.Close(t.Context(), false))
	began := time.Now()
	moved := open(t, db, copied, "https://a.example")
	if moved.Node() != original.Node() || time.Since(began) > 5*time.Second {
		t.Errorf("it has left: got %s after %s, want the name at once", moved.Node(), time.Since(began))
	}
}

// One that died is not waited for longer than its last sign of life is fresh, and
// in the same place not at all.
func TestANodeThatDiedIsNotWaitedFor(t *testing.T) {
	cfg := storetest.PostgreSQL(t)
	db := opened(t, cfg)
	dir := t.TempDir()
	first := open(t, db, dir, "https://a.example")
	began := time.Now()
	if again := open(t, db, dir, "https://a.example"); again.Node() != first.Node() || time.Since(began) > 5*time.Second {
		t.Errorf("the same place: got %s after %s, want the name at once", again.Node(), time.Since(began))
	}
	change(t, cfg, `UPDATE nodes SET seen_at = seen_at - 29000000`)
	began = time.Now()
	if again := open(t, db, copyDir(t, dir), "https://a.example"); again.Node() != first.Node() || time.Since(began) > 10*time.Second {
		t.Errorf("another place: got %s after %s, want the name after a second or two", again.Node(), time.Since(began))
	}
}

// Whoever finds a younger process with its name stops calling providers, for good.
func TestAProcessThatWasReplacedCallsNobody(t *testing.T) {
	db := opened(t, storetest.PostgreSQL(t))
	dir := t.TempDir()
	older := open(t, db, dir, "https://a.example")
	younger := open(t, db, dir, "https://a.example")
	beat(t, older)
	held(t, "the older", older, lanyard.CodeNodeNameTaken)
	beat(t, younger)
	held(t, "the younger", younger, "")
	must(t, younger.Close(t.Context(), false))
	beat(t, older)
	held(t, "the older, still", older, lanyard.CodeNodeNameTaken)
}

// A failover that loses the last commits may bring the row of an earlier process
// back, and a clock that steps back makes later starts look earlier: neither is
// another process.
func TestARowOfTheDaysBeforeIsNobodyElse(t *testing.T) {
	cfg := storetest.PostgreSQL(t)
	db := opened(t, cfg)
	dir := t.TempDir()
	i := open(t, db, dir, "https://a.example")
	for _, query := range []string{
		`UPDATE nodes SET started_at = started_at - 60000000`,
		`DELETE FROM nodes`,
	} {
		change(t, cfg, query)
		beat(t, i)
		held(t, query, i, "")
	}
	change(t, cfg, `UPDATE nodes SET started_at = started_at + 600000000, seen_at = seen_at + 600000000`)
	later := open(t, db, dir, "https://a.example")
	beat(t, later)
	held(t, "after the clock went back", later, "")
}

func TestAFileThatHoldsNoNameIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "node"), []byte("what?\n"), 0o600))
	if _, err := instance.Open(t.Context(), config(t, storetest.Open(t), dir, "https://a.example")); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "node")) {
		t.Errorf("got %v, want it to name the file", err)
	}
}
