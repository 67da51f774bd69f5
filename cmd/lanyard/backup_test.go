package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/wire"
)

// A backup by the command, and back: while a server runs, which writes it and must
// not have it put back; and without one.
func TestBackupAndRestore(t *testing.T) {
	p := newPlace(t)
	backup := filepath.Join(p.dir, "b.db")
	t.Run("a server is running", func(t *testing.T) {
		on := *p
		on.t = t
		on.serve("--listen=localhost:0")
		on.ok("project", "create", "before")
		if out := on.ok("backup", "b.db"); !strings.Contains(out, backup) {
			t.Errorf("got %q, want where it is", out)
		}
		on.ok("project", "create", "after")
		if code, _, err := on.run("restore", "b.db"); code != exitFailed || !strings.Contains(err, "stop it first") {
			t.Errorf("restore: got %d, %q, want it refused", code, err)
		}
		if code, _, err := on.run("backup", "b.db"); code != exitUsage || !strings.Contains(err, "is there already") {
			t.Errorf("over another: got %d, %q, want it refused", code, err)
		}
		var st wire.ServerStatus
		if err := json.Unmarshal([]byte(on.ok("--json", "status")), &st); err != nil || st.LastBackup == nil {
			t.Errorf("got %+v, %v, want when the last was taken", st, err)
		}
	})
	out := p.ok("restore", "b.db", "--reconcile")
	for _, want := range []string{"put back", "state of", "lanyard.db.before-", "No connection is known to be behind"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %q, want it to say %q", out, want)
		}
	}
	if list := p.ok("project", "list"); !strings.Contains(list, "before") || strings.Contains(list, "after") {
		t.Errorf("got %s, want what the backup has", list)
	}
	if out := p.ok("restore", "status"); !strings.Contains(out, "put back at") {
		t.Errorf("got %q", out)
	}
	p.ok("backup") // without a server, and without a name
	made, err := filepath.Glob(filepath.Join(p.dir, "data", "backups", "lanyard-*.db"))
	if err != nil || len(made) != 1 {
		t.Errorf("got %v, %v, want one", made, err)
	}
	for _, args := range [][]string{{"restore"}, {"restore", "a", "b"}, {"restore", "b.db", "--server", "https://x.example"}} {
		if code, _, err := p.run(args...); code != exitUsage || err == "" {
			t.Errorf("%v: got %d, %q, want a usage error", args, code, err)
		}
	}
	if code, _, err := p.run("restore", "absent.db"); code == 0 || !strings.Contains(err, "absent.db") {
		t.Errorf("got %d, %q, want it to name the file", code, err)
	}
	p.env = append(p.env, "LANYARD_DATABASE_URL=postgres://u:hush@db.invalid/x")
	for _, args := range [][]string{{"restore", "b.db"}, {"restore"}} {
		if code, _, err := p.run(args...); code != exitUsage || !strings.Contains(err, "pg_dump") || strings.Contains(err, "hush") {
			t.Errorf("%v: got %d, %q, want what to do with PostgreSQL", args, code, err)
		}
	}
	if _, err := os.Stat(backup); err != nil {
		t.Error(err)
	}
}

// Under another URL than the database was made for, the commands say so, and adopt
// asks before it changes that.
func TestAdopt(t *testing.T) {
	p := newPlace(t)
	t.Run("first", func(t *testing.T) {
		on := *p
		on.t = t
		on.serve("--listen=localhost:0")
		if code, out, _ := on.run("adopt"); code != 0 || !strings.Contains(out, "already") {
			t.Errorf("its own: got %d, %q", code, out)
		}
		out := on.ok("status")
		for _, want := range []string{"this one", "NODE", "providers", "http://localhost:8080"} {
			if !strings.Contains(out, want) {
				t.Errorf("got %q, want it to say %q", out, want)
			}
		}
	})
	db, err := store.Open(t.Context(), store.Config{DataDir: filepath.Join(p.dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Bookkeep(t.Context(), func(tx *store.Tx) error { // an account is connected: something to lose
		return tx.AddGrant(lanyard.Grant{ID: "grt_1", Project: "prj_1", App: "app_1", Kind: "user", SubjectHash: []byte("s")})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	t.Run("under another URL", func(t *testing.T) {
		on := *p
		on.t = t
		on.serve("--listen=localhost:0", "--public-url=http://localhost:9999")
		if out := on.ok("status"); !strings.Contains(out, "No provider is called (instance_not_adopted)") {
			t.Errorf("status: got %q", out)
		}
		if code, out, _ := on.run("doctor"); code == 0 || !strings.Contains(out, "instance_not_adopted") || !strings.Contains(out, "lanyard adopt") {
			t.Errorf("doctor: got %d, %q, want it refused and what to do", code, out)
		}
		if code, _, err := on.run("adopt"); code != exitUsage || !strings.Contains(err, "--yes") || !strings.Contains(err, "http://localhost:8080") {
			t.Errorf("without a terminal: got %d, %q, want it to need --yes", code, err)
		}
		if out := on.ok("adopt", "--yes"); !strings.Contains(out, "http://localhost:9999") {
			t.Errorf("adopt: got %q", out)
		}
		if out := on.ok("status"); strings.Contains(out, "No provider is called") {
			t.Errorf("adopted: got %q", out)
		}
	})
	if code, _, err := p.run("adopt", "--yes"); code != exitFailed || !strings.Contains(err, "lanyard serve") {
		t.Errorf("without a server: got %d, %q, want it to be started first", code, err)
	}
}
