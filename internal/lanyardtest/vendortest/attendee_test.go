package vendortest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
)

// What is asked and wanted here is from Attendee's API as its clients know it: methods and
// paths, fields, the order of checks, error texts, pages.

const atCallback = "http://localhost:7000/own"

// atCustomer is a customer of Attendee's, whose code knows a base address and a key.
type atCustomer struct {
	t    *testing.T
	w    *lanyardtest.World
	base string
	key  string
	app  string
}

func atWorld(t *testing.T, options ...lanyardtest.Option) *atCustomer {
	t.Helper()
	w := lanyardtest.New(t, options...)
	app := w.Zoom()
	w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": true})
	status, made := w.Call(w.Key, "POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "read", "join:onbehalf", "join:recording"}, "dialect": "attendee"})
	if status != 201 {
		t.Fatalf("make a key: got %d %v", status, made)
	}
	return &atCustomer{t: t, w: w, base: w.URL + "/attendee/api/v1", key: made.Str("credential"), app: app}
}

type atAnswer struct {
	status int
	header http.Header
	raw    string
	lanyardtest.JSON
}

// send asks with a body as it is and the headers given, "Name: value".
func (c *atCustomer) send(method, path, body string, headers ...string) atAnswer {
	c.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.base + path
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := atAnswer{status: res.StatusCode, header: res.Header, raw: string(raw), JSON: lanyardtest.JSON{}}
	_ = json.Unmarshal(raw, &a.JSON) // some bodies are empty, on purpose
	return a
}

func (c *atCustomer) call(method, path string, body any) atAnswer {
	c.t.Helper()
	raw := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		raw = string(b)
	}
	return c.send(method, path, raw, "Authorization: Token "+c.key, "Content-Type: application/json")
}

// says wants exactly this status and body.
func (a atAnswer) says(t *testing.T, what string, status int, body string) {
	t.Helper()
	if a.status != status || a.raw != body {
		t.Errorf("%s: got %d %s, want %d %s", what, a.status, a.raw, status, body)
	}
}

// code sends a person to Zoom as the customer's own pages do, and returns what came back.
func (c *atCustomer) code(person string, scopes ...string) string {
	c.t.Helper()
	if len(scopes) == 0 {
		scopes = lanyardtest.ZoomScopes
	}
	q := url.Values{"response_type": {"code"}, "client_id": {"zc_" + c.app[4:16]}, "redirect_uri": {atCallback}, "scope": {strings.Join(scopes, " ")},
		"sandbox_consent": {"allow"}, "sandbox_person": {person}}
	b := c.w.Browser()
	b.Go("GET", c.w.SandURL+"/zoom/oauth/authorize?"+q.Encode(), nil)
	at, err := url.Parse(b.Next())
	if err != nil || at.Query().Get("code") == "" {
		c.t.Fatalf("got %s, %v, want a code", b.Next(), err)
	}
	return at.Query().Get("code")
}

// connect posts a code, with the members that matter, and wants a connection.
func (c *atCustomer) connect(person string, more map[string]any) atAnswer {
	c.t.Helper()
	body := map[string]any{"authorization_code": c.code(person), "redirect_uri": atCallback, "is_onbehalf_token_supported": true}
	for k, v := range more {
		body[k] = v
	}
	a := c.call("POST", "/zoom_oauth_connections", body)
	if a.status != 201 {
		c.t.Fatalf("connect %s: got %d %s", person, a.status, a.raw)
	}
	return a
}

var atTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

