package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/webhook"
)

func mac(key []byte, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return m.Sum(nil)
}

// One person has to connect again: our own format says why, what to tell them and
// where; Attendee's and MeetStream's receivers get it in the shape they know, signed
// as they check it.
func TestNeedsReauthInEveryFormat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := lanyard.Connection{ID: lanyard.NewID[lanyard.ConnectionID]("con_"), Project: w.project, App: "app_1", Provider: "zoom", Person: "per_1",
			State: lanyard.Live, Account: []byte("sealed"), Metadata: map[string]string{"team": "<b> ä"}}
		w.must(db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddConnection(c) }))
		made := map[lanyard.EndpointFormat]*receiver{}
		secrets := map[lanyard.EndpointFormat]string{}
		for _, f := range lanyard.EndpointFormats {
			made[f] = w.receiver(nil)
			_, secret, err := w.s.Create(t.Context(), w.p, webhook.Spec{URL: &made[f].url, Format: f})
			w.must(err)
			secrets[f] = string(secret.Reveal())
		}
		reason := lanyard.CodeUserRevoked
		w.happens(lanyard.Event{Type: lanyard.EventConnectionCreated, Connection: c.ID, Data: map[string]string{"provider": "zoom"}},
			lanyard.Event{Type: lanyard.EventNeedsReauth, Connection: c.ID, Data: map[string]string{"provider": "zoom", "status": "needs_reauth", "was": "degraded", "reason": string(reason)}})
		w.node()
		w.until("all", func() bool {
			return len(made["standard"].all()) == 2 && len(made["attendee"].all()) == 1 && len(made["meetstream"].all()) == 2
		})
		reauth := func(f lanyard.EndpointFormat) got {
			for _, g := range made[f].all() {
				if strings.Contains(string(g.body), string(reason)) || f == lanyard.FormatAttendee {
					return g
				}
			}
			t.Fatalf("%s: not told", f)
			return got{}
		}

		var own struct {
			Type string
			Data map[string]string
		}
		w.must(json.Unmarshal(reauth(lanyard.FormatStandard).body, &own))
		if d := own.Data; own.Type != "connection.needs_reauth" || d["reason"] != string(reason) || d["user_message"] != lanyard.RowOf(reason).UserMessage ||
			!strings.HasPrefix(d["reconnect_url"], "https://connect.example/connect/rc.") || d["connection_id"] != string(c.ID) {
			t.Errorf("standard: got %v", own)
		}

		a := reauth(lanyard.FormatAttendee)
		key, err := base64.StdEncoding.DecodeString(secrets[lanyard.FormatAttendee])
		w.must(err)
		if want := base64.StdEncoding.EncodeToString(mac(key, a.body)); a.header.Get("X-Webhook-Signature") != want {
			t.Errorf("attendee: got signature %q, want %q", a.header.Get("X-Webhook-Signature"), want)
		}
		if body := string(a.body); !strings.HasPrefix(body, `{"account_id":"","data":{"connection_failure_data":{"error":"`) || !strings.Contains(body, `"state":"disconnected"`) ||
			!strings.Contains(body, `"zoom_oauth_connection_id":"zoc_`+string(c.ID)[4:]+`"`) || !strings.Contains(body, `{"team":"<b> ä"}`) {
			t.Errorf("attendee: got %s", body)
		}

		m := reauth(lanyard.FormatMeetStream)
		if want := "sha256=" + hex.EncodeToString(mac([]byte(secrets[lanyard.FormatMeetStream]), m.body)); m.header.Get("X-MeetStream-Signature") != want {
			t.Errorf("meetstream: got signature %q, want %q", m.header.Get("X-MeetStream-Signature"), want)
		}
		if _, err := time.Parse(time.RFC3339, m.header.Get("X-MeetStream-Timestamp")); err != nil || !strings.Contains(string(m.body), `"event":"connection.needs_reauth"`) {
			t.Errorf("meetstream: got %s %v", m.body, err)
		}
	})
}

