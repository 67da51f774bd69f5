package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
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
			lanyard.Event{Type: lanyard.EventNeedsReauth, Connection: c.ID, Data: map[string]string{"provider": "zoom", "reason": string(reason)}})
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
		if body := string(a.body); !strings.HasPrefix(body, `{"data":{"connection_failure_data":{"error":"`) || !strings.Contains(body, `"state":"disconnected"`) ||
			!strings.Contains(body, `"zoom_oauth_connection_id":"`+string(c.ID)+`"`) || !strings.Contains(body, `{"team":"<b> ä"}`) {
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
