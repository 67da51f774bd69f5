package vendortest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"lanyard/internal/server"
)

// How MeetStream's clients say who they are. 401 is for no key at all, which is also a header
// that an empty setting was put into; 403 for one that is not taken. Both used to be 403, and
// to speak of Bearer.
func TestMeetStreamKeys(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	good := c.key
	c.key = ""
	for what, tc := range map[string]struct {
		header string
		status int
		says   string
	}{
		"as the guide has it":       {"Token " + good, 200, ""},
		"in small letters":          {"token " + good, 200, ""},
		"as its MCP server has it":  {"Bearer " + good, 200, ""},
		"nothing":                   {"", 401, "no API key"},
		"an empty setting":          {"Token ", 401, "no API key"},
		"an empty setting, Bearer":  {"Bearer ", 401, "no API key"},
		"another scheme":            {"Basic " + good, 403, "Token <key>"},
		"a bare key":                {good, 403, "Token <key>"},
		"a key of MeetStream's own": {"Token ms_0123456789abcdefghij", 403, "unknown, expired or withdrawn"},
	} {
		a := c.call("GET", "/zoom/oauth/connections", nil, "Authorization", tc.header)
		if a.status != tc.status || tc.says != "" && !strings.Contains(a.raw, tc.says) {
			t.Errorf("%s: got %d %s, want %d that says %q", what, a.status, a.raw, tc.status, tc.says)
		}
	}
	if a := c.call("GET", "/zoom/oauth/connections", nil); a.status != 401 {
		t.Errorf("no header: got %d %s, want 401", a.status, a.raw)
	}
}

// Bodies, methods and slashes as HTTP libraries make them; every error has message, and
// x-request-id.
func TestMeetStreamAsItsClientsAsk(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	_, link := msLink(c, "ana")
	bot := c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": link, "bot_name": "B"}).Str("bot_id")
	const connections, create = "/zoom/oauth/connections", "/bots/create_bot"
	for what, tc := range map[string]struct {
		call, body, kind string
		status           int
		says             string
	}{
		"no body":                  {"POST " + connections, "", "application/json", 400, "the body is empty"},
		"a list":                   {"POST " + connections, "[]", "application/json", 400, "one JSON object"},
		"null":                     {"POST " + connections, "null", "application/json", 400, "one JSON object"},
		"a form":                   {"POST " + connections, "code=x&redirect_uri=y", "application/x-www-form-urlencoded", 400, "not valid JSON"},
		"a charset":                {"POST " + connections, "{}", "application/json; charset=utf-8", 400, "code is required"},
		"JSON by no name":          {"POST " + create, "{}", "text/plain", 400, "meeting_link is required"},
		"a code of a number":       {"POST " + connections, `{"code":7,"redirect_uri":"` + msCallback + `"}`, "", 400, "code must be a string"},
		"metadata of a list":       {"POST " + connections, `{"code":"x","redirect_uri":"` + msCallback + `","metadata":[]}`, "", 400, "metadata must be an object whose values are strings"},
		"too much":                 {"POST " + connections, `{"code":"` + strings.Repeat("x", 2<<20) + `"}`, "", 413, "larger"},
		"a method":                 {"PUT " + connections, "{}", "", 405, "method"},
		"OPTIONS":                  {"OPTIONS " + create, "", "", 405, "method"},
		"remove_bot by POST":       {"POST /bots/" + bot + "/remove_bot", "", "", 405, "method"},
		"delete by POST":           {"POST /bots/" + bot + "/delete", "", "", 405, "method"},
		"a slash at the end":       {"GET " + connections + "/", "", "", 404, "nothing at this address"},
		"of a bot":                 {"GET /bots/" + bot + "/status/", "", "", 404, "nothing at this address"},
		"a bot that is under way":  {"DELETE /bots/" + bot + "/delete", "", "", 409, "leaves, first"},
		"a bot that nobody has":    {"GET /bots/0b9c1d6e-aaaa-bbbb-cccc-0123456789ab/status", "", "", 404, "nothing here"},
		"zoom that is a text":      {"POST " + create, `{"meeting_link":"` + link + `","bot_name":"B","zoom":"x"}`, "", 400, "zoom must be an object"},
		"a link that is a number":  {"POST " + create, `{"meeting_link":7,"bot_name":"B"}`, "", 400, "meeting_link must be a string"},
		"a cursor that is none":    {"GET /bots?cursor=garbage", "", "", 400, "nextCursor"},
		"the word null for cursor": {"GET /bots?cursor=null", "", "", 400, "nextCursor"},
	} {
		method, path, _ := strings.Cut(tc.call, " ")
		a := c.call(method, path, tc.body, "Content-Type", tc.kind)
		if a.status != tc.status || !strings.Contains(a.Str("message"), tc.says) || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: got %d %s, want %d that says %q", what, a.status, a.raw, tc.status, tc.says)
		}
		if !strings.HasPrefix(a.raw, `{"message":`) {
			t.Errorf("%s: got %s, want message first", what, a.raw)
		}
		if tc.status == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s: got no Allow", what)
		}
	}
	for _, limit := range []string{"0", "-1", "x", "1000000000", ""} {
		if got := c.ok("GET", "/bots?limit="+limit, nil).List("bots"); len(got) != 1 {
			t.Errorf("limit %q: got %v", limit, got)
		}
	}
	if got := c.ok("GET", "/bots/"+bot+"/status", nil).Str("status"); got != "Active" {
		t.Errorf("the bot is %q, want it where it was", got)
	}
	// Names and texts in any script, and members that are not known.
	body := map[string]any{"meeting_link": link, "bot_name": "Заметки 🎉", "custom_attributes": map[string]string{"größe ☃, which is longer than forty bytes": strings.Repeat("<", 700)},
		"agent_config_id": "x", "recording_config": map[string]any{"retention": map[string]any{"type": "timed", "hours": 24}}}
	made := c.ok("POST", "/bots/create_bot", body)
	if d := c.ok("GET", "/bots/"+made.Str("bot_id")+"/detail", nil); !strings.Contains(d.raw, "Заметки 🎉") || !strings.Contains(d.raw, `"größe ☃, which is longer than forty bytes"`) {
		t.Errorf("got %s", d.raw)
	}
}

