package sandbox_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/sandbox"
)

func TestAdminClients(t *testing.T) {
	w := start(t)
	made := w.postJSON("/admin/clients", map[string]any{"provider": "zoom", "name": "Made", "redirect_uris": []string{callback}, "class": "reuse_kill"})
	id, secret := made.str("client_id"), made.str("client_secret")
	if made.status != 201 || id == "" || secret == "" {
		t.Fatalf("create: got %d %s", made.status, made.text)
	}
	try := func() answer {
		return w.do(form(w.url+"/zoom/oauth/token", id, secret, "grant_type", "client_credentials"))
	}
	w.wantStatus("its secret", try(), 200, "")
	if l := w.get("/admin/clients", ""); strings.Contains(l.text, secret) || !strings.Contains(l.text, id) {
		t.Error("list: shows the secret, or not the client")
	}
	at := "/admin/clients/zoom/" + id
	w.wantStatus("new secret", w.send("PATCH", at, map[string]any{"client_secret": "next", "access_ttl": 30}), 200, `"access_ttl":30`)
	w.wantStatus("the old secret", try(), 401, "invalid_client")
	secret = "next"
	w.wantStatus("the new one", try(), 200, `"expires_in":30`)
	w.wantStatus("what was not named stays", w.get(at, ""), 200, `"redirect_uris":["`+callback+`"]`)
	w.wantStatus("other id", w.send("PATCH", at, map[string]any{"client_id": "x"}), 422, "cannot be changed")
	w.wantStatus("unknown member", w.send("PATCH", at, map[string]any{"colour": "red"}), 422, "colour")
	w.wantStatus("switched off", w.send("PATCH", at, map[string]any{"disabled": true}), 200, "")
	w.wantStatus("refused now", try(), 401, "The app has been disabled.")
	if a := w.send("DELETE", at, nil); a.status != 204 {
		t.Errorf("delete: got %d", a.status)
	}
	w.wantStatus("gone", w.get(at, ""), 404, "no such client")
	for name, body := range map[string]map[string]any{
		"unknown provider":  {"provider": "teams"},
		"grace of no time":  {"provider": "zoom", "class": "grace"},
		"relative redirect": {"provider": "zoom", "redirect_uris": []string{"/callback"}},
		"odd auth method":   {"provider": "oidc", "auth_method": "magic"},
	} {
		w.wantStatus(name, w.postJSON("/admin/clients", body), 422, "client")
	}
	w.wantStatus("unknown member", w.postJSON("/admin/clients", map[string]any{"provider": "zoom", "extra": 1}), 400, "extra")
	w.postJSON("/admin/clients", map[string]any{"provider": "zoom", "client_id": "same"})
	w.wantStatus("twice", w.postJSON("/admin/clients", map[string]any{"provider": "zoom", "client_id": "same"}), 422, "exists already")
}

