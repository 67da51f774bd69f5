package lanyardtest_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// second is another node on the same PostgreSQL database, with a data directory of
// its own. It returns what asks it.
func second(t *testing.T, w *lanyardtest.World) func(method, path string, body any) (int, lanyardtest.JSON) {
	t.Helper()
	settings := w.Settings
	settings.DataDir = t.TempDir()
	settings.Socket = filepath.Join(settings.DataDir, "s.sock")
	node, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close(t.Context()) })
	front := httptest.NewServer(node.Handler())
	t.Cleanup(front.Close)
	return func(method, path string, body any) (int, lanyardtest.JSON) {
		var in io.Reader
		if body != nil {
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			in = strings.NewReader(string(raw))
		}
		r, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, in)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.Key)
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := front.Client().Do(r)
		if err != nil {
			t.Error(err)
			return 0, nil
		}
		defer func() { _ = resp.Body.Close() }()
		out := lanyardtest.JSON{}
		text, err := io.ReadAll(resp.Body)
		if err == nil {
			err = json.Unmarshal(text, &out)
		}
		if err != nil {
			t.Errorf("%s: %v: %.200s", path, err, text)
		}
		return resp.StatusCode, out
	}
}

func twoNodes(t *testing.T) (*lanyardtest.World, func(method, path string, body any) (int, lanyardtest.JSON)) {
	w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL) })
	return w, second(t, w)
}

// I5, I7: an expired token is read on two nodes at once. One of them renews, the
// other waits for what it gets.
func TestTwoNodesRenewOnce(t *testing.T) {
	t.Parallel()
	w, other := twoNodes(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 700, Times: 1}))
	w.Expire(-1)
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			ask := other
			if n%2 == 0 {
				ask = func(method, path string, body any) (int, lanyardtest.JSON) { return w.Call(w.Key, method, path, body) }
			}
			status, out := ask("POST", tokenPath(c), map[string]any{})
			mu.Lock()
			defer mu.Unlock()
			if status != http.StatusOK {
				t.Errorf("got %d %v, want a token", status, out)
			}
			got[out.Str("fingerprint")]++
		})
	}
	wg.Wait()
	if n := renewals(w); n != 1 || len(got) != 1 {
		t.Errorf("got %d renewals and tokens %v, want one of each", n, got)
	}
}

// A completion is asked with on two nodes at once: one trades the code, and the
// other has the same connection or is told that it was used.
func TestTwoNodesTradeACodeOnce(t *testing.T) {
	t.Parallel()
	w, other := twoNodes(t)
	completion := w.Browser().Consent(w.Invite(w.Zoom(), "u").Str("connect_url"), "ana").Query().Get("lanyard_completion")
	must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 700, Times: 1}))
	body := map[string]any{"completion": completion, "end_user_id": "u"}
	ids := make([]lanyardtest.JSON, 2)
	var wg sync.WaitGroup
	wg.Go(func() { _, ids[0] = w.Call(w.Key, "POST", "/v1/connections", body) })
	time.Sleep(200 * time.Millisecond)
	wg.Go(func() { _, ids[1] = other("POST", "/v1/connections", body) })
	wg.Wait()
	if ids[0].Str("id") == "" || ids[1].Str("id") != ids[0].Str("id") && ids[1].Str("code") != "completion_invalid" {
		t.Errorf("got %v and %v, want one connection", ids[0], ids[1])
	}
	if n := len(w.Sandbox.Ledger(sandbox.Query{Kind: "code", Event: "used"})); n != 1 {
		t.Errorf("got %d codes used, want 1", n)
	}
}

// I13 across nodes: one renews, the other lets go.
func TestOneNodeRenewsAndTheOtherLetsGo(t *testing.T) {
	t.Parallel()
	w, other := twoNodes(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	slowRenewal(t, w, 4000, true)
	w.Expire(10)
	tokenOf(w, c)
	if status, out := other("DELETE", "/v1/connections/"+c.Str("id"), nil); status != http.StatusOK {
		t.Errorf("got %d %v, want it let go", status, out)
	}
	eventually(t, func() bool {
		var open, late int
		w.One(&open, `SELECT count(*) FROM attempts WHERE ended_at = 0`)
		w.One(&late, `SELECT count(*) FROM attempts WHERE kind = 'revoke'`)
		return open == 0 && late >= 2
	}, "the token that came back is given back")
}

// T13, T36: somebody changed a row of the log. The row shows without its origin,
// an alarm is raised, and the others are still to be read.
func TestOneRowThatWasTamperedWithHidesNoOther(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	tokenOf(w, c)
	w.SQL(`UPDATE entries SET sealed = (SELECT o.sealed FROM entries o WHERE o.what = 'session.created') WHERE what = 'token.read'`)
	list := w.OK("GET", "/v1/audit/entries", nil).List("data")
	seen := map[string]string{}
	for _, e := range list {
		seen[e.Str("what")] = e.Str("ip")
	}
	if ip, ok := seen["token.read"]; !ok || ip != "" || seen["session.created"] == "" {
		t.Errorf("got %v, want all entries, and the origin of all but one", seen)
	}
	eventually(t, func() bool {
		return len(w.OK("GET", "/v1/events?type=security.tampered", nil).List("data")) > 0
	}, "the alarm")
}
