package noticetest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/client"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// What ended is forgotten after the time that the operator has set; what is in force
// never is, nor is anything where no time is set.
func TestConsentsAreKeptForATime(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]time.Duration{"for a time": 24 * time.Hour, "until the person is erased": 0} {
		t.Run(name, func(t *testing.T) {
			w := lanyardtest.New(t, func(s *server.Settings) { s.TimeScale, s.KeepConsents = 36_000, keep })
			app := w.Zoom()
			c, d := w.Connect(app, "u", "ana"), w.Connect(app, "v", "ben")
			w.OK("DELETE", "/v1/connections/"+c.Str("id"), nil)
			w.SQL(`UPDATE consents SET created_at = 1, granted_at = 1`)
			time.Sleep(500 * time.Millisecond) // several rounds of the task
			if n := len(w.OK("GET", "/v1/consents", nil).List("data")); n != 2 {
				t.Fatalf("got %d, want what has just ended, and what is in force", n)
			}
			w.SQL(`UPDATE consents SET ended_at = $1 WHERE state = 'withdrawn'`, time.Now().Add(-25*time.Hour).UnixMicro())
			if keep == 0 {
				time.Sleep(500 * time.Millisecond)
				if n := len(consents(w, c)); n != 1 {
					t.Errorf("got %d, want it kept", n)
				}
				return
			}
			lanyardtest.Eventually(t, func() bool { return len(consents(w, c)) == 0 }, "what ended is forgotten")
			if n := len(consents(w, d)); n != 1 {
				t.Errorf("got %d in force, want 1", n)
			}
		})
	}
}

// Erasing a person is destroying their key: the record stays as a number, and nothing
// in it says who it was or where they were.
func TestAConsentOfSomebodyErased(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, behindProxy)
	app := w.Zoom()
	at := anas(w).Consent(w.Invite(app, "u").Str("connect_url"), "ana")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	if r := consentOf(w, c); r.Str("ip") != anasAddress || r.Str("end_user_id") != "u" {
		t.Fatalf("got %v", r)
	}
	w.Stop()
	w.SQL(`DELETE FROM keysets WHERE level = 'person'`)
	w.Restart(behindProxy)
	for _, r := range []lanyardtest.JSON{consentOf(w, c), consents(w, c)[0]} {
		if r.Str("ip") != "" || r.Str("user_agent") != "" || r.Str("end_user_id") != "" || r.Str("state") != "given" || r.Str("text.hash") == "" {
			t.Errorf("got %v, want the consent, and nobody in it", r)
		}
	}
	w.SQL(`DELETE FROM persons`)
	if r := consentOf(w, c); r.Str("end_user_id") != "" || r.Str("state") != "given" {
		t.Errorf("got %v without the person's row", r)
	}
}

// A rotation of the person's key takes the record along.
func TestAConsentOutlivesARotation(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t, behindProxy)
	app := w.Zoom()
	at := anas(w).Consent(w.Invite(app, "u").Str("connect_url"), "ana")
	c := w.OK("POST", "/v1/connections", map[string]any{"completion": at.Query().Get("lanyard_completion"), "end_user_id": "u"})
	var before, after []byte
	w.One(&before, `SELECT sealed FROM consents`)
	var project, person string
	w.One(&project, `SELECT project_id FROM consents`)
	w.One(&person, `SELECT person_id FROM consents`)
	lanyardtest.Operator(t, w, "POST", "/v1/operator/vault/rotate", map[string]any{"level": "person", "project": project, "person": person})
	lanyardtest.Eventually(t, func() bool { w.One(&after, `SELECT sealed FROM consents`); return string(after) != string(before) }, "it is sealed anew")
	if r := consentOf(w, c); r.Str("ip") != anasAddress || r.Str("user_agent") != anasBrowser {
		t.Errorf("got %v, want it opened", r)
	}
}

// The Go client reads both.
func TestTheClientReadsConsents(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana")
	on, err := client.New(client.Config{Server: w.URL, Key: lanyard.NewSecret(w.Key)})
	lanyardtest.Must(t)(nil, err)
	for name, f := range map[string]client.ConsentFilter{"all": {}, "one": {EndUserID: "u", ConnectionID: c.Str("id"), AppID: c.Str("app_id"), Provider: "zoom", State: "given"}} {
		list, err := on.ListConsents(t.Context(), f, client.Page{Limit: 5})
		if err != nil || len(list.Data) != 1 || list.Data[0].ConnectionID != c.Str("id") || list.Data[0].Text.Lines != nil {
			t.Fatalf("%s: got %+v, %v, want the one, without its sentences", name, list, err)
		}
		one, err := on.GetConsent(t.Context(), list.Data[0].ID)
		if err != nil || len(one.Text.Lines) == 0 || one.Text.Hash != list.Data[0].Text.Hash || len(one.Text.Scopes) != len(lanyardtest.ZoomScopes) {
			t.Errorf("%s: got %+v, %v, want it with its sentences", name, one, err)
		}
	}
	if list, err := on.ListConsents(t.Context(), client.ConsentFilter{State: "withdrawn"}, client.Page{}); err != nil || len(list.Data) != 0 {
		t.Errorf("got %+v, %v, want none", list, err)
	}
}

// One person connects the same account in many windows at once, and lets go in
// between. Whatever the order, one consent at most is in force, and each of the others
// says what ended it.
func TestConsentsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	lanyardtest.Each(t, func(t *testing.T, w *lanyardtest.World) {
		app := w.Zoom()
		first := w.Connect(app, "u", "ana")
		const windows = 8
		var completions [windows]string
		for i := range completions {
			completions[i] = w.Browser().Consent(w.Invite(app, "u").Str("connect_url"), "ana").Query().Get("lanyard_completion")
		}
		var wg sync.WaitGroup
		for i, completion := range completions {
			wg.Go(func() {
				if i == windows/2 {
					w.Call(w.Key, "DELETE", "/v1/connections/"+first.Str("id"), nil)
				}
				w.Call(w.Key, "POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": "u"})
			})
		}
		wg.Wait()
		live, given := map[string]int{}, map[string]int{}
		for _, c := range w.OK("GET", "/v1/connections?end_user_id=u", nil).List("data") {
			if c.Str("status") != "revoked" {
				live[c.Str("id")] = 1
			}
		}
		all := w.OK("GET", "/v1/consents?end_user_id=u", nil).List("data")
		known := map[string]bool{}
		for _, r := range all {
			known[r.Str("id")] = true
		}
		for _, r := range all {
			switch r.Str("state") {
			case "given":
				given[r.Str("connection_id")]++
			case "superseded":
				if by := r.Str("superseded_by"); !known[by] || by == r.Str("id") {
					t.Errorf("got %v, want it superseded by another that is on record", r)
				}
			case "withdrawn":
				if live[r.Str("connection_id")] > 0 || r.Str("withdrawal.by") != "customer" {
					t.Errorf("got %v, want a withdrawal of what was let go of", r)
				}
			}
		}
		if d := cmp.Diff(live, given); d != "" || len(all) < 2 {
			t.Errorf("the connections, and the consents in force that they rest on, one each (-connections +consents, of %d):\n%s", len(all), d)
		}
	})
}
