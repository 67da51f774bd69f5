package lanyardtest_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

func twoNodes(t *testing.T) (*lanyardtest.World, func(method, path string, body any) (int, lanyardtest.JSON)) {
	w := lanyardtest.New(t, func(s *server.Settings) { s.DatabaseURL = lanyard.NewSecret(storetest.PostgreSQL(t).URL) })
	return w, lanyardtest.Second(t, w)
}

// I5, I7: an expired token is read on two nodes at once. One of them renews, the
// other waits for what it gets.
func TestTwoNodesRenewOnce(t *testing.T) {
	t.Parallel()
	w, other := twoNodes(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 700, Times: 1}))
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
			status, out := ask("POST", lanyardtest.TokenPath(c), map[string]any{})
			mu.Lock()
			defer mu.Unlock()
			if status != http.StatusOK {
				t.Errorf("got %d %v, want a token", status, out)
			}
			got[out.Str("fingerprint")]++
		})
	}
	wg.Wait()
	if n := lanyardtest.Renewals(w); n != 1 || len(got) != 1 {
		t.Errorf("got %d renewals and tokens %v, want one of each", n, got)
	}
}

// A completion is asked with on two nodes at once: one trades the code, and the
// other has the same connection or is told that it was used.
func TestTwoNodesTradeACodeOnce(t *testing.T) {
	t.Parallel()
	w, other := twoNodes(t)
	completion := w.Browser().Consent(w.Invite(w.Zoom(), "u").Str("connect_url"), "ana").Query().Get("lanyard_completion")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 700, Times: 1}))
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
	lanyardtest.TokenOf(w, c)
	if status, out := other("DELETE", "/v1/connections/"+c.Str("id"), nil); status != http.StatusOK {
		t.Errorf("got %d %v, want it let go", status, out)
	}
	lanyardtest.Eventually(t, func() bool {
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
	lanyardtest.TokenOf(w, c)
	w.SQL(`UPDATE entries SET sealed = (SELECT o.sealed FROM entries o WHERE o.what = 'session.created') WHERE what = 'token.read'`)
	list := w.OK("GET", "/v1/audit/entries", nil).List("data")
	seen := map[string]string{}
	for _, e := range list {
		seen[e.Str("what")] = e.Str("ip")
	}
	if ip, ok := seen["token.read"]; !ok || ip != "" || seen["session.created"] == "" {
		t.Errorf("got %v, want all entries, and the origin of all but one", seen)
	}
	lanyardtest.Eventually(t, func() bool {
		return len(w.OK("GET", "/v1/events?type=security.tampered", nil).List("data")) > 0
	}, "the alarm")
}
