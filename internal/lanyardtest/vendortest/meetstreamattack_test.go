package vendortest_test

import (
	"net/url"
	"strings"
	"testing"
)

// Attack: a code is replayed to get at the account of whoever it was for, or to have the
// provider end the grant that it made. It is sent once, ever.
func TestMeetStreamSendsACodeOnce(t *testing.T) {
	c := msWorld(t)
	body := map[string]any{"code": c.code("ana", "").Get("code"), "redirect_uri": msCallback}
	c.ok("POST", "/zoom/oauth/connections", body)
	if a := c.call("POST", "/zoom/oauth/connections", body); a.status != 400 {
		t.Errorf("got %d %s, want 400", a.status, a.raw)
	}
	if n := strings.Count(c.w.Wire.String(), "grant_type=authorization_code"); n != 1 {
		t.Errorf("Zoom was asked %d times to trade the code, want once", n)
	}
	if got := c.list(); len(got) != 1 || got[0].Str("state") != "connected" {
		t.Errorf("got %v, want Ana connected", got)
	}
}

// Attack: another project's key asks for a Zoom user and a bot by ids that it has learnt.
// The answer is that for an id that nobody has, byte for byte but for the id.
func TestMeetStreamForeign(t *testing.T) {
	c := msWorld(t)
	ana := c.connect("ana").Str("zoom_user_id")
	other := msOther(c)
	nobody := "AbCdEfGhIjKlMnOpQrStUw"
	if len(other.list()) != 0 {
		t.Error("another project's list has somebody in it")
	}
	for _, method := range []string{"GET", "DELETE"} {
		theirs := other.call(method, "/zoom/oauth/connections/"+ana, nil)
		none := other.call(method, "/zoom/oauth/connections/"+nobody, nil)
		same(t, method, theirs, none, ana, nobody)
	}
	if got := c.list(); len(got) != 1 || got[0].Str("state") != "connected" {
		t.Errorf("got %v, want Ana connected as before", got)
	}
}

// Attack: a key that is limited to other providers, or to connections with a label, asks
// for what it does not reach; and a key without the scope for more than it may.
func TestMeetStreamLimitedKeys(t *testing.T) {
	c := msWorld(t)
	ana := c.connect("ana").Str("zoom_user_id")
	_, link := msLink(c, "ana")
	limited := func(what string, limits map[string]any) *msCustomer {
		limits["dialect"] = "meetstream"
		status, made := c.w.Call(c.w.Key, "POST", "/v1/keys", limits)
		if status != 201 {
			t.Fatalf("%s: got %d %v", what, status, made)
		}
		key := *c
		key.key = made.Str("credential")
		return &key
	}
	all := []string{"connect", "read", "join:onbehalf"}
	for what, key := range map[string]*msCustomer{
		"another provider": limited("provider", map[string]any{"scopes": all, "providers": []string{"google"}}),
		"a label":          limited("label", map[string]any{"scopes": all, "labels": []string{"work"}}),
	} {
		if got := key.list(); len(got) != 0 {
			t.Errorf("%s: sees %v", what, got)
		}
		key.refused(404, "Zoom user "+ana+" is not connected for this account", "GET", "/zoom/oauth/connections/"+ana, nil)
		key.refused(404, "Zoom user "+ana+" is not connected for this account", "DELETE", "/zoom/oauth/connections/"+ana, nil)
		key.refused(400, "No Zoom users connected for this account", "POST", "/bots/create_bot", msRequest(link, ana))
	}
	reader := limited("read", map[string]any{"scopes": []string{"read"}})
	for _, call := range []string{"GET /zoom/oauth/authorize-url?redirect_uri=" + url.QueryEscape(msCallback), "POST /zoom/oauth/connections",
		"DELETE /zoom/oauth/connections/" + ana, "POST /bots/create_bot"} {
		method, path, _ := strings.Cut(call, " ")
		if a := reader.call(method, path, map[string]any{"code": "x", "redirect_uri": msCallback}); a.status != 403 || a.Str("code") != "scope_missing" {
			t.Errorf("%s with a key that may only read: got %d %s, want 403", call, a.status, a.raw)
		}
	}
	if got := c.list(); len(got) != 1 {
		t.Errorf("got %v, want Ana", got)
	}
}
