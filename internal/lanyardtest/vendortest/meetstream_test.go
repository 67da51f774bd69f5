package vendortest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// What is asked and wanted here is from MeetStream's own pages: its API reference, and the
// guide "Zoom OBF implementation in MeetStream" with its table of troubles.

// The guide, steps 1 to 2: one flow per end user, the response's every field.
func TestMeetStreamConnects(t *testing.T) { lanyardtest.Each(t, msConnects) }

func msConnects(t *testing.T, w *lanyardtest.World) {
	c := msOn(w)
	state := "alice-internal-uuid/ü?&=#+%20"
	to, err := url.Parse(c.ok("GET", "/zoom/oauth/authorize-url?"+url.Values{"redirect_uri": {msCallback}, "state": {state}}.Encode(), nil).Str("authorize_url"))
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	if q.Get("state") != state || q.Get("redirect_uri") != msCallback || q.Get("response_type") != "code" || q.Get("client_id") == "" {
		t.Errorf("got %s, want the state and the redirect_uri as they came", to)
	}
	if q.Has("code_challenge") || q.Has("nonce") {
		t.Errorf("got %s, want no challenge: the code comes back through hands that cannot prove it", to)
	}
	back := c.code("ana", state)
	if back.Get("state") != state {
		t.Errorf("the callback got the state %q, want %q", back.Get("state"), state)
	}
	ana := msUser(c.w, "ana")
	a := c.call("POST", "/zoom/oauth/connections", map[string]any{"code": back.Get("code"), "redirect_uri": msCallback,
		"metadata": map[string]string{"tenant_user_id": "alice"}})
	if a.status != 200 {
		t.Fatalf("got %d %s, want 200, which is not 201", a.status, a.raw)
	}
	for name, want := range map[string]string{"zoom_user_id": ana.ID, "zoom_account_id": ana.AccountID, "email": ana.Email, "display_name": ana.Name(),
		"metadata.tenant_user_id": "alice", "state": "connected"} {
		if got := a.Str(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if a.JSON["has_refresh_token"] != true {
		t.Errorf("has_refresh_token: got %v", a.JSON["has_refresh_token"])
	}
	for _, name := range []string{"created_at", "updated_at"} {
		if _, err := time.Parse(time.RFC3339, a.Str(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(a.JSON) != 9 {
		t.Errorf("got %d members in %s, want the guide's nine", len(a.JSON), a.raw)
	}
	if regexp.MustCompile(`(?i)access_token|"refresh_token|eyJ`).MatchString(a.raw) {
		t.Errorf("token material: %s", a.raw)
	}

	// Bob, by the same app.
	bob := c.connect("ben")
	if got := c.list(); len(got) != 2 || got[0].Str("zoom_user_id") != bob.Str("zoom_user_id") || got[1].Str("zoom_user_id") != ana.ID {
		t.Errorf("got %v, want Ben and Ana", got)
	}
	one := c.ok("GET", "/zoom/oauth/connections/"+url.PathEscape(ana.ID), nil)
	if one.raw != a.raw {
		t.Errorf("got %s, want what the POST said: %s", one.raw, a.raw)
	}
	// What was connected so is known for it: no browser was seen.
	ours := c.w.OK("GET", "/v1/connections", nil).List("data")
	if len(ours) != 2 || ours[0].Str("origin") != "unbound_code" {
		t.Errorf("got %v, want connections of origin unbound_code", ours)
	}

	gone := c.ok("DELETE", "/zoom/oauth/connections/"+ana.ID, nil)
	if gone.Str("message") == "" {
		t.Errorf("got %s, want a message", gone.raw)
	}
	missing := "Zoom user " + ana.ID + " is not connected for this account"
	c.refused(404, missing, "GET", "/zoom/oauth/connections/"+ana.ID, nil)
	c.refused(404, missing, "DELETE", "/zoom/oauth/connections/"+ana.ID, nil)
	if got := c.list(); len(got) != 1 || got[0].Str("zoom_user_id") != bob.Str("zoom_user_id") {
		t.Errorf("got %v, want Ben alone", got)
	}
	for _, g := range c.w.Sandbox.Grants() {
		if g.Person == "ana" && g.Ended == "" {
			t.Error("Zoom was not told that Ana is disconnected")
		}
	}
}

// Nobody is connected: a bare empty array, since any wrapper would print as "no connections"
// where there are some, and null would not be an array.
func TestMeetStreamListsNobody(t *testing.T) {
	c := msWorld(t)
	if a := c.ok("GET", "/zoom/oauth/connections", nil); a.raw != "[]" {
		t.Errorf("got %s, want []", a.raw)
	}
}

// Reconnecting is the same flow again; the connection is the same, and what is not said of
// its metadata stays.
func TestMeetStreamConnectsAgain(t *testing.T) {
	c := msWorld(t)
	first := c.connect("ana")
	again := c.ok("POST", "/zoom/oauth/connections", map[string]any{"code": c.code("ana", "").Get("code"), "redirect_uri": msCallback})
	if again.Str("created_at") != first.Str("created_at") || again.Str("metadata.tenant_user_id") != "ana" || len(c.list()) != 1 {
		t.Errorf("got %s, want the connection of %s", again.raw, first.raw)
	}
}

// The statuses that every client of MeetStream's acts on.
func TestMeetStreamStatuses(t *testing.T) {
	c := msWorld(t)
	code := c.code("ana", "").Get("code")
	good := map[string]any{"code": code, "redirect_uri": msCallback}
	c.ok("POST", "/zoom/oauth/connections", good)
	for _, one := range []struct {
		what, key  string
		status     int
		call, path string
		body       any
	}{
		{"no key", "-", 401, "GET", "/zoom/oauth/connections", nil},
		{"a key that is none", "ms_0123456789abcdef", 403, "GET", "/zoom/oauth/connections", nil},
		{"a used code", "", 400, "POST", "/zoom/oauth/connections", good},
		{"a code that is none", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"code": "nonsense", "redirect_uri": msCallback}},
		{"a redirect_uri of a trailing slash", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"code": c.code("ben", "").Get("code"), "redirect_uri": msCallback + "/"}},
		{"somebody whom Zoom calls inactive", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"code": c.code("emil", "").Get("code"), "redirect_uri": msCallback}},
		{"no code", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"redirect_uri": msCallback}},
		{"no redirect_uri", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"code": "x"}},
		{"no redirect_uri for the URL", "", 400, "GET", "/zoom/oauth/authorize-url", nil},
		{"a redirect_uri that is no https", "", 400, "GET", "/zoom/oauth/authorize-url?redirect_uri=http%3A%2F%2Fexample.com%2Fcb", nil},
		{"metadata that is not flat", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"code": "x", "redirect_uri": msCallback, "metadata": map[string]any{"a": map[string]any{}}}},
		{"metadata of a number", "", 400, "POST", "/zoom/oauth/connections", map[string]any{"code": "x", "redirect_uri": msCallback, "metadata": map[string]any{"a": 7}}},
		{"no JSON", "", 400, "POST", "/zoom/oauth/connections", "code=x"},
		{"an unknown id", "", 404, "GET", "/zoom/oauth/connections/AbCdEfGhIjKlMnOpQrStUw", nil},
		{"an unknown path", "", 404, "GET", "/zoom/oauth/nothing", nil},
		{"a calendar", "", 404, "GET", "/calendar/events", nil},
	} {
		was := c.key
		switch one.key {
		case "":
		case "-":
			c.key = ""
		default:
			c.key = one.key
		}
		a := c.call(one.call, one.path, one.body)
		c.key = was
		if a.status != one.status || a.Str("message") == "" || a.header.Get("X-Request-Id") == "" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %v %s, want %d, a message and a request id", one.what, a.status, a.header, a.raw, one.status)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control is %q", one.what, a.header.Get("Cache-Control"))
		}
	}
	if a := c.call("PUT", "/zoom/oauth/connections", nil); a.status != 405 || !strings.Contains(a.header.Get("Allow"), "POST") {
		t.Errorf("got %d %v, want 405", a.status, a.header)
	}
}

