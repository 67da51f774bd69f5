package sandbox_test

import (
	"testing"

	"lanyard/internal/sandbox"
)

func rotating(c *sandbox.Client) { c.Rotation = true }

func TestSlackBotAndUser(t *testing.T) {
	w := start(t, app(sandbox.Slack, rotating))
	a := w.connect(sandbox.Slack, "user_scope", "channels:history")
	user, _ := a.json["authed_user"].(map[string]any)
	if a.json["ok"] != true || a.str("token_type") != "bot" || a.str("scope") != "chat:write,users:read" || a.json["expires_in"] != 43200.0 || a.str("refresh_token") == "" {
		t.Errorf("bot: got %s", a.text)
	}
	if user["token_type"] != "user" || user["scope"] != "channels:history" || user["expires_in"] != 43200.0 || user["refresh_token"] == a.str("refresh_token") {
		t.Errorf("user: got %v", user)
	}
	bot := w.get("/slack/api/auth.test", a.str("access_token"))
	me := w.get("/slack/api/auth.test", user["access_token"].(string))
	if bot.str("user_id") != a.str("bot_user_id") || me.json["user_id"] != user["id"] || bot.str("bot_id") == "" {
		t.Errorf("auth.test: got %s and %s", bot.text, me.text)
	}
	// Each has its own family: renewing one leaves the other alone.
	b := w.renew(sandbox.Slack, a.str("refresh_token"))
	if b.str("token_type") != "bot" || b.str("refresh_token") == "" {
		t.Errorf("refresh of the bot: got %s", b.text)
	}
	w.wantStatus("the old one again", w.renew(sandbox.Slack, a.str("refresh_token")), 200, `{"error":"invalid_refresh_token","ok":false}`)
	c := w.renew(sandbox.Slack, user["refresh_token"].(string))
	if c.str("token_type") != "user" || c.str("access_token") == "" {
		t.Errorf("refresh of the user: got %s", c.text)
	}
	w.wantStatus("revoke, only a test", w.get("/slack/api/auth.revoke?test=1", b.str("access_token")), 200, `"revoked":false`)
	w.wantStatus("revoke", w.get("/slack/api/auth.revoke", b.str("access_token")), 200, `"revoked":true`)
	w.wantStatus("revoked", w.get("/slack/api/auth.test", b.str("access_token")), 200, "token_revoked")
	w.wantStatus("the user's lives", w.get("/slack/api/auth.test", c.str("access_token")), 200, `"ok":true`)
}

func TestSlackWithoutRotation(t *testing.T) {
	w := start(t, app(sandbox.Slack))
	a := w.connect(sandbox.Slack)
	if a.json["refresh_token"] != nil || a.json["expires_in"] != nil {
		t.Errorf("got %s, want neither refresh_token nor expires_in", a.text)
	}
	w.wantStatus("refresh", w.renew(sandbox.Slack, "x"), 200, "token_rotation_not_enabled")
	only := w.connect(sandbox.Slack, "scope", "-", "user_scope", "channels:history")
	if only.json["access_token"] != nil {
		t.Errorf("user scopes alone: got %s, want no bot token", only.text)
	}
}

func TestSlackErrorsAre200(t *testing.T) {
	w := start(t, app(sandbox.Slack))
	at := w.url + tokenPath[sandbox.Slack]
	tests := []struct {
		name string
		a    answer
		want string
	}{
		{"unknown client", w.do(form(at, "nobody", "x", "code", "x")), "invalid_client_id"},
		{"wrong secret", w.do(form(at, "slack-app", "x", "code", "x")), "bad_client_secret"},
		{"unknown code", w.redeem(sandbox.Slack, "x"), "invalid_code"},
		{"wrong redirect", w.redeem(sandbox.Slack, w.authorize(sandbox.Slack).Get("code"), "redirect_uri", "http://x/"), "bad_redirect_uri"},
		{"no token", w.get("/slack/api/auth.test", ""), "not_authed"},
		{"unknown token", w.get("/slack/api/auth.test", "x"), "invalid_auth"},
	}
	for _, tt := range tests {
		if tt.a.status != 200 || tt.a.json["ok"] != false || tt.a.str("error") != tt.want {
			t.Errorf("%s: got %d %s, want 200 with %s", tt.name, tt.a.status, tt.a.text, tt.want)
		}
	}
}
