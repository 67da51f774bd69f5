package vendortest_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// What HTTP libraries and careless settings make of a call to Attendee's API, and what the
// framework below it answers.
func TestAttendeeAsItsClientsAsk(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	key, kind := "Authorization: Token "+c.key, "Content-Type: application/json"
	const malformed = `{"detail":"Invalid Authorization header. Should have this format: Token <api_key>"}`
	const fields = `{"authorization_code":["This field is required."],"redirect_uri":["This field is required."]}`
	const empty = `{"next":null,"previous":null,"results":[]}`
	const list, none = "/zoom_oauth_connections", `{"error":"Zoom OAuth Connection not found"}`
	foreign := base64.RawURLEncoding.EncodeToString([]byte("n.con_00000000000000000000000000"))
	for what, tc := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		want               string
	}{
		"a header with nothing in it": {"GET", list, "", []string{"Authorization: "}, 401, `{"detail":"Missing Authorization header"}`},
		"a bare key":                  {"GET", list, "", []string{"Authorization: " + c.key}, 401, malformed},
		"two spaces":                  {"GET", list, "", []string{"Authorization: Token  " + c.key}, 401, malformed},
		"a tab":                       {"GET", list, "", []string{"Authorization: Token\t" + c.key}, 401, malformed},
		"a charset":                   {"POST", list, "{}", []string{key, "Content-Type: application/json; charset=utf-8"}, 400, fields},
		"a kind in capitals":          {"POST", list, "{}", []string{key, "Content-Type: Application/JSON;charset=UTF-8"}, 400, fields},
		"no kind":                     {"POST", list, "{}", []string{key}, 415, `{"detail":"Unsupported media type \"\" in request."}`},
		"a form":                      {"POST", list, "a=b", []string{key, "Content-Type: application/x-www-form-urlencoded"}, 415, `{"detail":"Unsupported media type \"application/x-www-form-urlencoded\" in request."}`},
		"no body and no kind":         {"POST", list, "", []string{key}, 400, fields},
		"spaces":                      {"POST", list, " \r\n", []string{key, kind}, 400, fields},
		"null":                        {"POST", list, "null", []string{key, kind}, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got NoneType."]}`},
		"a number":                    {"POST", list, "7", []string{key, kind}, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got int."]}`},
		"too much":                    {"POST", list, `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, []string{key, kind}, 413, `{"detail":"The body is larger than this call takes."}`},
		"OPTIONS":                     {"OPTIONS", list, "", []string{key}, 405, `{"detail":"Method \"OPTIONS\" not allowed."}`},
		"PATCH, of which there is none": {"PATCH", list + "/zoc_abcdefghijklmnop", "{}", []string{key, kind}, 405,
			`{"detail":"Method \"PATCH\" not allowed."}`},
		"a page of another size": {"GET", list + "?page_size=100000&limit=-1", "", []string{key}, 200, empty},
		"an empty cursor":        {"GET", list + "?cursor=", "", []string{key}, 200, empty},
		"a cursor that is none":  {"GET", list + "?cursor=bzA9MQ%3D%3D", "", []string{key}, 404, `{"detail":"Invalid cursor"}`},
		"another list's cursor":  {"GET", "/bots?cursor=" + foreign, "", []string{key}, 404, `{"detail":"Invalid cursor"}`},
		"a slash at the end":     {"GET", list + "/zoc_abcdefghijklmnop/", "", []string{key}, 404, `{"error":"Not found"}`},
		"an id of ours":          {"GET", list + "/con_00000000000000000000000000", "", []string{key}, 404, none},
		"an id that climbs":      {"DELETE", list + "/..%2f..%2fbots", "", []string{key}, 404, none},
		"an id in capitals":      {"GET", list + "/ZOC_ABCDEFGHIJKLMNOP", "", []string{key}, 404, none},
	} {
		a := c.send(tc.method, tc.path, tc.body, tc.headers...)
		a.says(t, what, tc.status, tc.want)
		if tc.status == 405 && !strings.HasPrefix(a.header.Get("Allow"), "GET") {
			t.Errorf("%s: Allow is %q", what, a.header.Get("Allow"))
		}
		if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: got %v", what, a.header)
		}
	}
	if a := c.send("HEAD", list, "", key); a.status != 405 || a.header.Get("Allow") != "GET, POST" {
		t.Errorf("HEAD: got %d %v", a.status, a.header)
	}
	// What a path below /calendars was asked for is not here, whatever the method; each says so.
	for _, call := range []string{"POST /calendars", "GET /calendars", "GET /calendars/cal_x", "PATCH /calendars/cal_x", "DELETE /calendars/cal_x",
		"GET /calendar_events?ordering=start_time"} {
		method, path, _ := strings.Cut(call, " ")
		if a := c.send(method, path, "{}", key, kind); a.status != 404 || !strings.Contains(a.Str("error"), "alendars are not kept here") {
			t.Errorf("%s: got %d %s, want 404 and a sentence", call, a.status, a.raw)
		}
	}
}

// Metadata of up to 1000 characters of JSON, however it is divided and whatever is in it, of
// connections and of bots. It used to be that of ours (names of 40, values of 500 characters)
// for bots, and for connections where it had < or & in it, which are longer as we write them.
func TestAttendeeMetadata(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	long := map[string]string{"the name of this member has more than forty characters": strings.Repeat("<&>", 280), "größe ☃": "🎉"}
	same := func(what string, a atAnswer, status int) {
		t.Helper()
		got, _ := a.JSON["metadata"].(map[string]any)
		if a.status != status || len(got) != len(long) {
			t.Fatalf("%s: got %d %s", what, a.status, a.raw)
		}
		for k, v := range long {
			if got[k] != v {
				t.Errorf("%s: %s: got %v", what, k, got[k])
			}
		}
	}
	same("a connection", c.connect("ana", map[string]any{"metadata": long}), 201)
	link, _ := c.meeting()
	bot := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "N", "metadata": long})
	same("a bot", bot, 201)
	same("a bot that is changed", c.call("PATCH", "/bots/"+bot.Str("id"), map[string]any{"metadata": long}), 200)

	// Of several that are wrong it is the first that is named.
	var members []string
	for i := range 20 {
		members = append(members, fmt.Sprintf(`"m%d":%d`, 20-i, i))
	}
	c.send("POST", "/zoom_oauth_connections", `{"authorization_code":"x","redirect_uri":"y","metadata":{`+strings.Join(members, ",")+`}}`,
		"Authorization: Token "+c.key, "Content-Type: application/json").says(t, "numbers", 400, `{"metadata":["Value for key 'm20' must be a string"]}`)
	for _, call := range []string{"POST /bots", "PATCH /bots/" + bot.Str("id")} {
		method, path, _ := strings.Cut(call, " ")
		body := map[string]any{"meeting_url": link, "bot_name": "N", "metadata": map[string]string{"k": strings.Repeat("x", 992)}}
		c.call(method, path, body).says(t, call, 400, `{"metadata":["Metadata must be less than 1000 characters"]}`)
		body = map[string]any{"meeting_url": link, "bot_name": "N", "join_at": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)}
		c.call(method, path, body).says(t, call+" for an hour that has passed", 400, `{"join_at":["join_at cannot be in the past"]}`)
	}
}

// A bot has the members of Attendee's, no more and no fewer, null where there is nothing.
func TestAttendeeBotMembers(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	link, _ := c.meeting()
	a := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes"})
	event := a.List("events")[0]
	want := `{"id":"` + a.Str("id") + `","metadata":null,"meeting_url":"` + link + `","state":"joining","events":[{"type":"join_requested","sub_type":null,"metadata":{},"created_at":"` +
		event.Str("created_at") + `"}],"transcription_state":"not_started","recording_state":"not_started","join_at":null,"deduplication_key":null}`
	a.says(t, "create", 201, want)
	c.call("GET", "/bots/"+a.Str("id"), nil).says(t, "get", 200, want)
	c.call("GET", "/bots", nil).says(t, "list", 200, `{"next":null,"previous":null,"results":[`+want+`]}`)
	if !atTime.MatchString(event.Str("created_at")) {
		t.Errorf("got %s", a.raw)
	}
	// Vendors whose words are not spoken here say so, and what to do instead.
	for path, says := range map[string]string{"/recall/api/v2/zoom-oauth-apps/": "/v1/connect-sessions", "/recall/api/v2/zoom-oauth-credentials/x": "token URL",
		"/recall/api/v2/zoom-meetings-to-credentials": "token URL", "/meetingbaas/zoom_oauth_connections": "/v1/apps"} {
		if a := c.call("GET", c.w.URL+path, nil); a.status != 404 || !strings.Contains(a.Str("detail"), says) {
			t.Errorf("%s: got %d %s, want 404 that says %q", path, a.status, a.raw, says)
		}
	}
}

// Attendee's request has the bot's picture in it, in base64, which goes on to Attendee as it
// is. Everything above 64 KiB used to be refused.
func TestAttendeeBotWithAPicture(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	var got atomic.Pointer[string]
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); r.Method == http.MethodPost {
			got.Store(new(string(body)))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"bot_theirs","state":"joining"}`)
	}))
	t.Cleanup(vendor.Close)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "attendee", "url": vendor.URL, "key": "their-key"})
	link, _ := c.meeting()
	picture := `"bot_image":{"type":"image/png","data":"` + strings.Repeat("iVBORw0KGgo", 20_000) + `"}`
	body := `{"meeting_url":"` + link + `","bot_name":"Notes",` + picture + `}`
	c.send("POST", "/bots", body, "Authorization: Token "+c.key, "Content-Type: application/json").says(t, "create", 201, `{"id":"bot_theirs","state":"joining"}`)
	if sent := got.Load(); sent == nil || !strings.Contains(*sent, picture) {
		t.Error("Attendee has not got the picture")
	}
	c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": strings.Repeat("x", 256<<10)}).says(t, "more than that", 413,
		`{"detail":"The body is larger than this call takes."}`)
}

// More calls than are allowed: 429 in the framework's words, with how long to wait.
func TestAttendeeThrottles(t *testing.T) {
	t.Parallel()
	c := atWorld(t, func(s *server.Settings) { s.LimitKeyPerSecond = 10 })
	for range 200 {
		a := c.call("GET", "/bots", nil)
		if a.status == 200 {
			continue
		}
		a.says(t, "too many", 429, `{"detail":"Request was throttled. Expected available in 1 second."}`)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
		}
		return
	}
	t.Error("nothing was throttled")
}

// The database fails as the connection is written: it is said which error that was, and not
// what the database said.
func TestAttendeeDatabaseError(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	body := map[string]any{"authorization_code": c.code("ana"), "redirect_uri": atCallback}
	c.w.SQL(`CREATE TRIGGER broken BEFORE INSERT ON connections BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END`)
	a := c.call("POST", "/zoom_oauth_connections", body)
	want := `{"non_field_errors":["An error occurred while creating the zoom oauth connection. Error ID: ` + a.header.Get("X-Request-Id") + `"]}`
	a.says(t, "a trigger", http.StatusBadRequest, want)
	c.w.SQL(`DROP TRIGGER broken`)
}

// A key without a dialect gets the members of both vendors in GET /bots, and each vendor's
// client goes from page to page by what it knows. A cursor of MeetStream's used to be
// refused by Attendee's half, and the other way round taken for a place in the list.
func TestTheSharedListOfBotsByPages(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	const all = 28
	for i := range all {
		c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": "https://meet.google.com/abc-defg-hij", "bot_name": fmt.Sprint(i)})
	}
	c.base, c.key = c.w.URL+"/api/v1", msKey(c.w, c.w.Key, "")
	walk := func(what, members, id string, next func(msAnswer) string) {
		t.Helper()
		seen, path := map[string]bool{}, "/bots?limit=10"
		for pages := 0; path != ""; pages++ {
			a := c.ok("GET", path, nil)
			for _, b := range a.List(members) {
				seen[b.Str(id)] = true
			}
			if path = next(a); pages > 5 {
				t.Fatalf("%s: there is no end", what)
			}
		}
		if len(seen) != all {
			t.Errorf("%s: got %d bots, want %d", what, len(seen), all)
		}
	}
	walk("MeetStream's client", "bots", "bot_id", func(a msAnswer) string {
		if cursor := a.Str("nextCursor"); cursor != "" {
			return "/bots?limit=10&cursor=" + cursor
		}
		return ""
	})
	walk("Attendee's client", "results", "id", func(a msAnswer) string { return strings.TrimPrefix(a.Str("next"), c.base) })
	if a := c.call("GET", "/bots?cursor=garbage", nil); a.status != 404 || a.Str("detail") != "Invalid cursor" {
		t.Errorf("nobody's cursor: got %d %s", a.status, a.raw)
	}
	if a := c.call("GET", "/bots?states=dancing", nil); a.status != 400 {
		t.Errorf("what one of them refuses: got %d %s", a.status, a.raw)
	}
}

// What only Attendee has of a bot is asked of it there, on every such path, as it came.
func TestAttendeePassesOnEveryPath(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/bots" {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"id":"bot_theirs","state":"joining"}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{ "error" : %q }`, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+string(body))
	}))
	t.Cleanup(vendor.Close)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "attendee", "url": vendor.URL, "key": "their-key"})
	link, _ := c.meeting()
	c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes"}).says(t, "create", 201, `{"id":"bot_theirs","state":"joining"}`)
	for _, call := range []string{"GET transcript?a=%C3%BC", "POST transcript", "DELETE transcript", "GET recording", "POST output_audio", "POST output_image", "POST output_video",
		"POST speech", "GET chat_messages?cursor=x", "POST send_chat_message", "GET participants", "GET participant_events?after=1", "POST pause_recording",
		"POST resume_recording", "POST delete_data", "PATCH voice_agent_settings", "PATCH transcription_settings", "POST admit_from_waiting_room",
		"POST change_gallery_view_page", "POST leave"} {
		method, below, _ := strings.Cut(call, " ")
		body := ""
		if method != "GET" && method != "DELETE" && below != "leave" {
			body = `{"text" : "ü", "n":1.0}`
		}
		c.send(method, "/bots/bot_theirs/"+below, body, "Authorization: Token "+c.key, "Content-Type: application/json").says(t, call, 400,
			fmt.Sprintf(`{ "error" : %q }`, method+" /bots/bot_theirs/"+below+" Token their-key "+body))
	}
}

