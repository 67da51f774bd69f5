package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

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

// Slack's, Google's and Microsoft's, as an endpoint sees them that checks what shows who
// has sent them, and nothing of how old they are.
func TestNoticesOfTheOthers(t *testing.T) {
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		switch {
		case r.URL.Query().Has("validationToken"):
			_, _ = io.WriteString(w, r.URL.Query().Get("validationToken"))
		case strings.Contains(string(body), "url_verification"):
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(srv.Close)
	var clients []sandbox.Client
	for _, p := range []string{sandbox.Slack, sandbox.Google, sandbox.Microsoft} {
		clients = append(clients, app(p, func(c *sandbox.Client) { c.WebhookURL, c.WebhookKey = srv.URL, "hook-key" }))
	}
	w := start(t, clients...)
	resp, err := http.Get(w.url + "/google/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("got %v, %v, want one key", keys, err)
	}
	shown := map[string]func() bool{
		sandbox.Slack: func() bool {
			return got.Header.Get("X-Slack-Signature") == "v0="+hexMAC("hook-key", "v0:"+got.Header.Get("X-Slack-Request-Timestamp")+":"+string(body))
		},
		sandbox.Google: func() bool {
			jws, err := jose.ParseSignedCompact(string(body), []jose.SignatureAlgorithm{jose.RS256})
			if err != nil {
				return false
			}
			_, err = jws.Verify(keys.Keys[0])
			return err == nil && got.Header.Get("Content-Type") == "application/secevent+jwt"
		},
		sandbox.Microsoft: func() bool { return strings.Contains(string(body), `"clientState":"hook-key"`) },
	}
	for i, c := range []struct {
		provider, event, as string
		good                bool
	}{
		{sandbox.Slack, "tokens_revoked", "", true}, {sandbox.Slack, "app_uninstalled", "late", true}, {sandbox.Slack, "tokens_revoked", "forged", false},
		{sandbox.Slack, "tokens_revoked", "reserialised", false}, {sandbox.Slack, "tokens_revoked", "unsigned", false}, {sandbox.Slack, "url_verification", "", true},
		{sandbox.Google, "tokens-revoked", "", true}, {sandbox.Google, "tokens-revoked", "replayed", true}, {sandbox.Google, "account-disabled", "late", true},
		{sandbox.Google, "account-enabled", "forged", false}, {sandbox.Google, "sessions-revoked", "reserialised", false},
		{sandbox.Google, "account-purged", "unsigned", false}, {sandbox.Google, "token-revoked", "other_client", true},
		{sandbox.Google, "tokens-revoked", "other_issuer", true}, {sandbox.Google, "tokens-revoked", "id_token", true}, {sandbox.Google, "verification", "early", true},
		{sandbox.Microsoft, "user.deleted", "", true}, {sandbox.Microsoft, "user.updated", "doubled", true}, {sandbox.Microsoft, "lifecycle.missed", "forged", false},
		{sandbox.Microsoft, "lifecycle.subscriptionRemoved", "unsigned", false}, {sandbox.Microsoft, "user.deleted", "late", true},
	} {
		answers, err := w.SendNotice(sandbox.Notice{Provider: c.provider, Client: c.provider + "-app", Event: c.event, Person: "ana", As: c.as})
		if err != nil || len(answers) == 0 || answers[0].Status != http.StatusOK {
			t.Errorf("%d %+v: got %v, %v", i, c, answers, err)
			continue
		}
		if good := shown[c.provider](); good != c.good {
			t.Errorf("%d %+v: got it shown %v: %.200s", i, c, good, body)
		}
	}
	for _, n := range []sandbox.Notice{{Provider: sandbox.Slack, Event: "phone.rang"}, {Provider: sandbox.Google, Event: "phone-rang"}, {Provider: sandbox.Microsoft, Event: "phone.rang"},
		{Provider: sandbox.Google, Event: "tokens-revoked", As: "two_signatures"}, {Provider: sandbox.Microsoft, Event: "user.deleted", As: "oracle"}, {Provider: sandbox.OIDC, Event: "x"}} {
		n.Client, n.Person = n.Provider+"-app", "ana"
		if answers, err := w.SendNotice(n); err == nil {
			t.Errorf("%+v: got %v, want an error", n, answers)
		}
	}
	for _, p := range []string{sandbox.Slack, sandbox.Microsoft} {
		if wrong, err := w.Validate(p, p+"-app"); err != nil || wrong != "" {
			t.Errorf("%s: got %q, %v, want its address validated", p, wrong, err)
		}
	}
	if _, err := w.Validate(sandbox.Google, "google-app"); err == nil {
		t.Error("google: want an error: it checks no address")
	}
}
