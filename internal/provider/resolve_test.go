package provider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
)

func TestTargetRefuses(t *testing.T) {
	good := customApp(t, definition("https://crm.example", nil))
	withCustom := func(raw string) lanyard.App { return lanyard.App{Provider: "custom", Custom: []byte(raw)} }
	for _, c := range []struct {
		name string
		app  lanyard.App
		code lanyard.Code
		want string
	}{
		{"unknown provider", lanyard.App{Provider: "nobody"}, lanyard.CodeUnknownProvider, "nobody"},
		{"param nobody asks for", lanyard.App{Provider: "zoom", Params: map[string]string{"tenant": "x"}}, lanyard.CodeInvalidRequest, `"tenant"`},
		{"param that would be another host", lanyard.App{Provider: "microsoft", Params: map[string]string{"tenant": "evil.example/x?"}}, lanyard.CodeInvalidRequest, "params.tenant"},
		{"param with a slash", lanyard.App{Provider: "microsoft", Params: map[string]string{"tenant": "../.."}}, lanyard.CodeInvalidRequest, "params.tenant"},
		{"endpoint nobody knows", lanyard.App{Provider: "zoom", Endpoints: map[string]string{"tokens": "https://x.example"}}, lanyard.CodeInvalidRequest, `"tokens"`},
		{"endpoint over http", lanyard.App{Provider: "zoom", Endpoints: map[string]string{"authorize": "http://zoom.example"}}, lanyard.CodeInvalidRequest, "endpoints.authorize"},
		{"endpoint inside", lanyard.App{Provider: "google", Endpoints: map[string]string{"identity": "https://169.254.169.254/"}}, lanyard.CodeInvalidRequest, "endpoints.identity"},
		{"token elsewhere, and nothing to ask who it is", lanyard.App{Provider: "zoom", Endpoints: map[string]string{"token": "https://zoom.example/t"}}, lanyard.CodeInvalidRequest, "identity (or api)"},
		{"custom without definition", lanyard.App{Provider: "custom"}, lanyard.CodeInvalidRequest, "definition"},
		{"custom: unknown member", withCustom(strings.Replace(string(good.Custom), `"name"`, `"nome"`, 1)), lanyard.CodeInvalidRequest, "nome"},
		{"custom: member twice", withCustom(strings.Replace(string(good.Custom), `{`, `{"name":"x",`, 1)), lanyard.CodeInvalidRequest, "once"},
		{"custom: cut", withCustom(string(good.Custom[:40])), lanyard.CodeInvalidRequest, "custom"},
		{"custom: inside", customApp(t, definition("https://10.0.0.1", nil)), lanyard.CodeInvalidRequest, "endpoints."},
		{"custom: no subject", customApp(t, definition("https://crm.example", object{"identity": object{}})), lanyard.CodeInvalidRequest, "identity.subject"},
		{"custom: symmetric ID tokens", customApp(t, definition("https://crm.example", object{"identity": object{"subject": "sub", "algorithms": []string{"HS256"}}})), lanyard.CodeInvalidRequest, "HS256"},
		{"custom: unsigned ID tokens", customApp(t, definition("https://crm.example", object{"identity": object{"subject": "sub", "algorithms": []string{"none"}}})), lanyard.CodeInvalidRequest, "none"},
		{"custom: reason nobody knows", customApp(t, definition("https://crm.example", object{"errors": object{"x": "rejected whatever"}})), lanyard.CodeInvalidRequest, "whatever"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newSet(t).Target(c.app)
			if !errors.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v (%s), want %s naming %q", err, lanyard.CodeOf(err), c.code, c.want)
			}
		})
	}
}

// Without the operator's leave nothing on this machine is an endpoint, by name or by number.
func TestLoopbackNeedsTheOperator(t *testing.T) {
	client, err := egress.New(egress.Config{})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s, err := provider.NewSet(client, entries...)
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"http://127.0.0.1:9000", "http://localhost:9000", "https://localhost", "http://[::1]:9000"} {
		if _, err := s.Target(lanyard.App{Provider: "zoom", Endpoints: map[string]string{"token": base + "/token", "api": base}}); err == nil {
			t.Errorf("%s was taken", base)
		}
	}
}

