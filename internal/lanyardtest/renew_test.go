package lanyardtest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

func TestFiveHundredReadsOfAnExpiredTokenCauseOneCall(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		before := lanyardtest.TokenOf(w, c).Str("fingerprint")
		w.Expire(-5)
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() {
				status, out := w.Call(w.Key, "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
				mu.Lock()
				defer mu.Unlock()
				if status != http.StatusOK {
					t.Errorf("got %d %v, want a token", status, out)
					return
				}
				got[out.Str("fingerprint")]++
			})
		}
		wg.Wait()
		if n := lanyardtest.Renewals(w); n != 1 {
			t.Errorf("got %d calls to the provider, want 1", n)
		}
		if len(got) != 1 || got[before] > 0 {
			t.Errorf("got tokens %v after %s, want all callers to have the one new one", got, before)
		}
	})
}

func TestALivingTokenIsServedWhenRenewingFails(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		first := lanyardtest.TokenOf(w, c)
		lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "status", Status: 503}))
		w.Expire(10)
		got := lanyardtest.TokenOf(w, c)
		if got.Str("fingerprint") != first.Str("fingerprint") || got.Str("warning") == "" {
			t.Errorf("got %v, want the old token with a warning", got)
		}
		if s := lanyardtest.StatusOf(w, c); s != "degraded" {
			t.Errorf("got status %s, want degraded", s)
		}
		w.Expire(-1)
		problem := w.Fails("refresh_failed", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
		if problem["retry_after"] == nil || problem.Str("user_message") == "" {
			t.Errorf("got %v, want it to say when to try again and what to tell the person", problem)
		}
	})
}

func TestAHangingProviderCostsNothingWhileTheTokenLives(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c, other := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 15_000, Times: 1}))
	w.Expire(10)
	began := time.Now()
	lanyardtest.TokenOf(w, c)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a living token took %s, want no wait for the provider", took)
	}
	w.Expire(-1)
	began = time.Now()
	lanyardtest.TokenOf(w, other) // one slow renewal blocks no other connection
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("another connection's renewal took %s, want it not to wait for the slow one", took)
	}
	w.SQL(`UPDATE grants SET access_expires = 1 WHERE generation = 0`)
	began = time.Now()
	problem := w.Fails("provider_timeout", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("a dead token with a hanging provider took %s, want at most 10 s (%v)", took, problem)
	}
	lanyardtest.Eventually(t, func() bool { return lanyardtest.StatusOf(w, c) == "active" && lanyardtest.Renewals(w) == 2 }, "the slow renewal is kept though its caller left")
}

func TestAWrongSecretIsNotThePersonsFault(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.PatchClient(sandbox.Zoom, w.OK("GET", "/v1/apps/"+app, nil).Str("client_id"), []byte(`{"client_secret":"another-secret"}`)))
	w.Expire(-1)
	w.Fails("app_misconfigured", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	if s := lanyardtest.StatusOf(w, c); s != "active" {
		t.Errorf("got %s, want nobody marked for a fault of the app", s)
	}
	if n := len(w.OK("GET", "/v1/events?type=app.misconfigured", nil).List("data")); n != 1 {
		t.Errorf("got %d events of app.misconfigured, want 1", n)
	}
	refused := len(w.Sandbox.Ledger(sandbox.Query{Event: "refused"}))
	w.Fails("app_misconfigured", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	if n := len(w.Sandbox.Ledger(sandbox.Query{Event: "refused"})); n != refused {
		t.Errorf("got %d calls while the app is stopped, want none", n-refused)
	}
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"next_client_secret": "another-secret"})
	w.SQL(`UPDATE grants SET retry_at = 0`)
	lanyardtest.TokenOf(w, c)
	if s := lanyardtest.StatusOf(w, c); s != "active" {
		t.Errorf("got %s after the new secret was put beside the old one, want active", s)
	}
	if n := len(w.OK("GET", "/v1/events?type=app.recovered", nil).List("data")); n != 1 {
		t.Errorf("got %d events of app.recovered, want 1", n)
	}
}