// Why a bot has not come in, in Attendee's sub-types, which its clients act on; of a bot that
// the customer runs, who reports what the Meeting SDK said.
func TestAttendeeBotSubTypes(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	user := c.connect("ana", nil).Str("user_id")
	link, _ := c.meeting()
	for _, tc := range []struct{ sdk, code, want string }{
		{"web", "4011", "unpublished_zoom_app"},
		{"native", "504", "unpublished_zoom_app"},
		{"web", "4012", "zoom_app_cannot_join_anonymously"},
		{"web", "3100", "login_required"},
		{"native", "23", "login_required"},
		{"web", "4003", "zoom_meeting_status_failed"},
		{"web", "", "zoom_meeting_status_failed"},
	} {
		bot := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes",
			"zoom_settings": map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": user}}})
		report := map[string]any{"state": "failed", "sdk": tc.sdk}
		if tc.code != "" {
			report["code"] = tc.code
		}
		c.w.OK("POST", "/v1/bots/"+bot.Str("id")+"/report", report)
		a := c.call("GET", "/bots/"+bot.Str("id"), nil)
		events := a.List("events")
		if last := events[len(events)-1]; a.Str("state") != "fatal_error" || last.Str("type") != "could_not_join_meeting" || last.Str("sub_type") != tc.want {
			t.Errorf("%s %s: got %s, want %s", tc.sdk, tc.code, a.raw, tc.want)
		}
	}
}

