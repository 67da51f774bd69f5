package sandbox_test

import (
	"slices"
	"testing"

	"lanyard/internal/sandbox"
)

// Each way of sending a notice, as an endpoint that checks nothing but the signature sees it.
func TestNoticesByOrder(t *testing.T) {
	at, got := receiver(t, "hook-key")
	c := app(sandbox.Zoom, func(c *sandbox.Client) { c.WebhookURL, c.WebhookKey = at, "hook-key" })
	w := start(t, c)
	for _, n := range []struct {
		event, as string
		times     int
		signed    bool // over these bytes, with the key; of how old nothing is said
	}{
		{"app_deauthorized", "", 1, true}, {"user.deleted", "doubled", 2, true}, {"user.deleted", "replayed", 1, true},
		{"meeting.started", "late", 1, true}, {"meeting.started", "early", 1, true}, {"meeting.started", "forged", 1, false},
		{"meeting.started", "reserialised", 1, false}, {"meeting.started", "unsigned", 1, false}, {"app_deauthorized", "gzip", 1, true},
		{"app_deauthorized", "oracle", 1, true}, {"app_deauthorized", "two_signatures", 1, true},
	} {
		answers, err := w.SendNotice(sandbox.Notice{Client: c.ID, Event: n.event, Person: "ana", As: n.as})
		if err != nil || len(answers) != n.times {
			t.Errorf("%s %s: got %v, %v, want %d answers", n.event, n.as, answers, err, n.times)
		}
		for range answers {
			if g := <-got; g.good != n.signed {
				t.Errorf("%s %s: got signed %v %.60q, want %v", n.event, n.as, g.good, g.body, n.signed)
			}
		}
	}
	for _, n := range []sandbox.Notice{{Client: "nobody", Event: "user.deleted", Person: "ana"}, {Client: c.ID, Event: "user.deleted", Person: "nobody"},
		{Client: c.ID, Event: "phone.rang", Person: "ana"}, {Client: c.ID, Event: "user.deleted", Person: "ana", As: "nicely"}} {
		if answers, err := w.SendNotice(n); err == nil {
			t.Errorf("%+v: got %v, want an error", n, answers)
		}
	}
	var kinds []string
	for _, e := range w.Ledger(sandbox.Query{Event: "webhook"}) {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Contains(kinds, "meeting.started") {
		t.Errorf("got %v in the ledger, want every notice", kinds)
	}
}
