package vendortest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// What is asked and wanted here is from MeetStream's own pages: its API reference, and the
// guide "Zoom OBF implementation in MeetStream" with its table of troubles.

const msCallback = "http://localhost:7000/own"

// msCustomer is a customer of MeetStream's, whose code knows a base address and a key.
type msCustomer struct {
	t    testing.TB
	w    *lanyardtest.World
	base string // where MeetStream's is https://api.meetstream.ai/api/v1
	key  string
	app  string
}

// msWorld has a customer who has put our address and key where MeetStream's were.
func msWorld(t *testing.T, options ...lanyardtest.Option) *msCustomer {
	t.Helper()
	return msOn(lanyardtest.New(t, options...))
}

// msOn is msWorld in a world that is there.
func msOn(w *lanyardtest.World) *msCustomer {
	w.T.Helper()
	app := w.Zoom()
	w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true})
	return &msCustomer{t: w.T, w: w, base: w.URL + "/meetstream/api/v1", key: msKey(w, w.Key, "meetstream"), app: app}
}

// msKey makes a key with every scope that joining needs.
func msKey(w *lanyardtest.World, with, dialect string) string {
	w.T.Helper()
	body := map[string]any{"scopes": []string{"connect", "read", "join:onbehalf"}}
	if dialect != "" {
		body["dialect"] = dialect
	}
	status, made := w.Call(with, "POST", "/v1/keys", body)
	if status != 201 {
		w.T.Fatalf("make a key: got %d %v", status, made)
	}
	return made.Str("credential")
}

// msAnswer is what a client of MeetStream's gets to see.
type msAnswer struct {
	status int
	header http.Header
	raw    string
	lanyardtest.JSON
}

func (c *msCustomer) call(method, path string, body any, headers ...string) msAnswer {
	c.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Token "+c.key)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := msAnswer{status: resp.StatusCode, header: resp.Header, raw: string(raw), JSON: lanyardtest.JSON{}}
	_ = json.Unmarshal(raw, &a.JSON) // an array has no members
	return a
}

func (c *msCustomer) ok(method, path string, body any) msAnswer {
	c.t.Helper()
	a := c.call(method, path, body)
	if a.status >= 300 {
		c.t.Fatalf("%s %s: got %d %s, want success", method, path, a.status, a.raw)
	}
	return a
}

// refused is a call that has this status and message. Clients read message first.
func (c *msCustomer) refused(status int, message, method, path string, body any) msAnswer {
	c.t.Helper()
	a := c.call(method, path, body)
	if a.status != status || a.Str("message") != message {
		c.t.Errorf("%s %s: got %d %s, want %d with the message %q", method, path, a.status, a.raw, status, message)
	}
	return a
}

// code does what the guide says: the authorize URL, the person's browser, and what arrives
// at the customer's callback.
func (c *msCustomer) code(person, state string) url.Values {
	c.t.Helper()
	q := url.Values{"redirect_uri": {msCallback}}
	if state != "" {
		q.Set("state", state)
	}
	to := c.ok("GET", "/zoom/oauth/authorize-url?"+q.Encode(), nil).Str("authorize_url")
	b := c.w.Browser().Go("GET", to+"&sandbox_consent=allow&sandbox_person="+person, nil)
	at, err := url.Parse(b.Next())
	if err != nil || !strings.HasPrefix(b.Next(), msCallback) || at.Query().Get("code") == "" {
		c.t.Fatalf("the person arrived at %s with %v, want a code", b.Next(), err)
	}
	return at.Query()
}

// connect is the whole of the guide's step 2.
func (c *msCustomer) connect(person string) msAnswer {
	c.t.Helper()
	return c.ok("POST", "/zoom/oauth/connections", map[string]any{"code": c.code(person, "").Get("code"), "redirect_uri": msCallback,
		"metadata": map[string]string{"tenant_user_id": person}})
}

func (c *msCustomer) list() (out []lanyardtest.JSON) {
	c.t.Helper()
	a := c.ok("GET", "/zoom/oauth/connections", nil)
	if err := json.Unmarshal([]byte(a.raw), &out); err != nil {
		c.t.Fatalf("got %s, want a bare array: %v", a.raw, err)
	}
	return out
}

func msUser(w *lanyardtest.World, handle string) sandbox.Person {
	for _, p := range w.Sandbox.People(sandbox.Zoom) {
		if p.Handle == handle {
			return p.Person
		}
	}
	w.T.Fatalf("nobody is called %s", handle)
	return sandbox.Person{}
}

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

// msOther is a customer of another project of the same server, with an app of its own.
func msOther(c *msCustomer) *msCustomer {
	c.t.Helper()
	other := *c
	project := c.w.Operator("POST", "/v1/operator/projects", map[string]any{"name": "other"}).Str("id")
	scopes := []string{"admin", "connect", "read", "join:onbehalf"}
	admin := c.w.Operator("POST", "/v1/operator/keys", map[string]any{"project": project, "scopes": scopes}).Str("credential")
	if status, out := c.w.Call(admin, "PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true}); status != 200 {
		c.t.Fatalf("got %d %v", status, out)
	}
	other.key = msKey(c.w, admin, "meetstream")
	return &other
}

// same compares two refusals, but for the id in the sentence and the request's own.
func same(t *testing.T, what string, a, b msAnswer, idA, idB string) {
	t.Helper()
	clean := func(x msAnswer, id string) string {
		raw := strings.ReplaceAll(strings.ReplaceAll(x.raw, id, "ID"), x.header.Get("X-Request-Id"), "REQ")
		names := []string{}
		for n := range x.header {
			names = append(names, n)
		}
		slices.Sort(names)
		return raw + strings.Join(names, " ")
	}
	if a.status != b.status || a.status < 400 || clean(a, idA) != clean(b, idB) {
		t.Errorf("%s: another project's: %d %s; nobody's: %d %s", what, a.status, a.raw, b.status, b.raw)
	}
}