// The person does not come: the bot waits as long as was asked for, and that is the reason.
func TestAttendeeBotWhosePersonIsAbsent(t *testing.T) {
	t.Parallel()
	c := atWorld(t, func(s *server.Settings) { s.TimeScale = 30 }) // ten minutes are twenty seconds
	user := c.connect("ana", nil).Str("user_id")
	link, _ := c.meeting()
	made := func(wait any) string {
		a := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes", "automatic_leave_settings": map[string]any{"authorized_user_not_in_meeting_timeout_seconds": wait},
			"zoom_settings": map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": user}}})
		if a.status != 201 {
			t.Fatalf("%v: got %d %s", wait, a.status, a.raw)
		}
		return a.Str("id")
	}
	id := made(nil)
	var patience int64 // microseconds
	if c.w.One(&patience, `SELECT patience FROM bots WHERE id = $1`, id); patience != 600e6 {
		t.Errorf("waits %d microseconds where nothing is said, want ten minutes", patience)
	}
	id = made(120)
	c.w.OK("POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
	c.w.OK("POST", "/v1/bots/"+id+"/report", map[string]any{"code": "4017", "sdk": "web"})
	var a atAnswer
	lanyardtest.Eventually(t, func() bool {
		a = c.call("GET", "/bots/"+id, nil)
		return a.Str("state") == "fatal_error"
	}, "the bot to give up")
	events := a.List("events")
	if last := events[len(events)-1]; last.Str("type") != "could_not_join_meeting" || last.Str("sub_type") != "authorized_user_not_in_meeting_timeout_exceeded" {
		t.Errorf("got %s, want that the person was absent", a.raw)
	}
	for _, wait := range []any{9, 86401, 10.5, "600", true} {
		a := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes",
			"automatic_leave_settings": map[string]any{"authorized_user_not_in_meeting_timeout_seconds": wait}})
		a.says(t, fmt.Sprint(wait), 400, `{"automatic_leave_settings":["authorized_user_not_in_meeting_timeout_seconds must be a whole number from 10 to 86400."]}`)
	}
}
