package server_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/client"
	"lanyard/internal/server"
)

func TestSpoolIsInTheDataDirectoryAndIsToldOf(t *testing.T) {
	r := start(t, settings(t, nil))
	st, err := r.socket().Spool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.State != "ok" || st.Dir != filepath.Join(r.settings.DataDir, "spool") || st.Segments == 0 || st.Bytes == 0 || st.Pending != 0 ||
		st.OldestPending != nil || st.Free == 0 || st.Floor != 256<<20 || st.Node == "" {
		t.Errorf("got %+v", st)
	}
	if info, err := os.Stat(st.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", info, err)
	}
	all, err := r.socket().Status(t.Context())
	if err != nil || all.Parts["spool"] != "ok" || !all.Ready {
		t.Errorf("got %+v, %v", all, err)
	}
	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return client.DialSocket(ctx, r.settings.Socket)
	}}}
	if code, body, _ := get(t, unix, "http://x/metrics"); code != 200 ||
		!strings.Contains(body, "\nlanyard_spool_pending 0\n") || !strings.Contains(body, "\nlanyard_spool_ok 1\n") {
		t.Errorf("got %d %s", code, body)
	}
	if _, err := r.tcp(r.key, "").Spool(t.Context()); !errors.Is(err, lanyard.Forbidden) {
		t.Errorf("a project's key: got %v, want it refused", err)
	}
}

func TestServerWithoutASpoolDoesNotStart(t *testing.T) {
	r := start(t, settings(t, nil))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(r.settings.DataDir, "spool")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.settings.DataDir, "spool"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.New(t.Context(), r.settings, slog.New(slog.DiscardHandler)); !errors.Is(err, lanyard.CodeSpoolUnavailable) {
		t.Errorf("no directory for the spool: got %v, want spool_unavailable", err)
	}
}

// A node that will not come back: only the operator may say so, and not of one
// that is alive.
func TestDeclareLost(t *testing.T) {
	r := start(t, settings(t, nil))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	const gone = "nod_01jz000000000000000000gone"
	db, err := sql.Open("sqlite", filepath.Join(r.settings.DataDir, "lanyard.db"))
	if err != nil {
		t.Fatal(err)
	}
	seen := time.Now().Add(-time.Hour).UnixMicro()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO nodes (id, version, started_at, seen_at, lost_at) VALUES ($1, 'dev', $2, $2, 0)`, gone, seen); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r = start(t, r.settings)
	c := r.socket()
	st, err := c.Spool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeclareLost(t.Context(), st.Node); !errors.Is(err, lanyard.CodeInvalidRequest) {
		t.Errorf("the node that answers: got %v, want it refused", err)
	}
	if _, err := c.DeclareLost(t.Context(), "nod_01jz000000000000000000none"); !errors.Is(err, lanyard.NotFound) {
		t.Errorf("a node that never was: got %v, want not_found", err)
	}
	lost, err := c.DeclareLost(t.Context(), gone)
	if err != nil || lost.Node != gone || lost.Closed != 0 {
		t.Errorf("got %+v, %v", lost, err)
	}
	all, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all.Nodes {
		if (n.ID == gone) != (n.LostAt != nil) {
			t.Errorf("got %+v", n)
		}
	}
}
