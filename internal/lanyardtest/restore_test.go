package lanyardtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
	"lanyard/wire"
)

// putBack stops the server, puts the backup in the place of its database, does
// meanwhile what is asked, and starts it again.
func putBack(w *lanyardtest.World, path string, meanwhile func()) {
	w.T.Helper()
	w.Stop()
	if _, err := server.Restore(w.T.Context(), w.Settings, path); err != nil {
		w.T.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile()
	}
	w.Restart()
}

func backupOf(w *lanyardtest.World) string {
	w.T.Helper()
	path := filepath.Join(w.T.TempDir(), "b.db")
	b, err := lanyardtest.SocketOf(w).Backup(w.T.Context(), wire.NewBackup{Path: path})
	if err != nil {
		w.T.Fatal(err)
	}
	if b.Path != path || b.Bytes == 0 || time.Since(b.TakenAt) > time.Minute {
		w.T.Errorf("got %+v", b)
	}
	return path
}

// renewTwice makes two generations that a backup of before does not have.
func renewTwice(w *lanyardtest.World, c lanyardtest.JSON) (newest string) {
	w.T.Helper()
	for range 2 {
		w.Expire(-1)
		newest = lanyardtest.TokenOf(w, c).Str("fingerprint")
	}
	return newest
}

// reused counts refresh tokens that were sent after the provider had replaced them.
func reused(w *lanyardtest.World) int {
	return len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "refresh", Event: "refused"}))
}

// T14: an old backup is put back. What was renewed since is on the local disk, and
// from there the database has the newest tokens again: nobody has to reconnect.
func TestAnOldBackupAndTheLocalDiskAreTheNewestState(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	path := backupOf(w)
	newest := renewTwice(w, c)
	putBack(w, path, nil)
	if got := lanyardtest.TokenOf(w, c); got.Str("fingerprint") != newest {
		t.Errorf("got %v, want the newest token", got)
	}
	r, err := lanyardtest.SocketOf(w).Restored(t.Context())
	if err != nil || r.RestoredAt == nil || r.StateOf == nil || len(r.Behind) != 0 {
		t.Errorf("got %+v, %v, want when, and nothing behind", r, err)
	}
	w.Expire(-1)
	if got := lanyardtest.TokenOf(w, c); got.Str("fingerprint") == newest || lanyardtest.StatusOf(w, c) != "active" {
		t.Errorf("renewed: got %v and %s", got, lanyardtest.StatusOf(w, c))
	}
	if n := reused(w); n != 0 {
		t.Errorf("got %d refresh tokens sent after they were replaced, want none", n)
	}
}

// T14: the answers on the local disk are gone, but not what was renewed when. The
// refresh token that the backup has is spent: it is not sent, nobody is said to have
// revoked anything, and connecting again mends it.
func TestWithoutTheAnswersTheCauseIsTheRestore(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c, untouched := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
	path := backupOf(w)
	renewTwice(w, c)
	time.Sleep(1500 * time.Millisecond) // marks are on disk a second later
	w.SQL(`UPDATE grants SET access_expires = access_expires + 3600000000`)
	var before int
	putBack(w, path, func() {
		segments, err := filepath.Glob(filepath.Join(w.DataDir, "spool", "*"))
		lanyardtest.Must(t)(len(segments), err)
		for _, name := range segments {
			if filepath.Base(name) != "marks" {
				lanyardtest.Must(t)(0, os.Remove(name))
			}
		}
		before = lanyardtest.Renewals(w)
	})
	got := w.OK("GET", "/v1/connections/"+c.Str("id"), nil)
	if got.Str("status") != "degraded" || got.Str("reason") != "restored" || got.Str("message") == "" {
		t.Errorf("got %v, want the cause named before anybody asks for a token", got)
	}
	if s := lanyardtest.StatusOf(w, untouched); s != "active" {
		t.Errorf("the other: got %s, want it active", s)
	}
	w.Expire(-1)
	problem := w.Fails("restored", "POST", lanyardtest.TokenPath(c), map[string]any{})
	if problem.Str("reconnect_url") == "" {
		t.Errorf("got %v, want where to connect again", problem)
	}
	lanyardtest.TokenOf(w, untouched)
	if n := lanyardtest.Renewals(w) - before; n != 1 || reused(w) != 0 {
		t.Errorf("got %d renewals and %d tokens reused, want only that of the other", n, reused(w))
	}
	r, err := lanyardtest.SocketOf(w).Restored(t.Context())
	if err != nil || len(r.Behind) != 1 || len(r.Behind[0].Connections) != 1 || r.Behind[0].Connections[0] != c.Str("id") || r.Behind[0].KnownAt == nil {
		t.Errorf("got %+v, %v, want the one that is behind", r, err)
	}
	again := w.Connect(app, "u", "ana")
	if s := lanyardtest.StatusOf(w, again); s != "active" {
		t.Errorf("connected again: got %s", s)
	}
	w.Expire(-1)
	lanyardtest.TokenOf(w, again)
}

// The same on PostgreSQL, whose own tools put the database back; here by hand. While
// a server uses it, it cannot be told so.
func TestAPostgreSQLThatWasPutBackIsMendedFromTheLocalDisk(t *testing.T) {
	t.Parallel()
	dsn := lanyard.NewSecret(storetest.PostgreSQL(t).URL)
	on := func(s *server.Settings) { s.DatabaseURL = dsn }
	w := lanyardtest.New(t, on)
	c := w.Connect(w.Zoom(), "u", "ana")
	w.SQL(`CREATE TABLE before AS SELECT * FROM grants`)
	newest := renewTwice(w, c)
	if _, err := server.NoteRestored(t.Context(), elsewhere(t, w)); err == nil || !strings.Contains(err.Error(), "Stop them first") {
		t.Errorf("while it runs: got %v, want it refused", err)
	}
	w.Stop()
	w.SQL(`DELETE FROM grants`)
	w.SQL(`INSERT INTO grants SELECT * FROM before`)
	r, err := server.NoteRestored(t.Context(), w.Settings)
	if err != nil || r.At.IsZero() || r.From.IsZero() || r.From.After(r.At) {
		t.Fatalf("got %+v, %v", r, err)
	}
	w.Restart(on)
	if got := lanyardtest.TokenOf(w, c); got.Str("fingerprint") != newest || reused(w) != 0 {
		t.Errorf("got %v and %d reused, want the newest token", got, reused(w))
	}
	if !strings.Contains(w.Log.String(), "put back to an older state") {
		t.Error("the log does not say so")
	}
}

// elsewhere is the settings of another node.
func elsewhere(t *testing.T, w *lanyardtest.World) server.Settings {
	s := w.Settings
	s.DataDir = t.TempDir()
	return s
}