// 403 on /zoom/oauth/* means that hosted OAuth is not enabled for the account.
func TestMeetStreamIsOffUntilItIsAllowed(t *testing.T) {
	c := msWorld(t)
	code := c.code("ana", "").Get("code")
	c.w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": false})
	if a := c.call("GET", "/zoom/oauth/authorize-url?redirect_uri="+url.QueryEscape(msCallback), nil); a.status != 403 || a.Str("message") == "" {
		t.Errorf("got %d %s, want 403", a.status, a.raw)
	}
	body := map[string]any{"code": code, "redirect_uri": msCallback}
	if a := c.call("POST", "/zoom/oauth/connections", body); a.status != 403 || !strings.Contains(a.Str("message"), "--allow-unbound-codes") {
		t.Errorf("got %d %s, want 403 and what to do", a.status, a.raw)
	}
	c.w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true})
	c.ok("POST", "/zoom/oauth/connections", body) // the code was not burnt
}

// A client that does not know whether its request arrived repeats it under the same
// Idempotency-Key: 507, which it takes for success, and the code is not tried twice.
func TestMeetStreamReplays(t *testing.T) {
	c := msWorld(t)
	body := map[string]any{"code": c.code("ana", "").Get("code"), "redirect_uri": msCallback}
	first := c.call("POST", "/zoom/oauth/connections", body, "Idempotency-Key", "k-1")
	if first.status != 200 {
		t.Fatalf("got %d %s", first.status, first.raw)
	}
	again := c.call("POST", "/zoom/oauth/connections", body, "Idempotency-Key", "k-1")
	if again.status != 507 || again.Str("message") == "" || again.Str("zoom_user_id") != first.Str("zoom_user_id") {
		t.Errorf("got %d %s, want 507 with what was answered", again.status, again.raw)
	}
	if a := c.call("POST", "/zoom/oauth/connections", map[string]any{"code": "other", "redirect_uri": msCallback}, "Idempotency-Key", "k-1"); a.status != 409 {
		t.Errorf("another request under the key: got %d %s, want 409", a.status, a.raw)
	}
	bad := map[string]any{"code": "nonsense", "redirect_uri": msCallback}
	for i := range 2 { // what has failed is no success the second time either
		if a := c.call("POST", "/zoom/oauth/connections", bad, "Idempotency-Key", "k-2"); a.status != 400 || a.Str("message") == "" {
			t.Errorf("time %d: got %d %s, want 400", i+1, a.status, a.raw)
		}
	}
	if n := strings.Count(c.w.Wire.String(), "code=nonsense"); n != 1 {
		t.Errorf("Zoom saw the refused code %d times, want once", n)
	}
}