func TestAttendeeConnection(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	a := c.connect("ana", map[string]any{"metadata": map[string]string{"tenant": "<7> ä"}, "zoom_oauth_app_id": "zoa_" + c.app[4:]})
	var members []string
	for k := range a.JSON {
		members = append(members, k)
	}
	slices.Sort(members)
	want := []string{"account_id", "connection_failure_data", "created_at", "id", "is_local_recording_token_supported", "is_onbehalf_token_supported",
		"last_attempted_sync_at", "last_successful_sync_at", "metadata", "state", "updated_at", "user_id", "zoom_oauth_app_id"}
	if !slices.Equal(members, want) {
		t.Errorf("got members %q, want %q", members, want)
	}
	id := a.Str("id")
	if !strings.HasPrefix(id, "zoc_") || a.Str("zoom_oauth_app_id") != "zoa_"+c.app[4:] || a.Str("state") != "connected" || a.JSON["connection_failure_data"] != nil ||
		a.Str("metadata.tenant") != "<7> ä" || a.JSON["is_local_recording_token_supported"] != true || a.JSON["is_onbehalf_token_supported"] != true ||
		a.Str("user_id") == "" || a.Str("account_id") == "" || !atTime.MatchString(a.Str("created_at")) || !atTime.MatchString(a.Str("updated_at")) {
		t.Errorf("got %s", a.raw)
	}
	got := c.call("GET", "/zoom_oauth_connections/"+id, nil)
	if got.status != 200 || got.Str("id") != id || got.Str("user_id") != a.Str("user_id") {
		t.Errorf("got %d %s, want the same", got.status, got.raw)
	}

	// The same person again: the same id, 201 again. What is left out of the flags is their
	// default; metadata that is left out is kept, which Attendee does not do.
	again := c.call("POST", "/zoom_oauth_connections", map[string]any{"authorization_code": c.code("ana"), "redirect_uri": atCallback, "metadata": nil})
	if again.status != 201 || again.Str("id") != id || again.Str("metadata.tenant") != "<7> ä" || again.JSON["is_local_recording_token_supported"] != true ||
		again.JSON["is_onbehalf_token_supported"] != false {
		t.Errorf("got %d %s, want the same connection", again.status, again.raw)
	}
	only := c.connect("ana", map[string]any{"is_local_recording_token_supported": false, "metadata": map[string]string{"tenant": "8"}})
	if only.Str("id") != id || only.JSON["is_local_recording_token_supported"] != false || only.Str("metadata.tenant") != "8" {
		t.Errorf("got %s, want what was posted last", only.raw)
	}

	// The person takes the app out of their Zoom account. Attendee's clients look at how the
	// error begins.
	c.w.Sandbox.Revoke(sandbox.Target{Provider: sandbox.Zoom, Person: "ana"})
	c.w.Expire(-1)
	c.w.Call(c.w.Key, "POST", "/v1/connections/con_"+id[4:]+"/token", map[string]any{})
	c.w.SQL(`UPDATE grants SET health = 'dead', reason = 'user_revoked', dead_at = 1764324000123456`)
	lost := c.call("GET", "/zoom_oauth_connections/"+id, nil)
	if lost.Str("state") != "disconnected" || !strings.HasPrefix(lost.Str("connection_failure_data.error"), "Zoom Authentication error: ") ||
		lost.Str("connection_failure_data.timestamp") != "2025-11-28T10:00:00.123456+00:00" {
		t.Errorf("got %s, want why it is lost", lost.raw)
	}
	if back := c.connect("ana", nil); back.Str("id") != id || back.Str("state") != "connected" || back.JSON["connection_failure_data"] != nil {
		t.Errorf("got %s, want the same one to work again", back.raw)
	}

	c.call("DELETE", "/zoom_oauth_connections/"+id, nil).says(t, "delete", 200, "")
	for _, method := range []string{"GET", "DELETE"} {
		c.call(method, "/zoom_oauth_connections/"+id, nil).says(t, method+" after that", 404, `{"error":"Zoom OAuth Connection not found"}`)
	}
	for _, g := range c.w.Sandbox.Grants() {
		if g.Ended == "" {
			t.Errorf("got %+v, want the consent revoked at Zoom, which Attendee does not do", g)
		}
	}
	if other := c.connect("ana", nil); other.Str("id") == id {
		t.Error("what was deleted has come back")
	}
}

