package lanyardtest_test

import (
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// A process that died between letting go and the revocation used to leave the
// tokens alive at the provider for good.
func TestARevocationOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		c := w.Connect(w.Zoom(), "u", "ana")
		lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "revoke"}, Action: "status", Status: 503, Times: 2}))
		w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
		revoked := func() int { return len(w.Sandbox.Ledger(sandbox.Query{Event: "revoked"})) }
		if n := revoked(); n != 0 {
			t.Fatalf("got %d revocations while the provider is down", n)
		}
		var owed int
		if w.One(&owed, `SELECT count(*) FROM revocations WHERE tokens IS NOT NULL`); owed != 1 {
			t.Fatalf("got %d owed, want 1", owed)
		}
		w.SQL(`UPDATE revocations SET try_at = 1`)
		lanyardtest.Eventually(t, func() bool { return revoked() > 0 }, "the provider is told")
		lanyardtest.Eventually(t, func() bool { w.One(&owed, `SELECT count(*) FROM revocations`); return owed == 0 }, "the tokens are forgotten")
	}, lanyardtest.Quick)
}

// Telling the provider late must not end what the same account has connected since.
func TestALateRevocationDoesNotEndANewConsent(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, lanyardtest.Quick)
	app := w.Zoom()
	c := w.Connect(app, "u", "ana")
	lanyardtest.Must(t)(w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "revoke"}, Action: "status", Status: 503, Times: 2}))
	w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
	again := w.Connect(app, "u", "ana")
	w.SQL(`UPDATE revocations SET try_at = 1`)
	var owed int
	lanyardtest.Eventually(t, func() bool { w.One(&owed, `SELECT count(*) FROM revocations`); return owed == 0 }, "the revocation is settled")
	if n := len(w.Sandbox.Ledger(sandbox.Query{Event: "revoked"})); n != 0 {
		t.Errorf("got %d revocations, want none: Zoom ends the whole grant", n)
	}
	w.Expire(-1)
	lanyardtest.TokenOf(w, again)
}
