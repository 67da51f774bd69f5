package sandbox_test

import (
	"testing"

	"lanyard/internal/sandbox"
)

func TestOIDCFlow(t *testing.T) {
	w := start(t, app(sandbox.OIDC))
	back := w.authorize(sandbox.OIDC)
	if back.Get("iss") != w.url+"/oidc" {
		t.Errorf("iss: got %q, want %q", back.Get("iss"), w.url+"/oidc")
	}
	a := w.redeem(sandbox.OIDC, back.Get("code"))
	c := w.claims("/oidc/jwks", a.str("id_token"))
	if c["nonce"] != "n-1" || c["aud"] != "oidc-app" || c["iss"] != w.url+"/oidc" || c["at_hash"] == nil || c["email"] != nil {
		t.Errorf("id_token: got %v", c)
	}
	me := w.get("/oidc/userinfo", a.str("access_token"))
	if me.json["sub"] != c["sub"] || me.str("email") == "" || me.json["name"] != nil {
		t.Errorf("userinfo: got %s, want sub and email alone", me.text)
	}
	w.wantStatus("discovery", w.get("/oidc/.well-known/openid-configuration", ""), 200, `"authorization_response_iss_parameter_supported":true`)
	if b := w.connect(sandbox.OIDC, "scope", "openid"); b.str("refresh_token") != "" {
		t.Error("without offline_access: got a refresh token")
	}

	// RFC 7009: an unknown token is no error; an access token goes alone, a refresh token takes all.
	revoke := func(token string) answer {
		return w.do(form(w.url+"/oidc/revoke", "oidc-app", "s3cret", "token", token))
	}
	w.wantStatus("revoke the unknown", revoke("x"), 200, "")
	w.wantStatus("revoke the access token", revoke(a.str("access_token")), 200, "")
	w.wantStatus("userinfo", w.get("/oidc/userinfo", a.str("access_token")), 401, "invalid_token")
	b := w.renew(sandbox.OIDC, a.str("refresh_token"))
	w.wantStatus("refresh", b, 200, "")
	w.wantStatus("revoke the refresh token", revoke(b.str("refresh_token")), 200, "")
	w.wantStatus("userinfo", w.get("/oidc/userinfo", b.str("access_token")), 401, "invalid_token")
}

func TestOIDCCodeReuseRevokes(t *testing.T) {
	w := start(t, app(sandbox.OIDC))
	code := w.authorize(sandbox.OIDC).Get("code")
	a := w.redeem(sandbox.OIDC, code)
	w.wantStatus("again", w.redeem(sandbox.OIDC, code), 400, "invalid_grant")
	w.wantStatus("what it gave", w.get("/oidc/userinfo", a.str("access_token")), 401, "")
	if got := w.events(sandbox.Query{Event: "reuse_detected", Kind: "code"}); len(got) != 1 {
		t.Errorf("ledger: got %v", got)
	}
}

func TestOIDCClientAuthenticationAsRegistered(t *testing.T) {
	post := func(c *sandbox.Client) { c.ID, c.AuthMethod = "post", "client_secret_post" }
	public := func(c *sandbox.Client) { c.ID, c.AuthMethod, c.Secret = "public", "none", "" }
	w := start(t, app(sandbox.OIDC), app(sandbox.OIDC, post), app(sandbox.OIDC, public))
	tests := []struct {
		name          string
		client, basic string // who asked; who authenticates with Basic
		fields        []string
		status        int
	}{
		{"basic as registered", "oidc-app", "oidc-app", nil, 200},
		{"post though registered for basic", "oidc-app", "", []string{"client_id", "oidc-app", "client_secret", "s3cret"}, 401},
		{"both at once", "oidc-app", "oidc-app", []string{"client_secret", "s3cret"}, 400},
		{"post as registered", "post", "", []string{"client_id", "post", "client_secret", "s3cret"}, 200},
		{"basic though registered for post", "post", "post", nil, 401},
		{"public", "public", "", []string{"client_id", "public"}, 200},
		{"confidential without its secret", "oidc-app", "", []string{"client_id", "oidc-app"}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code := w.authorize(sandbox.OIDC, "client_id", tt.client).Get("code")
			fields := append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier}, tt.fields...)
			a := w.do(form(w.url+"/oidc/token", tt.basic, "s3cret", fields...))
			if a.status != tt.status {
				t.Errorf("got %d %s, want %d", a.status, a.text, tt.status)
			}
			if a.status == 401 && a.header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
}