// Every refusal of a post, in Attendee's order: the fields, the whole, the app, the code,
// the scopes, the person.
func TestAttendeeConnectionRefused(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	project := c.w.OK("GET", "/v1/project", nil).Str("name")
	const allowed = "authorization_code, is_local_recording_token_supported, is_onbehalf_token_supported, metadata, redirect_uri, zoom_oauth_app_id"
	ok := map[string]any{"authorization_code": "x", "redirect_uri": atCallback}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for k, v := range ok {
			out[k] = v
		}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	const exchange = `{"error":"Error exchanging access code for tokens. Please check that the authorization code and redirect URI are correct."}`
	for what, tc := range map[string]struct {
		body map[string]any
		want string
	}{
		"nothing":              {map[string]any{}, `{"authorization_code":["This field is required."],"redirect_uri":["This field is required."]}`},
		"null":                 {with(map[string]any{"authorization_code": nil}), `{"authorization_code":["This field may not be null."]}`},
		"blank":                {with(map[string]any{"redirect_uri": " "}), `{"redirect_uri":["This field may not be blank."]}`},
		"no string":            {with(map[string]any{"authorization_code": []string{"x"}}), `{"authorization_code":["Not a valid string."]}`},
		"no boolean":           {with(map[string]any{"is_onbehalf_token_supported": "maybe"}), `{"is_onbehalf_token_supported":["Must be a valid boolean."]}`},
		"fields before others": {map[string]any{"redirect_uri": atCallback, "more": 1}, `{"authorization_code":["This field is required."]}`},
		"unexpected": {with(map[string]any{"b": 1, "a": 2}),
			`{"non_field_errors":["Unexpected field(s): a, b. Allowed fields are: ` + allowed + `"]}`},
		"neither": {with(map[string]any{"is_local_recording_token_supported": false}),
			`{"non_field_errors":["At least one of is_local_recording_token_supported or is_onbehalf_token_supported must be true"]}`},
		"metadata: a list":    {with(map[string]any{"metadata": []string{}}), `{"metadata":["Metadata must be an object not an array or other type"]}`},
		"metadata: empty":     {with(map[string]any{"metadata": map[string]any{}}), `{"metadata":["Metadata must have at least one key"]}`},
		"metadata: no string": {with(map[string]any{"metadata": map[string]any{"k": 1}}), `{"metadata":["Value for key 'k' must be a string"]}`},
		"metadata: too long":  {with(map[string]any{"metadata": map[string]any{"k": strings.Repeat("x", 992)}}), `{"metadata":["Metadata must be less than 1000 characters"]}`},
		"metadata: too long in ASCII": {with(map[string]any{"metadata": map[string]any{"k": strings.Repeat("ä", 170)}}),
			`{"metadata":["Metadata must be less than 1000 characters"]}`},
		"an app that is not there": {with(map[string]any{"zoom_oauth_app_id": "zoa_abcdefghijklmnop"}),
			`{"error":"Zoom OAuth App with id zoa_abcdefghijklmnop does not exist in this project (` + project + `)."}`},
		"a wrong code":        {ok, exchange},
		"the same wrong code": {ok, exchange},
		"a wrong redirect":    {map[string]any{"authorization_code": c.code("ana"), "redirect_uri": "https://elsewhere.example/"}, exchange},
		"scopes": {map[string]any{"authorization_code": c.code("ana", "user:read:user"), "redirect_uri": atCallback, "is_local_recording_token_supported": false,
			"is_onbehalf_token_supported": true}, `{"error":"The authorization is missing the following required scopes: ['user:read:token']."}`},
		"scopes before the person": {map[string]any{"authorization_code": c.code("emil", "user:read:user", "user:read:token"), "redirect_uri": atCallback},
			`{"error":"The authorization is missing the following required scopes: ['meeting:read:list_meetings', 'meeting:read:local_recording_token', 'user:read:zak']."}`},
		"the person": {map[string]any{"authorization_code": c.code("emil"), "redirect_uri": atCallback}, `{"error":"The user is not active."}`},
	} {
		c.call("POST", "/zoom_oauth_connections", tc.body).says(t, what, 400, tc.want)
	}
	if a := c.call("POST", "/zoom_oauth_connections", with(map[string]any{"metadata": map[string]any{"k": strings.Repeat("x", 991)}})); a.raw != exchange {
		t.Errorf("1000 characters of metadata: got %d %s, want it to get as far as the code", a.status, a.raw)
	}
	f, err := c.w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "status", Status: 503})
	if err != nil {
		t.Fatal(err)
	}
	c.call("POST", "/zoom_oauth_connections", map[string]any{"authorization_code": c.code("ana"), "redirect_uri": atCallback}).says(t, "Zoom is down", 400, exchange)
	c.w.Sandbox.RemoveFault(f.ID)
	code := c.code("ana")
	if f, err = c.w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "userinfo"}, Action: "status", Status: 503}); err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"authorization_code": code, "redirect_uri": atCallback}
	c.call("POST", "/zoom_oauth_connections", body).says(t, "nobody says who it is", 400, `{"error":"Error getting user info. Please check that the access token is valid."}`)
	c.w.Sandbox.RemoveFault(f.ID)
	if a := c.call("POST", "/zoom_oauth_connections", body); a.status != 201 {
		t.Errorf("the same once more: got %d %s, want the connection: the code was traded", a.status, a.raw)
	}
	c.call("POST", "/zoom_oauth_connections", body).says(t, "and once more", 400, exchange)
	if reused := c.w.Sandbox.Ledger(sandbox.Query{Event: "reuse_detected"}); len(reused) != 0 {
		t.Errorf("Zoom saw a code twice: %v", reused)
	}
	if l := c.call("GET", "/zoom_oauth_connections", nil); len(l.List("results")) != 1 {
		t.Errorf("got %s, want the one that was not refused", l.raw)
	}

	c.w.OK("PATCH", "/v1/project", map[string]any{"allow_unbound_codes": false})
	if a := c.call("POST", "/zoom_oauth_connections", map[string]any{"authorization_code": c.code("ben"), "redirect_uri": atCallback}); a.status != 403 ||
		!strings.Contains(a.Str("detail"), "without state") || !strings.Contains(a.Str("detail"), "--allow-unbound-codes") {
		t.Errorf("not allowed: got %d %s, want 403, why, and what to do", a.status, a.raw)
	}
	none := atWorld(t)
	none.w.OK("DELETE", "/v1/apps/"+none.app, nil)
	none.call("POST", "/zoom_oauth_connections", ok).says(t, "no app", 400,
		`{"error":"No Zoom OAuth App found in this project (`+project+`). Please add a Zoom OAuth App first."}`)
}