// An app that was not given the scopes of the guide is refused, and what it got is given back.
func TestMeetStreamNeedsItsScopes(t *testing.T) {
	c := msWorld(t)
	q := url.Values{"response_type": {"code"}, "client_id": {"zc_" + c.app[4:16]}, "redirect_uri": {msCallback}, "scope": {"user:read:user"},
		"sandbox_consent": {"allow"}, "sandbox_person": {"ana"}}
	at, err := url.Parse(c.w.Browser().Go("GET", c.w.SandURL+"/zoom/oauth/authorize?"+q.Encode(), nil).Next())
	if err != nil {
		t.Fatal(err)
	}
	a := c.call("POST", "/zoom/oauth/connections", map[string]any{"code": at.Query().Get("code"), "redirect_uri": msCallback})
	if a.status != 400 || !strings.Contains(a.raw, "user:read:token") || len(c.list()) != 0 {
		t.Errorf("got %d %s, want to be told what is missing, and nothing bound", a.status, a.raw)
	}
}

// A person changes their password: Zoom revokes, and the connection says so.
func TestMeetStreamShowsDisconnected(t *testing.T) {
	c := msWorld(t)
	id := c.connect("ana").Str("zoom_user_id")
	msDies(c, "ana")
	one := c.ok("GET", "/zoom/oauth/connections/"+id, nil)
	if one.Str("state") != "disconnected" || one.JSON["has_refresh_token"] != false {
		t.Errorf("got %s, want disconnected", one.raw)
	}
	again := c.connect("ana")
	if again.Str("state") != "connected" || again.Str("created_at") != one.Str("created_at") {
		t.Errorf("got %s, want the same connection, connected", again.raw)
	}
}

// msDies ends the grant of a person as the database has it once it is confirmed; how it
// comes to that is shown elsewhere.
func msDies(c *msCustomer, _ string) {
	c.w.SQL(`UPDATE grants SET health = 'dead', reason = 'user_revoked', dead_at = 1`)
}

// Zoom's ids may hold + / = and -, which clients URL-encode.
func TestMeetStreamOddIDs(t *testing.T) {
	for _, id := range []string{"a+b/c==", "-leading_and-trailing-", "KDcuGIm1QgePTO8WbOqwIQ==", "..", "a%2Fb"} {
		c := msWorld(t)
		var served atomic.Int64
		who := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			served.Add(1)
			_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "account_id": "acc/1+=", "email": "odd@example.com", "display_name": "Odd", "status": "active"})
		}))
		t.Cleanup(who.Close)
		ends := c.w.ZoomEndpoints()
		ends["identity"] = who.URL
		c.w.OK("PATCH", "/v1/apps/"+c.app, map[string]any{"endpoints": ends, "client_secret": "zoom-client-secret-" + c.app[4:]})
		if got := c.connect("ana").Str("zoom_user_id"); got != id || served.Load() == 0 {
			t.Fatalf("got %q, want %q", got, id)
		}
		path := "/zoom/oauth/connections/" + strings.ReplaceAll(url.QueryEscape(id), "+", "%20") // as encodeURIComponent does
		if id == ".." {
			path = "/zoom/oauth/connections/%2E%2E"
		}
		if got := c.ok("GET", path, nil).Str("zoom_user_id"); got != id {
			t.Errorf("got %q, want %q", got, id)
		}
		c.ok("DELETE", path, nil)
		if len(c.list()) != 0 {
			t.Errorf("%q is still there", id)
		}
	}
}

// The same API at /api/v1, by the dialect of the key, and by the path where it has none.
func TestMeetStreamAtTheCommonAddress(t *testing.T) {
	c := msWorld(t)
	c.base = c.w.URL + "/api/v1"
	id := c.connect("ana").Str("zoom_user_id")
	c.key = msKey(c.w, c.w.Key, "")
	if got := c.list(); len(got) != 1 || got[0].Str("zoom_user_id") != id {
		t.Errorf("got %v", got)
	}
	c.key = msKey(c.w, c.w.Key, "attendee")
	if a := c.call("GET", "/zoom/oauth/connections", nil); a.status != 404 {
		t.Errorf("with a key of Attendee's dialect: got %d %s, want 404", a.status, a.raw)
	}
}
