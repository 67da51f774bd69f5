package lanyardtest_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// T20: a copy of the database that is started under another URL shows and tells
// what it has, and calls no provider by any way, until the operator adopts it.
func TestACopyElsewhereCallsNoProviderUntilItIsAdopted(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		c := w.Connect(app, "u", "ana")
		first := lanyardtest.TokenOf(w, c).Str("fingerprint")
		w.Stop()
		elsewhere := func(s *server.Settings) { s.PublicURL = "http://localhost:1" }
		url, dsn := w.URL, w.Settings.DatabaseURL
		same := func(s *server.Settings) { s.DatabaseURL = dsn }
		w.Restart(same, elsewhere)
		w.URL = url // it listens where it did

		calls := len(w.Sandbox.Ledger(sandbox.Query{}))
		if got := lanyardtest.TokenOf(w, c); got.Str("fingerprint") != first || lanyardtest.StatusOf(w, c) != "active" {
			t.Errorf("a token that lives: got %v, want it", got)
		}
		w.Expire(-1)
		problem := w.Fails("instance_not_adopted", "POST", lanyardtest.TokenPath(c), map[string]any{})
		if problem["retry_after"] == nil || strings.Contains(problem.Str("user_message"), "adopt") {
			t.Errorf("got %v, want when to try again, and for the person no word about us", problem)
		}
		w.Expire(3600)
		w.Fails("instance_not_adopted", "POST", "/v1/join-tokens",
			map[string]any{"connection_id": c.Str("id"), "meeting_number": "123456789", "types": []string{"zak"}})
		if check := w.OK("POST", "/v1/apps/"+app+"/check", nil); !strings.Contains(fmt.Sprint(check), "lanyard adopt") {
			t.Errorf("app check: got %v, want it to say why it cannot know", check)
		}
		if n := len(w.Sandbox.Ledger(sandbox.Query{})); n != calls {
			t.Errorf("got %d new lines in the providers' ledger, want none", n-calls)
		}

		op := lanyardtest.SocketOf(w)
		st, err := op.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if st.Hold == nil || st.Hold.Code != "instance_not_adopted" || st.MadeFor != url || st.Parts["providers"] != "instance_not_adopted" || !st.Ready {
			t.Errorf("got %+v, want it ready, and why it calls no provider", st)
		}
		if !strings.Contains(w.Log.String(), "lanyard adopt") {
			t.Error("the log does not say what to do")
		}
		done, err := op.Adopt(t.Context())
		if err != nil || done.Was != url || done.PublicURL != "http://localhost:1" {
			t.Fatalf("got %+v, %v, want it adopted", done, err)
		}
		w.Expire(-1)
		if got := lanyardtest.TokenOf(w, c); got.Str("fingerprint") == first {
			t.Errorf("adopted: got the old token, want a new one")
		}
		if st, err := op.Status(t.Context()); err != nil || st.Hold != nil || st.Parts["providers"] != "ok" {
			t.Errorf("adopted: got %+v, %v", st, err)
		}

		status, out := w.Call(w.Key, "POST", "/v1/operator/adopt", nil)
		if status != http.StatusForbidden || out.Str("code") != "operator_only" {
			t.Errorf("a customer's key: got %d %v, want it refused", status, out)
		}
	})
}

// Two processes of one name: the copy of a running node's data directory does not
// start, and a node that finds itself replaced calls no provider, says so to load
// balancers, and still hands out what lives.
func TestTwoProcessesOfOneNameDoNotBothRenew(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL) })
	c := w.Connect(w.Zoom(), "u", "ana")
	settings := w.Settings
	settings.DataDir = t.TempDir()
	settings.Socket = filepath.Join(settings.DataDir, "s.sock")
	name, err := os.ReadFile(filepath.Join(w.DataDir, "node"))
	lanyardtest.Must(t)(0, err)
	lanyardtest.Must(t)(0, os.WriteFile(filepath.Join(settings.DataDir, "node"), name, 0o600))
	if _, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil))); !errors.Is(err, lanyard.CodeNodeNameTaken) {
		t.Errorf("the copy: got %v, want it refused", err)
	}
	w.Expire(-1)
	lanyardtest.TokenOf(w, c)

	w.SQL(`UPDATE nodes SET started_at = started_at + 3600000000`) // as a younger process of the name writes it
	lanyardtest.Eventually(t, func() bool { return strings.Contains(w.Log.String(), "node_name_taken") }, "the node notices")
	lanyardtest.TokenOf(w, c)
	w.Expire(-1)
	w.Fails("node_name_taken", "POST", lanyardtest.TokenPath(c), map[string]any{})
	lanyardtest.Eventually(t, func() bool {
		status, out := w.Call(w.Key, "GET", "/readyz", nil)
		return status == http.StatusServiceUnavailable && out.Str("providers") == "node_name_taken"
	}, "readyz says so")
}
