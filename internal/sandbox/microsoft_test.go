package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/sandbox"
)

func TestMicrosoftFlow(t *testing.T) {
	w := start(t, app(sandbox.Microsoft))
	a := w.connect(sandbox.Microsoft)
	if got := a.str("scope"); got != "openid profile User.Read" {
		t.Errorf("scope: got %q, want offline_access not echoed", got)
	}
	c := w.claims("/microsoft/common/discovery/v2.0/keys", a.str("id_token"))
	tid, _ := c["tid"].(string)
	if c["nonce"] != "n-1" || c["iss"] != w.url+"/microsoft/"+tid+"/v2.0" || len(tid) != 36 {
		t.Errorf("id_token: got %v", c)
	}
	w.wantStatus("me", w.get("/microsoft/v1.0/me", a.str("access_token")), 200, `"userPrincipalName":"ana.torres@example.com"`)
	w.wantStatus("me with rubbish", w.get("/microsoft/v1.0/me", "x"), 401, "InvalidAuthenticationToken")
	b := w.renew(sandbox.Microsoft, a.str("refresh_token"))
	if b.str("refresh_token") == "" || b.str("refresh_token") == a.str("refresh_token") {
		t.Error("refresh: want another refresh token")
	}
	w.wantStatus("the old one again", w.renew(sandbox.Microsoft, a.str("refresh_token")), 200, "refresh_token")
	if d := w.connect(sandbox.Microsoft, "scope", "User.Read"); d.str("refresh_token") != "" || d.str("id_token") != "" {
		t.Error("without offline_access and openid: got a refresh token or an id_token")
	}
	w.wantStatus("discovery for all", w.get("/microsoft/common/v2.0/.well-known/openid-configuration", ""), 200, "/microsoft/{tenantid}/v2.0")
	w.wantStatus("discovery for one", w.get("/microsoft/"+tid+"/v2.0/.well-known/openid-configuration", ""), 200, `"issuer":"`+w.url+"/microsoft/"+tid)
	w.wantStatus("unknown tenant", w.get("/microsoft/nowhere/v2.0/.well-known/openid-configuration", ""), 400, "AADSTS90002")
}

func TestMicrosoftErrors(t *testing.T) {
	w := start(t, app(sandbox.Microsoft))
	at := w.url + tokenPath[sandbox.Microsoft]
	used := w.authorize(sandbox.Microsoft).Get("code")
	w.redeem(sandbox.Microsoft, used)
	revoked := w.connect(sandbox.Microsoft, "sandbox_person", "ben").str("refresh_token")
	w.Revoke(sandbox.Target{Provider: sandbox.Microsoft, Person: "ben"})
	live := w.connect(sandbox.Microsoft).str("refresh_token")
	tests := []struct {
		name   string
		a      answer
		number int
		code   string
		status int
	}{
		{"unknown app", w.do(form(at, "nobody", "x", "grant_type", "refresh_token")), 700016, "unauthorized_client", 400},
		{"wrong secret", w.do(form(at, "microsoft-app", "x", "grant_type", "refresh_token")), 7000215, "invalid_client", 401},
		{"code twice", w.redeem(sandbox.Microsoft, used), 54005, "invalid_grant", 400},
		{"wrong verifier", w.redeem(sandbox.Microsoft, w.authorize(sandbox.Microsoft).Get("code"), "code_verifier", strings.Repeat("a", 50)), 501481, "invalid_grant", 400},
		{"revoked", w.renew(sandbox.Microsoft, revoked), 50173, "invalid_grant", 400},
		{"more scopes", w.do(form(at, "microsoft-app", "s3cret", "grant_type", "refresh_token", "refresh_token", live, "scope", "Mail.Send")), 70011, "invalid_scope", 400},
		{"parameter missing", w.do(form(at, "microsoft-app", "s3cret", "grant_type", "refresh_token")), 900144, "invalid_request", 400},
	}
	for _, tt := range tests {
		numbers := fmt.Sprint(tt.a.json["error_codes"])
		if tt.a.status != tt.status || tt.a.str("error") != tt.code || !strings.HasPrefix(tt.a.str("error_description"), fmt.Sprintf("AADSTS%d: ", tt.number)) || numbers == "<nil>" {
			t.Errorf("%s: got %d %s, want %d %s AADSTS%d", tt.name, tt.a.status, tt.a.text, tt.status, tt.code, tt.number)
		}
	}
}