func TestOneRejectionIsNoVerdict(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"}))
	w.Expire(-1)
	problem := w.Fails("refresh_unconfirmed", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	if problem.Str("reconnect_url") == "" {
		t.Errorf("got %v, want a reconnect_url: reconnecting is always safe", problem)
	}
	if s := lanyardtest.StatusOf(w, c); s != "degraded" {
		t.Errorf("got %s after one rejection, want degraded", s)
	}
	// Two more over ten minutes confirm it.
	for range 2 {
		w.SQL(`UPDATE attempts SET ended_at = ended_at - 360000000, started_at = started_at - 360000000 WHERE outcome = 'rejected'`)
		w.SQL(`UPDATE grants SET retry_at = 0`)
		_, problem = w.Call(w.Key, "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	}
	got := w.OK("GET", "/v1/connections/"+c.Str("id"), nil)
	if got.Str("status") != "needs_reauth" || got.Str("reconnect_url") == "" || problem.Str("reconnect_url") == "" {
		t.Errorf("got %s %v, want needs_reauth with a link to mend it", got.Str("status"), problem)
	}
	events := w.OK("GET", "/v1/events?type=connection.needs_reauth", nil).List("data")
	if len(events) != 1 {
		t.Errorf("got %d events of needs_reauth, want 1", len(events))
	}
	// The link heals it: the same account, the same connection.
	at := w.Browser().Consent(got.Str("reconnect_url"), "ana")
	if at.String() != "" && !strings.Contains(at.String(), got.Str("id")) {
		t.Errorf("the browser ended at %s", at)
	}
	if s := lanyardtest.StatusOf(w, c); s != "active" {
		t.Errorf("got %s after reconnecting, want active", s)
	}
	lanyardtest.TokenOf(w, c)
}

func TestAnAnswerLostAtAStrictProviderIsCalledLost(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "drop_after_commit", Times: 1}))
	w.Expire(-1)
	w.Fails("refresh_failed", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	// Not tried again at once: the answer may still be on its way to us.
	w.SQL(`UPDATE grants SET retry_at = 0`)
	w.Fails("refresh_failed", "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	if n := len(w.Sandbox.Ledger(sandbox.Query{Kind: "refresh", Event: "refused"})); n != 0 {
		t.Errorf("the refresh token was sent again %d times within 30 s of an unknown outcome, want none", n)
	}
	for range 3 {
		w.SQL(`UPDATE attempts SET ended_at = ended_at - 360000000, started_at = started_at - 360000000, deadline = deadline - 360000000 WHERE ended_at > 0 AND outcome <> 'ok'`)
		w.SQL(`UPDATE grants SET retry_at = 0`)
		w.Call(w.Key, "POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
	}
	got := w.OK("GET", "/v1/connections/"+c.Str("id"), nil)
	if got.Str("reason") != "response_lost" {
		t.Errorf("got reason %q, want response_lost and never that the user revoked it", got.Str("reason"))
	}
}

func TestAReportedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	fp := lanyardtest.TokenOf(w, c).Str("fingerprint")
	report := func() lanyardtest.JSON {
		return w.OK("POST", "/v1/connections/"+c.Str("id")+"/token/report", map[string]any{"fingerprint": fp, "status": 401})
	}
	w.Fails("rate_limited", "POST", "/v1/connections/"+c.Str("id")+"/token/report", map[string]any{"fingerprint": fp, "status": 401})
	w.SQL(`UPDATE grants SET refreshed_at = refreshed_at - 60000000`)
	first, again := report()["renewed"], report()["renewed"]
	if first != true || again != true || lanyardtest.Renewals(w) != 1 {
		t.Errorf("got %d renewals for reports of one token, want 1", lanyardtest.Renewals(w))
	}
	if got := lanyardtest.TokenOf(w, c).Str("fingerprint"); got == fp {
		t.Error("the reported token is still handed out")
	}
}

func TestTwoPeopleShareOneGrantAndTheLastOneRevokes(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	a, b := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ana")
	if a.Str("id") == b.Str("id") {
		t.Fatal("two end users got one connection")
	}
	lanyardtest.TokenOf(w, a) // the second consent killed the first one's tokens at Zoom: they share the new ones
	if out := w.OK("DELETE", "/v1/connections/"+a.Str("id"), nil).Str("outcome"); out != "shared" {
		t.Errorf("got %s, want the grant kept for the other", out)
	}
	lanyardtest.TokenOf(w, b)
	w.Expire(-1) // Zoom takes only a living access token back: it is renewed first
	if out := w.OK("DELETE", "/v1/connections/"+b.Str("id"), nil).Str("outcome"); out != "revoked" {
		t.Errorf("got %s, want it revoked with the last", out)
	}
	if n := len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Event: "revoked"})); n == 0 {
		t.Error("the provider's ledger shows no revocation")
	}
}

// A process that dies between the provider's answer and its receipt leaves a refresh
// token that may be spent. It used to be shown as active after the next start.
func TestWhatAProcessDiedWithIsNotShownAsActive(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		w.Expire(-1)
		lanyardtest.TokenOf(w, c)
		// As if another had been under way, on the generation there is now.
		w.SQL(`UPDATE attempts SET id = 'att_00000000000000000000000000', ended_at = 0, outcome = '', generation = 1 WHERE kind = 'refresh'`)
		db := w.Settings.DatabaseURL
		w.Stop()
		w.Restart(func(s *server.Settings) { s.DatabaseURL = db })
		got := w.OK("GET", "/v1/connections/"+c.Str("id"), nil)
		if got.Str("status") != "degraded" || got.Str("reason") != "provider_unavailable" {
			t.Errorf("got %s, %s after the start, want degraded", got.Str("status"), got.Str("reason"))
		}
		lanyardtest.TokenOf(w, c) // the token we hold lives
		w.SQL(`UPDATE grants SET retry_at = 0`)
		w.SQL(`UPDATE attempts SET ended_at = ended_at - 60000000`)
		w.Expire(-1)
		lanyardtest.TokenOf(w, c)
		if s := lanyardtest.StatusOf(w, c); s != "active" {
			t.Errorf("got %s after the next renewal, want active", s)
		}
	})
}

// A clock that was ten minutes fast used to bar the next renewal for ten minutes.
func TestARenewalThatLiesAheadBarsNothing(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	first := lanyardtest.TokenOf(w, c)
	w.SQL(`UPDATE grants SET refreshed_at = refreshed_at + 600000000`)
	w.OK("POST", "/v1/connections/"+c.Str("id")+"/token/report", map[string]any{"fingerprint": first.Str("fingerprint"), "status": 401})
	if again := lanyardtest.TokenOf(w, c); again.Str("fingerprint") == first.Str("fingerprint") {
		t.Error("the token that was refused is still the current one")
	}
}