// What the framework under Attendee's API says, to its clients' letter.
func TestAttendeeFramework(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	key, kind := "Authorization: Token "+c.key, "Content-Type: application/json"
	const malformed = `{"detail":"Invalid Authorization header. Should have this format: Token <api_key>"}`
	for what, tc := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		want               string
	}{
		"no key":             {"GET", "/zoom_oauth_connections", "", nil, 401, `{"detail":"Missing Authorization header"}`},
		"a bearer":           {"GET", "/zoom_oauth_connections", "", []string{"Authorization: Bearer " + c.key}, 401, malformed},
		"three parts":        {"GET", "/zoom_oauth_connections", "", []string{key + " x"}, 401, malformed},
		"one part":           {"GET", "/zoom_oauth_connections", "", []string{"Authorization: Token"}, 401, malformed},
		"two headers":        {"GET", "/zoom_oauth_connections", "", []string{key, key}, 401, malformed},
		"a wrong key":        {"GET", "/zoom_oauth_connections", "", []string{"Authorization: Token 0123456789abcdefghijklmnopqrstuv"}, 401, `{"detail":"Invalid or disabled API key"}`},
		"any case":           {"GET", "/zoom_oauth_connections", "", []string{"Authorization: tOKEN " + c.key}, 200, `{"next":null,"previous":null,"results":[]}`},
		"PATCH":              {"PATCH", "/zoom_oauth_connections/zoc_x", "{}", []string{key, kind}, 405, `{"detail":"Method \"PATCH\" not allowed."}`},
		"PUT":                {"PUT", "/zoom_oauth_connections", "{}", []string{key, kind}, 405, `{"detail":"Method \"PUT\" not allowed."}`},
		"not JSON":           {"POST", "/zoom_oauth_connections", "a=b", []string{key, "Content-Type: text/plain"}, 415, `{"detail":"Unsupported media type \"text/plain\" in request."}`},
		"a list":             {"POST", "/zoom_oauth_connections", "[]", []string{key, kind}, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`},
		"a string":           {"POST", "/zoom_oauth_connections", `"x"`, []string{key, kind}, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`},
		"no body":            {"POST", "/zoom_oauth_connections", "", []string{key, kind}, 400, `{"authorization_code":["This field is required."],"redirect_uri":["This field is required."]}`},
		"a slash at the end": {"GET", "/zoom_oauth_connections/", "", []string{key}, 404, `{"error":"Not found"}`},
		"nowhere":            {"GET", "/nothing", "", []string{key}, 404, `{"error":"Not found"}`},
		"no such id":         {"GET", "/zoom_oauth_connections/zoc_abcdefghijklmnop", "", []string{key}, 404, `{"error":"Zoom OAuth Connection not found"}`},
		"a wrong cursor":     {"GET", "/zoom_oauth_connections?cursor=x", "", []string{key}, 404, `{"detail":"Invalid cursor"}`},
	} {
		a := c.send(tc.method, tc.path, tc.body, tc.headers...)
		a.says(t, what, tc.status, tc.want)
		if tc.status == 401 && a.header.Get("WWW-Authenticate") != "Token" {
			t.Errorf("%s: got WWW-Authenticate %q, want Token", what, a.header.Get("WWW-Authenticate"))
		}
		if a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %s, want JSON", what, a.header.Get("Content-Type"))
		}
	}
	for _, body := range []string{`{"authorization_code"`, `{'a':1}`, `{"a":1}{`, "\xff"} {
		if a := c.send("POST", "/zoom_oauth_connections", body, key, kind); a.status != 400 || !strings.HasPrefix(a.Str("detail"), "JSON parse error - ") {
			t.Errorf("%q: got %d %s, want a parse error", body, a.status, a.raw)
		}
	}
	// The address without a vendor's name, by the dialect of the key.
	c.send("GET", c.w.URL+"/api/v1/zoom_oauth_connections", "", key).says(t, "at /api/v1", 200, `{"next":null,"previous":null,"results":[]}`)
	if a := c.call("GET", "/calendars", nil); a.status != 404 || a.Str("error") == "" || a.Str("error") == "Not found" {
		t.Errorf("calendars: got %d %s, want 404 and a sentence", a.status, a.raw)
	}
}