func TestOverrides(t *testing.T) {
	own := mustTarget(t, lanyard.App{Provider: "zoom", Endpoints: map[string]string{"authorize": "http://127.0.0.1:9000/zoom/oauth/authorize", "token": "http://127.0.0.1:9000/zoom/oauth/token", "api": "http://127.0.0.1:9000/zoom"}})
	if got, want := own.Endpoint("identity"), "http://127.0.0.1:9000/zoom/v2/users/me"; got != want {
		t.Errorf("identity is at %s, want %s", got, want)
	}
	if got := own.Endpoint("revoke"); got != "" {
		t.Errorf("tokens of another server would be sent to %s", got)
	}
	if got, want := own.TokenHost(), "127.0.0.1:9000"; got != want {
		t.Errorf("token host %s, want %s", got, want)
	}
	for base, want := range map[string]bool{"http://127.0.0.1:9000/zoom": true, "https://api.zoom.us": false, "http://127.0.0.1:9001": false, "": false, "https://x@127.0.0.1:9000": false} {
		if got := own.AllowsAPI(base); got != want {
			t.Errorf("own server: AllowsAPI(%q) = %v, want %v", base, got, want)
		}
	}
	zoom := mustTarget(t, lanyard.App{Provider: "zoom"})
	for base, want := range map[string]bool{"https://api.zoom.us": true, "https://API.zoom.us:443/": true, "http://api.zoom.us": false, "https://api.zoom.us.evil.example": false,
		"https://evil.example/api.zoom.us": false, "https://api.zoom.us@evil.example": false, "https://api.zoom.us:8443": false, "https://api.zoom.us/?x=1": false, "//api.zoom.us": false} {
		if got := zoom.AllowsAPI(base); got != want {
			t.Errorf("zoom: AllowsAPI(%q) = %v, want %v", base, got, want)
		}
	}
	if got := zoom.TokenHost(); got != "zoom.us" {
		t.Errorf("token host %s", got)
	}
	oidc := mustTarget(t, lanyard.App{Provider: "google", Endpoints: map[string]string{"token": "https://op.example/token", "issuer": "https://op.example/"}})
	if got, want := oidc.Endpoint("discovery"), "https://op.example/.well-known/openid-configuration"; got != want {
		t.Errorf("discovery at %s, want %s", got, want)
	}
}

func TestUnknownClassIsTheStrictest(t *testing.T) {
	d := definition("https://crm.example", nil)
	delete(d, "class")
	if got := mustTarget(t, customApp(t, d)).Class; got != provider.ClassReuseKill {
		t.Errorf("class %s, want reuse_kill", got)
	}
}

// T03: what a flow began with is what its code goes to, whatever the app says by then.
func TestSnapshot(t *testing.T) {
	s := newSet(t)
	a := lanyard.App{ID: "app_1", Provider: "slack", ClientID: "sc", Scopes: []string{"chat:write", "user:search:read"}}
	before, err := s.Target(a)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := before.Snapshot()
	if !json.Valid(snapshot) || bytes.Contains(snapshot, []byte("Post messages")) {
		t.Errorf("snapshot: %s", snapshot)
	}
	again, err := s.RestoreTarget(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	r := request()
	r.Scopes = a.Scopes
	if diff := cmp.Diff(before.AuthorizeURL(r), again.AuthorizeURL(r)); diff != "" {
		t.Error(diff)
	}
	answer := provider.Answer{Sent: true, Status: 200, Body: lanyard.NewSecret(`{"ok":true,"access_token":"xoxb-1","token_type":"bot","scope":"chat:write","team":{"id":"T1"},"bot_user_id":"B1","authed_user":{"id":"U1","access_token":"xoxp-1","token_type":"user","scope":"search:read"}}`)}
	got := again.Parse(lanyard.AttemptCode, answer)
	if len(got.Tokens) != 2 || got.Tokens[0].Hint.Subject != "T1.B1" || got.Tokens[1].Hint.Subject != "T1.U1" || got.Tokens[1].Hint.Issuer != "https://slack.com" {
		t.Errorf("restored target reads %+v", got)
	}
	if again.Class != before.Class || again.TokenHost() != before.TokenHost() || again.App != a.ID || again.PKCE != before.PKCE {
		t.Errorf("restored %+v", again)
	}
	for _, bad := range []string{"", "{}", `{"v":2}`, "null"} {
		if _, err := s.RestoreTarget([]byte(bad)); err == nil {
			t.Errorf("RestoreTarget(%q) gave a target", bad)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	client, err := egress.New(egress.Config{})
	if err != nil {
		t.Fatal(err)
	}
	entry := func(id, issuer, extends string) provider.Entry {
		return provider.Entry{Definition: provider.Definition{ID: id, Name: id, Extends: extends, ClientAuth: "basic",
			Endpoints: provider.Endpoints{Authorize: "https://a.example", Token: "https://a.example", Identity: "https://a.example", Issuer: issuer}, Identity: provider.IdentityRules{Subject: "id"}}}
	}
	if _, err := provider.NewSet(client, entry("a", "https://i.example", ""), entry("b", "https://i.example", "")); err == nil {
		t.Error("two providers share an issuer (RFC 9207 §2.4)")
	}
	if _, err := provider.NewSet(client, entry("a", "https://i.example", "b"), entry("b", "https://i.example", "")); err != nil {
		t.Errorf("one extends the other: %v", err)
	}
	if _, err := provider.NewSet(client, entry("a", "", ""), entry("a", "", "")); err == nil {
		t.Error("one id twice")
	}
	s, err := provider.NewSet(client, entry("b", "", ""), entry("a", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range s.All() {
		ids = append(ids, p.Definition().ID)
	}
	if diff := cmp.Diff([]string{"a", "b", "custom"}, ids); diff != "" {
		t.Error(diff)
	}
}