// Paths that the API reference has and that are not here: a sentence on each, which says more
// than that there is nothing.
func TestMeetStreamPathsThatAreNotHere(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	for _, call := range []string{"GET /transcript/t-1/get_transcript?raw=true", "GET /google-login-domains", "GET /google-logins", "GET /teams-login-domains",
		"GET /teams-logins", "GET /admin/configs", "GET /mia", "POST /calendar/create_calendar", "POST /calendar/create_outlook_calendar", "POST /calendar/disconnect",
		"DELETE /calendar/disconnect", "GET /calendar", "GET /calendar/calendars", "GET /calendar/connections", "DELETE /calendar/connections/google/a%40example.com?purge_events=false",
		"GET /calendar/events", "GET /calendar/get_events", "POST /calendar/schedule/e-1", "DELETE /calendar/schedule/e-1", "GET /calendar/scheduled_bots",
		"GET /calendar/scheduled_bots/b-1", "PATCH /calendar/scheduled_bots/b-1", "DELETE /calendar/scheduled_bots/b-1", "POST /calendar/auto-schedule/enable",
		"POST /calendar/auto-schedule/disable", "GET /calendar/auto-schedule/settings", "POST /calendar/toggle-recurrence", "POST /calendar/auto-reschedule"} {
		method, path, _ := strings.Cut(call, " ")
		if a := c.call(method, path, nil); a.status != 404 || len(a.Str("message")) < 40 {
			t.Errorf("%s: got %d %s, want 404 and a sentence", call, a.status, a.raw)
		}
	}
}

