package flow_test

import (
	"fmt"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// I12: what a code brought was held up, since nobody could say whose account it was,
// and meanwhile the person had consented anew. The old tokens used to take the place of
// the new ones, which at a provider with one grant for a person is the end of both.
func TestALateConsentDoesNotTakeThePlaceOfANewerOne(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		first, completion := parked(w, app, "u", "ana")
		down := fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503})
		w.Fails("identity_unavailable", "POST", "/v1/connections", complete(completion, "u"))
		w.Sandbox.RemoveFault(down)
		_, again := parked(w, app, "u", "ana")
		c := w.OK("POST", "/v1/connections", complete(again, "u"))
		family := func() (f string) {
			w.One(&f, `SELECT family || ' ' || generation FROM grants`)
			return f
		}
		newer, token := family(), w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}).Str("fingerprint")

		w.SQL(`UPDATE flows SET created_at = created_at - 120000000 WHERE state = 'received'`)
		// Zoom has ended the old tokens; it says whose they were all the same.
		known := fault(t, w, sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 200,
			Body: fmt.Sprintf(`{"id":%q,"account_id":%q,"status":"active"}`, c.Str("account.id"), c.Str("account.organization_id"))})
		n := start(t, w)
		n.task(t, "flow.identity")
		n.stop(t)
		restart(w)
		if in := w.OK("GET", "/v1/connect-sessions/"+first.Str("id"), nil); in.Str("status") != "connected" || in.Str("connection_id") != c.Str("id") {
			t.Errorf("the first trip got %v, want the connection", in)
		}
		if got := family(); got != newer {
			t.Errorf("the grant is at %s, want the newer consent's %s", got, newer)
		}
		if is := w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{}); is.Str("fingerprint") != token {
			t.Errorf("got another token than that of the newer consent")
		}
		if used(w, "code") != 2 {
			t.Errorf("%d codes were traded, want 2", used(w, "code"))
		}

		// Both consents are on record, and the newer one is in force, whichever was bound last.
		records := w.OK("GET", "/v1/consents?connection_id="+c.Str("id"), nil).List("data")
		if len(records) != 2 || records[0].Str("state") != "superseded" || records[1].Str("state") != "given" ||
			records[0].Str("superseded_by") != records[1].Str("id") || records[0].Str("session_id") != first.Str("id") || records[0].Str("granted_at") >= records[1].Str("granted_at") {
			t.Errorf("got %v, want the late one superseded by the newer", records)
		}

		w.Sandbox.RemoveFault(known)

		// A consent that comes in its turn replaces them.
		_, last := parked(w, app, "u", "ana")
		w.OK("POST", "/v1/connections", complete(last, "u"))
		if family() == newer {
			t.Error("a third consent changed nothing")
		}
		after := w.OK("GET", "/v1/consents?connection_id="+c.Str("id"), nil).List("data")
		if len(after) != 3 || after[0].Str("state") != "given" || after[2].Str("superseded_by") != after[0].Str("id") || after[1].Str("superseded_by") != after[2].Str("id") {
			t.Errorf("got %v, want the third in force, and the others as they ended", after)
		}
	})
}
