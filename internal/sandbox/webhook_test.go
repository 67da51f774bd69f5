package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/sandbox"
)

func hexMAC(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	io.WriteString(h, text)
	return hex.EncodeToString(h.Sum(nil))
}

type notice struct {
	event string
	body  string
	good  bool // signed with the client's key
}

// receiver is an app's webhook endpoint.
func receiver(t *testing.T, key string) (string, chan notice) {
	got := make(chan notice, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var e struct {
			Event   any
			Payload struct{ PlainToken string }
		}
		json.Unmarshal(b, &e)
		name, _ := e.Event.(string)
		want := "v0=" + hexMAC(key, "v0:"+r.Header.Get("x-zm-request-timestamp")+":"+string(b))
		got <- notice{name, string(b), r.Header.Get("x-zm-signature") == want}
		if name == "endpoint.url_validation" {
			json.NewEncoder(w).Encode(map[string]string{"plainToken": e.Payload.PlainToken, "encryptedToken": hexMAC(key, e.Payload.PlainToken)})
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

func TestZoomWebhooks(t *testing.T) {
	at, got := receiver(t, "hook-key")
	w := start(t, app(sandbox.Zoom, func(c *sandbox.Client) { c.WebhookURL, c.WebhookKey = at, "hook-key" }))
	w.connect(sandbox.Zoom)
	me, _ := w.CreateMeeting("ana", "", "")
	w.SetPresent(me.Number, "ana", true)
	w.SetPresent(me.Number, "ana", false)
	bens, _ := w.CreateMeeting("ben", "", "") // Ben has not authorised the app: nobody is told
	w.SetPresent(bens.Number, "ben", true)
	w.wantStatus("revoke", w.postJSON("/admin/revoke", map[string]string{"provider": "zoom", "client_id": "zoom-app", "person": "ana"}), 200, `"revoked":1`)
	for _, want := range []string{"meeting.created", "meeting.started", "meeting.participant_joined", "meeting.participant_left", "meeting.ended", "app_deauthorized"} {
		n := <-got
		if n.event != want || !n.good {
			t.Errorf("got %s signed well: %v, want %s", n.event, n.good, want)
		}
		if want == "app_deauthorized" && (!strings.Contains(n.body, `"client_id":"zoom-app"`) || !strings.Contains(n.body, `"user_id":"`) || !strings.Contains(n.body, `"deauthorization_time":"`)) {
			t.Errorf("app_deauthorized: got %s", n.body)
		}
	}
	a := w.postJSON("/admin/clients/zoom/zoom-app/validate-webhook", nil)
	w.wantStatus("validate", a, 200, `"ok":true`)
	if n := <-got; n.event != "endpoint.url_validation" || !n.good {
		t.Errorf("validation: got %+v", n)
	}
	for _, e := range w.waitFor(sandbox.Query{Event: "webhook"}, 7) {
		if e.Status != 200 {
			t.Errorf("ledger: got %+v, want status 200", e)
		}
	}
}

// A receiver that fails is tried three times, and the ledger has each try.
func TestWebhookRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		transport := transportFunc(func(r *http.Request) (*http.Response, error) {
			tries++
			return roundTrip(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), r)
		})
		s, err := sandbox.New(sandbox.Config{BaseURL: "http://sandbox", Transport: transport, Clients: []sandbox.Client{
			app(sandbox.Zoom, func(c *sandbox.Client) { c.WebhookURL = "http://hooks/zoom" }),
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := &world{t, s, "http://sandbox", &http.Client{Transport: inProcess{s}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		w.connect(sandbox.Zoom)
		w.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"})
		time.Sleep(time.Minute)
		if got := w.Ledger(sandbox.Query{Event: "webhook", Kind: "app_deauthorized"}); tries != 3 || len(got) != 3 || got[2].Status != 503 {
			t.Errorf("got %d tries and %+v, want 3 with status 503", tries, got)
		}
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSlackTellsOfRevokedTokens(t *testing.T) {
	got := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if want := "v0=" + hexMAC("hook-key", "v0:"+r.Header.Get("X-Slack-Request-Timestamp")+":"+string(b)); r.Header.Get("X-Slack-Signature") != want {
			t.Errorf("signature: got %q, want %q", r.Header.Get("X-Slack-Signature"), want)
		}
		got <- string(b)
	}))
	t.Cleanup(srv.Close)
	w := start(t, app(sandbox.Slack, func(c *sandbox.Client) { c.WebhookURL, c.WebhookKey = srv.URL, "hook-key" }))
	w.connect(sandbox.Slack, "user_scope", "channels:history")
	n, err := w.Revoke(sandbox.Target{Provider: sandbox.Slack, Client: "slack-app", Person: "ana"})
	if n != 2 || err != nil {
		t.Errorf("revoke: got %d, %v, want bot and user", n, err)
	}
	if body := <-got; !strings.Contains(body, `"type":"tokens_revoked"`) {
		t.Errorf("event: got %s", body)
	}
}

// What a receiver gets wrong is said in words.
func TestValidateWebhookJudges(t *testing.T) {
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string
	}{
		{"status", func(w http.ResponseWriter) { w.WriteHeader(204) }, "answered 204"},
		{"no JSON", func(w http.ResponseWriter) { io.WriteString(w, "ok") }, "not JSON"},
		{"another token", func(w http.ResponseWriter) { io.WriteString(w, `{"plainToken":"x"}`) }, "plainToken"},
	}
	for _, tt := range tests {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.answer(w) }))
		w := start(t, app(sandbox.Zoom, func(c *sandbox.Client) { c.WebhookURL = srv.URL }))
		if got, err := w.ValidateWebhook("zoom-app"); err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
		srv.Close()
	}
	w := start(t, app(sandbox.Zoom))
	w.wantStatus("no webhook", w.postJSON("/admin/clients/zoom/zoom-app/validate-webhook", nil), 422, "webhook_url")
}