// Somebody's browser is open on another site while the sandbox runs.
func TestAdminRefusesOtherSites(t *testing.T) {
	w := start(t)
	r, _ := http.NewRequest("POST", w.url+"/admin/reset", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := w.do(r); a.status != 403 {
		t.Errorf("got %d, want 403", a.status)
	}
}

func TestAdminPeopleGrantsResetAndLedger(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	a := w.connect(sandbox.Zoom)
	w.wantStatus("people", w.get("/admin/people?provider=slack", ""), 200, `"handle":"emil"`)
	w.wantStatus("deactivate", w.send("PATCH", "/admin/people/zoom/ana", map[string]string{"status": "inactive"}), 200, "")
	w.wantStatus("seen by the app", w.get("/zoom/v2/users/me", a.str("access_token")), 200, `"status":"inactive"`)
	w.wantStatus("grants", w.get("/admin/grants", ""), 200, `"refresh_fingerprint":"`+sandbox.Fingerprint(a.str("refresh_token"))+`"`)

	l := w.get("/admin/ledger?event=issued&kind=refresh", "")
	w.wantStatus("ledger", l, 200, sandbox.Fingerprint(a.str("refresh_token")))
	if strings.Contains(l.text, a.str("refresh_token")) {
		t.Error("ledger: shows a token")
	}
	all := w.Ledger(sandbox.Query{})
	if got := w.Ledger(sandbox.Query{After: all[1].Seq, Limit: 2}); len(got) != 2 || got[0].Seq != all[1].Seq+1 {
		t.Errorf("after and limit: got %+v", got)
	}
	w.wantStatus("bad number", w.get("/admin/ledger?after=x", ""), 400, "not a number")

	if r := w.postJSON("/admin/reset", nil); r.status != 204 {
		t.Errorf("reset: got %d", r.status)
	}
	w.wantStatus("after a reset", w.renew(sandbox.Zoom, a.str("refresh_token")), 400, "Invalid Token!")
	w.wantStatus("the people are as before", w.get("/admin/people?provider=zoom", ""), 200, `"handle":"ana"`)
	if w.connect(sandbox.Zoom); len(w.Grants()) != 1 {
		t.Errorf("grants after a reset: got %d, want 1", len(w.Grants()))
	}
}

func TestLedgerIsBounded(t *testing.T) {
	w := startWith(t, sandbox.Config{LedgerLimit: 10, Clients: []sandbox.Client{app(sandbox.Zoom)}})
	for range 25 {
		w.renew(sandbox.Zoom, "x")
	}
	got := w.Ledger(sandbox.Query{})
	if len(got) != 10 || got[0].Seq != 16 || got[9].Seq != 25 {
		t.Errorf("got %d entries from %d to %d, want 10 from 16 to 25", len(got), got[0].Seq, got[len(got)-1].Seq)
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name string
		c    sandbox.Config
		want string
	}{
		{"a base that is no URL", sandbox.Config{BaseURL: "localhost:4001"}, "BaseURL"},
		{"a provider unheard of", sandbox.Config{AccessTTL: map[string]time.Duration{"teams": time.Hour}}, "unknown provider"},
		{"a life of nothing", sandbox.Config{AccessTTL: map[string]time.Duration{"zoom": 0}}, "one second or more"},
		{"a bad client", sandbox.Config{Clients: []sandbox.Client{{Provider: "zoom", Class: "odd"}}}, "unknown class"},
	}
	for _, tt := range tests {
		if _, err := sandbox.New(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestOpenRegistrationTellsHow(t *testing.T) {
	w := startWith(t, sandbox.Config{OpenRegistration: true})
	path := "/zoom/oauth/authorize?" + request(sandbox.Zoom).Encode()
	w.wantStatus("unknown", w.get(path, ""), 400, "/admin/clients")
	w.wantStatus("and still unknown", w.get(path, ""), 400, "Unknown app")
}

func TestNoSecretInTheLog(t *testing.T) {
	var log syncBuffer
	at, _ := receiver(t, "hook-key")
	w := startWith(t, sandbox.Config{
		Logger:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Clients: []sandbox.Client{app(sandbox.Zoom, func(c *sandbox.Client) { c.WebhookURL, c.WebhookKey = at, "hook-key" })},
	})
	w.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "delay", DelayMS: 1})
	w.connect(sandbox.Zoom)
	w.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"})
	w.waitFor(sandbox.Query{Event: "webhook"}, 1)
	for _, secret := range []string{"s3cret", "hook-key", "sbx_"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
	if !strings.Contains(log.String(), "app_deauthorized") {
		t.Errorf("the log: got %s", log.String())
	}
}

// syncBuffer is written to from the background.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestBodyTooLarge(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	a := w.do(form(w.url+"/zoom/oauth/token", "zoom-app", "s3cret", "x", strings.Repeat("a", 70<<10)))
	if a.status != 413 {
		t.Errorf("got %d, want 413", a.status)
	}
}

func TestIndexAndMeetingsOverAdmin(t *testing.T) {
	w := start(t)
	w.wantStatus("index", w.get("/", ""), 200, w.BaseURL()+"/microsoft/")
	m := w.postJSON("/admin/meetings", map[string]string{"host": "ana", "topic": "Plan", "number": "987654321"})
	w.wantStatus("create", m, 201, `"join_url":"`+w.url+`/zoom/j/987654321"`)
	w.wantStatus("get", w.get("/admin/meetings/987654321", ""), 200, `"status":"waiting"`)
	w.wantStatus("list", w.get("/admin/meetings", ""), 200, `"topic":"Plan"`)
	w.wantStatus("none", w.get("/admin/meetings/1", ""), 404, "no meeting")
	w.wantStatus("no such host", w.postJSON("/admin/meetings", map[string]string{"host": "zed"}), 422, "nobody is called")
	w.wantStatus("no such person", w.postJSON("/admin/meetings/987654321/present", map[string]string{"person": "zed"}), 422, "nobody is called")
}