// The authorize URL stands in the answer as it is, for whoever takes it out without a JSON
// parser; without a state there is none in it. The redirect_uri is https, with a host.
func TestMeetStreamAuthorizeURL(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	at := func(back string) string { return "/zoom/oauth/authorize-url?redirect_uri=" + url.QueryEscape(back) }
	a := c.ok("GET", at("https://app.example.com/zoom/cb?tenant=ü&x=1")+"&state="+url.QueryEscape("a b&<ü>"), nil)
	u, err := url.Parse(a.Str("authorize_url"))
	if err != nil || len(a.JSON) != 1 || !strings.Contains(a.raw, a.Str("authorize_url")) {
		t.Fatalf("got %s, want the URL and nothing else", a.raw)
	}
	q := u.Query()
	if q.Get("redirect_uri") != "https://app.example.com/zoom/cb?tenant=ü&x=1" || q.Get("state") != "a b&<ü>" || q.Get("response_type") != "code" {
		t.Errorf("got %v", q)
	}
	bare, err := url.Parse(c.ok("GET", at(msCallback), nil).Str("authorize_url"))
	if err != nil || bare.Query().Has("state") {
		t.Errorf("got %v, %v, want no state", bare, err)
	}
	for _, back := range []string{"http://app.example.com/cb", "https:///cb", "app://cb", "https://app.example.com/cb#x", "/cb", "javascript:alert(1)"} {
		if a := c.call("GET", at(back), nil); a.status != 400 || a.Str("message") == "" {
			t.Errorf("%s: got %d %s, want 400", back, a.status, a.raw)
		}
	}
}

// zoom.obf_url and zoom.zak_url: ^https://[^/?#\s]+, at most 4096 characters, one of them.
func TestMeetStreamTokenServers(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	_, link := msLink(c, "ana")
	ask := func(zoom map[string]any) map[string]any {
		return map[string]any{"meeting_link": link, "bot_name": "B", "zoom": zoom}
	}
	for _, name := range []string{"obf_url", "zak_url"} {
		for at, says := range map[string]string{
			"":                                     "zoom.%s must use https",
			"a.example/x":                          "zoom.%s must use https",
			"http://a.example/x":                   "zoom.%s must use https",
			"HTTPS://a.example/x":                  "zoom.%s must use https",
			" https://a.example/x":                 "zoom.%s must use https",
			"https://":                             "zoom.%s must include a host",
			"https:///x":                           "zoom.%s must include a host",
			"https://?x":                           "zoom.%s must include a host",
			"https://#x":                           "zoom.%s must include a host",
			"https://a b/x":                        "zoom.%s must include a host",
			"https://a\u00a0b":                     "zoom.%s must include a host",
			"https://" + strings.Repeat("a", 4089): "zoom.%s must have at most 4096 characters",
		} {
			c.refused(400, fmt.Sprintf(says, name), "POST", "/bots/create_bot", ask(map[string]any{name: at}))
		}
		for _, at := range []string{"https://a.example", "https://a.example?user_id=ü&auth=1", "https://u:p@a.example:8443/x#y", "https://a.example/" + strings.Repeat("ü", 4078)} {
			c.ok("POST", "/bots/create_bot", ask(map[string]any{name: at}))
		}
	}
	c.refused(400, "Pass only one of zoom.zak_url or zoom.obf_url", "POST", "/bots/create_bot",
		ask(map[string]any{"zak_url": "https://a.example/z", "obf_url": "https://a.example/o", "use_zoom_obf": true}))
	c.ok("POST", "/bots/create_bot", ask(map[string]any{"zak_url": nil, "obf_url": "https://a.example/o"}))
	c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": link, "bot_name": "B", "zoom": nil})
}