// Attendee's receivers know two states of a Zoom connection. Each is told when it comes
// about, whatever we call the event, and neither when nothing has changed for them.
func TestAttendeeIsToldBothWays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := lanyard.Connection{ID: lanyard.NewID[lanyard.ConnectionID]("con_"), Project: w.project, App: "app_1", Provider: "zoom", Person: "per_1",
			State: lanyard.Live, Account: []byte("sealed")}
		w.must(db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddConnection(c) }))
		var events []lanyard.Event
		var states []string // of each event; empty: not told
		for _, tc := range []struct {
			was, is lanyard.Status
			why     lanyard.Cause
			state   string
		}{
			{"", "active", "consent", ""},
			{"active", "degraded", "renewal", ""},
			{"degraded", "active", "renewal", ""},
			{"active", "partial", "scopes", ""},
			{"degraded", "needs_reauth", "renewal", "disconnected"},
			{"needs_reauth", "active", "renewal", "connected"},
			{"needs_reauth", "degraded", "renewal", "connected"},
			{"needs_reauth", "partial", "consent", "connected"},
			{"active", "active", "consent", ""},
			{"needs_reauth", "paused", "wish", ""},
			{"paused", "paused", "consent", ""},
			{"paused", "active", "wish", "connected"},
			{"paused", "needs_reauth", "wish", "disconnected"},
			{"active", "revoked", "ended", "disconnected"},
			{"active", "revoked", "wish", ""},
		} {
			ev, told := c.Changed(lanyard.Change{Was: tc.was, Is: tc.is, Why: tc.why, Reason: lanyard.CodeUserRevoked})
			if !told {
				t.Fatalf("%s → %s is not told at all", tc.was, tc.is)
			}
			events, states = append(events, ev), append(states, tc.state)
		}
		portal, _ := c.Changed(lanyard.Change{Was: "active", Is: "revoked", Why: "wish"})
		portal.Data["by"] = "person" // their vendor's bots cannot join any more, and the customer has not done it
		events, states = append(events, portal), append(states, "disconnected")
		events = append(events, c.Event(lanyard.EventExpiring, map[string]string{"status": "active", "expires_at": "2027-01-01T00:00:00Z"}))
		other := c
		other.Provider = "google"
		elsewhere, _ := other.Changed(lanyard.Change{Was: "active", Is: "needs_reauth", Why: "renewal"})
		events = append(events, elsewhere)

		r := w.receiver(nil)
		e, _, err := w.s.Create(t.Context(), w.p, webhook.Spec{URL: &r.url, Format: lanyard.FormatAttendee})
		w.must(err)
		ids := w.happens(events...)
		var want []string
		for i, state := range states {
			if state != "" {
				want = append(want, string(ids[i])+" "+state)
			}
		}
		w.node()
		w.until("all", func() bool { return len(r.all()) >= len(want) })
		time.Sleep(200 * time.Millisecond)
		var got []string
		for _, m := range r.all() {
			var body struct {
				Key  string `json:"idempotency_key"`
				Data struct {
					State   string
					Failure *struct{ Error string } `json:"connection_failure_data"`
				}
			}
			w.must(json.Unmarshal(m.body, &body))
			if lost := body.Data.State == "disconnected"; lost != (body.Data.Failure != nil) || lost && !strings.HasPrefix(body.Data.Failure.Error, "Zoom Authentication error: ") {
				t.Errorf("got %s, want the cause of a loss, and of nothing else", m.body)
			}
			for _, id := range ids {
				if body.Key == webhook.UUIDOf(string(e.ID)+"."+string(id)) {
					got = append(got, string(id)+" "+body.Data.State)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A connection whose refresh token dies, and one that is resumed to needs_reauth, are
// told with the link; what is not the person's to mend has none.
func TestWhoHasToConnectAgainIsToldWhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := lanyard.Connection{ID: lanyard.NewID[lanyard.ConnectionID]("con_"), Project: w.project, App: "app_1", Provider: "zoom", Person: "per_1", State: lanyard.Live}
		w.must(db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddConnection(c) }))
		resumed, _ := c.Changed(lanyard.Change{Was: "paused", Is: "needs_reauth", Why: lanyard.CauseWish, Reason: lanyard.CodeUserRevoked})
		degraded, _ := c.Changed(lanyard.Change{Was: "active", Is: "degraded", Why: lanyard.CauseRenewal, Reason: lanyard.CodeAppMisconfigured})
		expiring := c.Event(lanyard.EventExpiring, map[string]string{"status": "degraded", "reason": string(lanyard.CodeAppMisconfigured), "expires_at": "2027-01-01T00:00:00Z"})
		r := w.receiver(nil)
		w.create(r.url)
		w.happens(resumed, degraded, expiring)
		w.node()
		w.until("all", func() bool { return len(r.all()) == 3 })
		for _, m := range r.all() {
			var body struct {
				Type lanyard.EventType
				Data map[string]string
			}
			w.must(json.Unmarshal(m.body, &body))
			_, link := body.Data["reconnect_url"]
			_, words := body.Data["user_message"]
			if wantLink, wantWords := body.Type != lanyard.EventDegraded, body.Type == lanyard.EventResumed; link != wantLink || words != wantWords {
				t.Errorf("%s: got %v, want a link: %v, what to say to the person: %v", body.Type, body.Data, wantLink, wantWords)
			}
		}
	})
}