// Pages of 25, newest first, with the whole address of the one after and the one before.
func TestAttendeePages(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	first := c.connect("ana", nil)
	// Sixty accounts, each of its own time; what else there is stays out of the list.
	for i := range 60 {
		c.w.SQL(`INSERT INTO connections (id, project_id, app_id, provider, grant_id, person_id, label, state, origin, account, needed, metadata, created_at, updated_at, missing)
			SELECT $1, project_id, app_id, provider, grant_id, person_id, label, state, origin, NULL, needed, metadata, created_at, updated_at, missing FROM connections WHERE id = $2`,
			fmt.Sprintf("con_%026d", i), "con_"+first.Str("id")[4:])
	}
	var all, back []string
	pages := 0
	next := c.base + "/zoom_oauth_connections"
	var last atAnswer
	for next != "" {
		last = c.call("GET", next, nil)
		results := last.List("results")
		if pages++; last.status != 200 || len(results) != 25 && pages < 3 || pages > 3 {
			t.Fatalf("page %d: got %d with %d", pages, last.status, len(results))
		}
		for _, r := range results {
			all = append(all, r.Str("id"))
		}
		next = last.Str("next")
		if next != "" && !strings.HasPrefix(next, c.base+"/zoom_oauth_connections?cursor=") {
			t.Fatalf("got next %q, want the whole address", next)
		}
	}
	if len(all) != 61 || !slices.IsSortedFunc(all[:1], strings.Compare) || all[0] != first.Str("id") {
		t.Fatalf("got %d, want all 61, newest first", len(all))
	}
	for previous := last.Str("previous"); previous != ""; {
		page := c.call("GET", previous, nil)
		var ids []string
		for _, r := range page.List("results") {
			ids = append(ids, r.Str("id"))
		}
		if page.Str("next") == "" {
			t.Fatal("a page that was come back to has no next")
		}
		back = append(ids, back...)
		previous = page.Str("previous")
	}
	if !slices.Equal(back, all[:50]) {
		t.Errorf("got %d on the way back, want the same 50", len(back))
	}
}

// T22: another project's ids, in every endpoint, are as absent as ids that never were.
func TestAttendeeForeign(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	mine := c.connect("ana", nil)
	pr := c.w.Operator("POST", "/v1/operator/projects", map[string]any{"name": "thief"})
	thief := *c
	thief.key = c.w.Operator("POST", "/v1/operator/keys", map[string]any{"project": pr.Str("id"), "dialect": "attendee",
		"scopes": []string{"connect", "read", "join:onbehalf", "join:recording"}}).Str("credential")
	for _, method := range []string{"GET", "DELETE"} {
		foreign := thief.call(method, "/zoom_oauth_connections/"+mine.Str("id"), nil)
		foreign.says(t, method, 404, `{"error":"Zoom OAuth Connection not found"}`)
	}
	thief.call("GET", "/zoom_oauth_connections", nil).says(t, "list", 200, `{"next":null,"previous":null,"results":[]}`)
	app := "zoa_" + c.app[4:]
	thief.call("POST", "/zoom_oauth_connections", map[string]any{"authorization_code": c.code("ana"), "redirect_uri": atCallback, "zoom_oauth_app_id": app}).says(t,
		"another project's app", 400, `{"error":"Zoom OAuth App with id `+app+` does not exist in this project (thief)."}`)
	if a := c.call("GET", "/zoom_oauth_connections/"+mine.Str("id"), nil); a.Str("state") != "connected" {
		t.Errorf("got %s, want it untouched", a.raw)
	}
}