// What MeetStream's SDK sends again under the same Idempotency-Key: what did not work for a
// reason that passes is done then; what did is 507, once and for all, and another body is a
// conflict.
func TestMeetStreamRepeatsWhatDidNotWork(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	var asked atomic.Int64
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/create_bot") {
			_, _ = io.WriteString(w, `{"bot_id":"ms-1","status":"Joining","custom_attributes":{}}`)
			return
		}
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"message":"slow down"}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"bot_id":"ms-1","transcript_id":null,"meeting_url":"x","status":"Active"}`)
	}))
	t.Cleanup(vendor.Close)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "meetstream", "url": vendor.URL, "key": msVendorKey})
	_, link := msLink(c, "ana")
	body := map[string]any{"meeting_link": link, "bot_name": "B"}
	send := func(body any) msAnswer { return c.call("POST", "/bots/create_bot", body, "Idempotency-Key", "k") }
	if a := send(body); a.status != 429 || a.raw != `{"message":"slow down"}` {
		t.Errorf("first: got %d %s, want what MeetStream said", a.status, a.raw)
	}
	if a := send(body); a.status != 201 || a.Str("bot_id") != "ms-1" {
		t.Errorf("again: got %d %s, want it done", a.status, a.raw)
	}
	if a := send(body); a.status != 507 || a.Str("bot_id") != "ms-1" || a.Str("message") == "" || a.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("once more: got %d %s, want 507 with what was answered", a.status, a.raw)
	}
	body["bot_name"] = "C"
	if a := send(body); a.status != 409 || a.Str("message") == "" || a.Str("bot_id") != "" {
		t.Errorf("another body: got %d %s, want 409", a.status, a.raw)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("MeetStream was asked %d times, want twice", n)
	}
	for _, key := range []string{"a b", strings.Repeat("k", 300), "ключ"} {
		if a := c.call("POST", "/bots/create_bot", body, "Idempotency-Key", key); a.status != 400 || a.Str("message") == "" {
			t.Errorf("the key %q: got %d %s, want 400", key, a.status, a.raw)
		}
	}
}

// More calls than are allowed: 429 with Retry-After, after which the SDK asks again.
func TestMeetStreamThrottles(t *testing.T) {
	t.Parallel()
	c := msWorld(t, func(s *server.Settings) { s.LimitKeyPerSecond = 10 })
	for range 200 {
		a := c.call("GET", "/bots", nil)
		if a.status == 200 {
			continue
		}
		if a.status != 429 || a.Str("message") == "" || a.header.Get("Retry-After") != "1" {
			t.Errorf("got %d %v %s, want 429 and when to come again", a.status, a.header, a.raw)
		}
		return
	}
	t.Error("nothing was throttled")
}

// Every path of a bot in the API reference goes on to MeetStream where it runs the bot, with
// the method, the query and the body as they came and the customer's key, and what
// MeetStream says comes back as it is.
func TestMeetStreamPassesOnEveryPath(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if strings.HasSuffix(r.URL.Path, "/create_bot") {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"bot_id":"ms-1","transcript_id":null,"meeting_url":"x","status":"Active"}`)
			return
		}
		w.WriteHeader(http.StatusAccepted) // it is being processed: the client asks again
		_, _ = fmt.Fprintf(w, "{ \"asked\" : %q }", r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+string(body))
	}))
	t.Cleanup(vendor.Close)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "meetstream", "url": vendor.URL, "key": msVendorKey})
	_, link := msLink(c, "ana")
	c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": link, "bot_name": "B"})
	for _, p := range msBotPaths {
		method, path, _ := strings.Cut(p, " ")
		if path == "/remove_bot" || path == "/delete" { // which do something here, too
			continue
		}
		path, body := "/bots/ms-1"+path+"?a=%C3%BC&a=2", ""
		if method == "POST" {
			body = `{"message" : "ü", "n":1.0}`
		}
		a := c.call(method, path, body)
		want := fmt.Sprintf("{ \"asked\" : %q }", method+" "+path+" Token "+msVendorKey+" "+body)
		if a.status != 202 || a.raw != want || a.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s: got %d %s %s, want 202 %s", p, a.status, a.header.Get("Content-Type"), a.raw, want)
		}
	}
}
