package sandbox_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"lanyard/internal/sandbox"
)

// claims verifies an id_token with the keys a provider publishes.
func (w *world) claims(keysPath, token string) map[string]any {
	w.Helper()
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(w.get(keysPath, "").text), &keys); err != nil {
		w.Fatal(err)
	}
	sig, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		w.Fatalf("id_token: %v", err)
	}
	payload, err := sig.Verify(keys.Key(sig.Signatures[0].Header.KeyID)[0])
	if err != nil {
		w.Fatalf("id_token: %v", err)
	}
	var out map[string]any
	if err := json.Unmarshal(payload, &out); err != nil {
		w.Fatal(err)
	}
	return out
}

func TestGoogleFlow(t *testing.T) {
	w := start(t, app(sandbox.Google))
	const calendar = "https://www.googleapis.com/auth/calendar.readonly"
	a := w.connect(sandbox.Google, "scope", "openid email "+calendar)
	c := w.claims("/google/jwks", a.str("id_token"))
	if c["nonce"] != "n-1" || c["aud"] != "google-app" || c["iss"] != w.url+"/google" || c["email"] != "ana.torres@example.com" {
		t.Errorf("id_token: got %v", c)
	}
	b := w.renew(sandbox.Google, a.str("refresh_token"))
	if b.status != 200 || b.json["refresh_token"] != nil || !strings.Contains(b.str("scope"), calendar) {
		t.Errorf("refresh: got %d %v, want no refresh_token", b.status, b.json["scope"])
	}
	me := w.get("/google/userinfo", b.str("access_token"))
	if me.json["sub"] != c["sub"] || me.json["hd"] != "example.com" {
		t.Errorf("userinfo: got %s", me.text)
	}
	w.wantStatus("discovery", w.get("/google/.well-known/openid-configuration", ""), 200, `"issuer":"`+w.url+`/google"`)

	w.wantStatus("revoke", w.do(form(w.url+"/google/revoke", "", "", "token", a.str("access_token"))), 200, "")
	w.wantStatus("after", w.renew(sandbox.Google, a.str("refresh_token")), 400, "Token has been expired or revoked.")
	w.wantStatus("revoke again", w.do(form(w.url+"/google/revoke", "", "", "token", a.str("access_token"))), 400, "invalid_token")
}

func TestGoogleRefreshTokenOnlyWhenAsked(t *testing.T) {
	w := start(t, app(sandbox.Google))
	has := func(what string, want bool, change ...string) {
		t.Helper()
		if got := w.connect(sandbox.Google, change...).str("refresh_token") != ""; got != want {
			t.Errorf("%s: got a refresh token: %v, want %v", what, got, want)
		}
	}
	has("online", false, "access_type", "-")
	has("first offline consent", true, "prompt", "-")
	has("second, not asked again", false, "prompt", "-")
	has("second, asked again", true)
}

func TestGoogleUntickedScopes(t *testing.T) {
	w := start(t, app(sandbox.Google))
	const calendar = "https://www.googleapis.com/auth/calendar.readonly"
	a := w.connect(sandbox.Google, "scope", "openid email "+calendar, "sandbox_scopes", "email")
	if got := a.str("scope"); got != "openid email" {
		t.Errorf("scope: got %q, want openid email", got)
	}
	b := w.connect(sandbox.Google, "scope", calendar, "include_granted_scopes", "true")
	if got := b.str("scope"); got != calendar+" openid email" {
		t.Errorf("incremental: got %q", got)
	}
	c := w.connect(sandbox.Google, "scope", calendar, "sandbox_person", "ben")
	w.wantStatus("userinfo without a scope for it", w.get("/google/userinfo", c.str("access_token")), 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
}

func TestAuthorizeRefusals(t *testing.T) {
	w := start(t, app(sandbox.Zoom), app(sandbox.Google), app(sandbox.Microsoft), app(sandbox.Slack),
		app(sandbox.OIDC, func(c *sandbox.Client) { c.Scopes = []string{"openid"} }))
	tests := []struct {
		name, provider string
		change         []string
		page           string // shown to the person
		code           string // or sent back to the app
	}{
		{"redirect URI not on the list", sandbox.Zoom, []string{"redirect_uri", callback + "/"}, "Invalid redirect", ""},
		{"redirect URI by prefix", sandbox.OIDC, []string{"redirect_uri", callback + "?x=1"}, "Invalid redirect_uri", ""},
		{"redirect URI left out", sandbox.OIDC, []string{"redirect_uri", "-"}, "Invalid redirect_uri", ""},
		{"Google's word for it", sandbox.Google, []string{"redirect_uri", "http://evil.example/"}, "redirect_uri_mismatch", ""},
		{"unknown client", sandbox.Slack, []string{"client_id", "nobody"}, "Unknown app", ""},
		{"unknown person", sandbox.Zoom, []string{"sandbox_person", "zed"}, "Nobody by that name", ""},
		{"implicit flow", sandbox.Zoom, []string{"response_type", "token"}, "", "unsupported_response_type"},
		{"no PKCE", sandbox.OIDC, []string{"code_challenge", "-", "code_challenge_method", "-"}, "", "invalid_request"},
		{"plain PKCE", sandbox.OIDC, []string{"code_challenge", verifier, "code_challenge_method", "plain"}, "", "invalid_request"},
		{"method left out", sandbox.OIDC, []string{"code_challenge_method", "-"}, "", "invalid_request"},
		{"challenge too short", sandbox.Microsoft, []string{"code_challenge", "abc"}, "", "invalid_request"},
		{"scope not registered", sandbox.OIDC, []string{"scope", "openid payments"}, "", "invalid_scope"},
		{"no openid", sandbox.OIDC, []string{"scope", "email"}, "", "invalid_scope"},
		{"no scope", sandbox.Slack, []string{"scope", "-"}, "", "invalid_scope"},
		{"fragment mode", sandbox.Microsoft, []string{"response_mode", "fragment"}, "", "invalid_request"},
		{"silently", sandbox.OIDC, []string{"scope", "openid", "prompt", "none"}, "", "interaction_required"},
		{"deactivated person", sandbox.Google, []string{"sandbox_person", "emil"}, "", "access_denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.get(authorizePath[tt.provider]+"?"+request(tt.provider, tt.change...).Encode(), "")
			if tt.page != "" {
				if a.status != 400 || !strings.Contains(a.text, tt.page) || a.header.Get("Location") != "" {
					t.Errorf("got %d to %q, want a page with %q", a.status, a.header.Get("Location"), tt.page)
				}
				return
			}
			to, _ := url.Parse(a.header.Get("Location"))
			if q := to.Query(); a.status != 302 || q.Get("error") != tt.code || q.Get("state") != "st te&1" || q.Has("code") {
				t.Errorf("got %d to %s, want error=%s", a.status, to, tt.code)
			}
		})
	}
	twice := request(sandbox.Zoom)
	twice.Add("state", "another")
	w.wantStatus("doubled parameter", w.get("/zoom/oauth/authorize?"+twice.Encode(), ""), 400, "more than once")
}
