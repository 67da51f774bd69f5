package sandbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lanyard/internal/sandbox"
)

const (
	callback = "http://localhost:9/callback"
	verifier = "a-verifier-of-more-than-forty-three-characters_0"
)

func challenge() string {
	h := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// world is a sandbox behind a real HTTP server.
type world struct {
	*testing.T
	*sandbox.Sandbox
	url  string
	http *http.Client
}

func start(t *testing.T, clients ...sandbox.Client) *world {
	t.Helper()
	return startWith(t, sandbox.Config{Clients: clients})
}

func startWith(t *testing.T, c sandbox.Config) *world {
	t.Helper()
	s, err := sandbox.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	if err := s.SetBaseURL(srv.URL); err != nil {
		t.Fatal(err)
	}
	// Without keep-alive: net/http would send a request again when a kept connection breaks.
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &world{t, s, srv.URL, hc}
}

// app is a client of a provider with the usual values.
func app(provider string, more ...func(*sandbox.Client)) sandbox.Client {
	c := sandbox.Client{Provider: provider, ID: provider + "-app", Secret: "s3cret", Name: "Notes <App>", RedirectURIs: []string{callback}}
	for _, f := range more {
		f(&c)
	}
	return c
}

func withClass(class sandbox.Class, grace int) func(*sandbox.Client) {
	return func(c *sandbox.Client) { c.Class, c.GraceSeconds = class, grace }
}

var authorizePath = map[string]string{
	sandbox.Zoom: "/zoom/oauth/authorize", sandbox.Google: "/google/o/oauth2/v2/auth", sandbox.Microsoft: "/microsoft/common/oauth2/v2.0/authorize",
	sandbox.Slack: "/slack/oauth/v2/authorize", sandbox.OIDC: "/oidc/authorize",
}

var tokenPath = map[string]string{
	sandbox.Zoom: "/zoom/oauth/token", sandbox.Google: "/google/token", sandbox.Microsoft: "/microsoft/common/oauth2/v2.0/token",
	sandbox.Slack: "/slack/api/oauth.v2.access", sandbox.OIDC: "/oidc/token",
}

var scopeOf = map[string]string{
	sandbox.Zoom: "user:read:user user:read:token user:read:zak meeting:read:list_meetings meeting:read:local_recording_token", sandbox.Google: "openid email",
	sandbox.Microsoft: "openid profile offline_access User.Read", sandbox.Slack: "chat:write,users:read", sandbox.OIDC: "openid email offline_access",
}

// request is an authorization request of Ana's, with parameters changed; "-" takes one away.
func request(provider string, change ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {provider + "-app"}, "redirect_uri": {callback}, "scope": {scopeOf[provider]}, "state": {"st te&1"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "nonce": {"n-1"}, "access_type": {"offline"}, "prompt": {"consent"},
		"sandbox_person": {"ana"}, "sandbox_consent": {"allow"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		if change[i+1] == "-" {
			q.Del(change[i])
		} else {
			q.Set(change[i], change[i+1])
		}
	}
	return q
}

type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

func (a answer) str(name string) string { s, _ := a.json[name].(string); return s }

func (w *world) do(r *http.Request) answer {
	w.Helper()
	a, err := w.try(r)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) try(r *http.Request) (answer, error) {
	resp, err := w.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(b)}
	json.Unmarshal(b, &a.json)
	return a, err
}

func (w *world) get(path, token string) answer {
	w.Helper()
	r, err := http.NewRequest("GET", w.url+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(r)
}

func (w *world) postJSON(path string, v any) answer {
	w.Helper()
	return w.send("POST", path, v)
}

func (w *world) send(method, path string, v any) answer {
	w.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		w.Fatal(err)
	}
	r, err := http.NewRequest(method, w.url+path, bytes.NewReader(b))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return w.do(r)
}

func form(path string, id, secret string, fields ...string) *http.Request {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	r, _ := http.NewRequest("POST", path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	return r
}

// authorize sends the browser out and returns what came to the redirect URI.
func (w *world) authorize(provider string, change ...string) url.Values {
	w.Helper()
	a := w.get(authorizePath[provider]+"?"+request(provider, change...).Encode(), "")
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != http.StatusFound {
		w.Fatalf("authorize: got %d %s, want a redirect", a.status, a.text)
	}
	return to.Query()
}

func (w *world) redeem(provider, code string, more ...string) answer {
	w.Helper()
	fields := append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier}, more...)
	return w.do(form(w.url+tokenPath[provider], provider+"-app", "s3cret", fields...))
}

// connect is the whole way to tokens.
func (w *world) connect(provider string, change ...string) answer {
	w.Helper()
	a := w.redeem(provider, w.authorize(provider, change...).Get("code"))
	if a.status != http.StatusOK {
		w.Fatalf("code exchange: got %d %s", a.status, a.text)
	}
	return a
}

func (w *world) renew(provider, refresh string) answer {
	w.Helper()
	return w.do(w.renewal(provider, refresh))
}

func (w *world) renewal(provider, refresh string) *http.Request {
	return form(w.url+tokenPath[provider], provider+"-app", "s3cret", "grant_type", "refresh_token", "refresh_token", refresh)
}

func (w *world) events(q sandbox.Query) []string {
	out := []string{}
	for _, e := range w.Ledger(q) {
		out = append(out, e.Event)
	}
	return out
}

func (w *world) wantStatus(what string, a answer, status int, contains string) {
	w.Helper()
	if a.status != status || !strings.Contains(a.text, contains) {
		w.Errorf("%s: got %d %s, want %d with %q", what, a.status, a.text, status, contains)
	}
}

// waitFor waits for n entries: webhooks are carried in the background.
func (w *world) waitFor(q sandbox.Query, n int) []sandbox.Entry {
	w.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		got := w.Ledger(q)
		if len(got) >= n {
			return got
		}
		if time.Now().After(deadline) {
			w.Fatalf("ledger: got %d entries of %+v, want %d", len(got), q, n)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
