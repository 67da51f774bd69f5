package vendortest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// msLink is a meeting of the sandbox, as an invitation has it.
func msLink(c *msCustomer, host string) (number, link string) {
	c.t.Helper()
	m, err := c.w.Sandbox.CreateMeeting(host, "Weekly", "")
	if err != nil {
		c.t.Fatal(err)
	}
	return m.Number, "https://us02web.zoom.us/j/" + m.Number + "?pwd=abc.1"
}

// msRequest is the guide's create_bot.
func msRequest(link, user string) map[string]any {
	return map[string]any{"meeting_link": link, "bot_name": "MeetStream Bot", "audio_required": true, "video_required": false,
		"zoom": map[string]any{"use_zoom_obf": true, "zoom_oauth_connection_user_id": user}}
}

// msKnock is a bot at the door of a meeting, with an on-behalf token.
func msKnock(c *msCustomer, number, obf string) (int, string) {
	c.t.Helper()
	door := *c
	door.base, door.key = c.w.SandURL, ""
	a := door.call("POST", "/zoom/meetings/"+number+"/join", map[string]any{"bot_name": "Notes", "onbehalf_token": obf})
	return a.status, a.raw
}

// The guide's step 3, with a bot that the customer runs: it is let in while Alice is in the
// meeting, and not otherwise.
func TestMeetStreamBot(t *testing.T) {
	c := msWorld(t)
	ana := c.connect("ana").Str("zoom_user_id")
	number, link := msLink(c, "ana")
	body := msRequest(link, ana)
	body["custom_attributes"] = map[string]string{"tenant": "t-1"}
	a := c.call("POST", "/bots/create_bot", body)
	if a.status != 201 || a.Str("bot_id") == "" || a.Str("meeting_url") != link || a.Str("status") != "Active" {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if v, there := a.JSON["transcript_id"]; !there || v != nil {
		t.Errorf("transcript_id: got %v, want null", v)
	}
	id := a.Str("bot_id")
	st := c.ok("GET", "/bots/"+id+"/status", nil)
	if st.Str("bot_id") != id || st.Str("status") != "Active" || st.Str("custom_attributes.tenant") != "t-1" || len(st.JSON) != 3 {
		t.Errorf("got %s", st.raw)
	}
	mint := func() string {
		return c.w.OK("POST", "/v1/bots/"+id+"/join-tokens", map[string]any{}).List("tokens")[0].Str("token")
	}
	if _, err := c.w.Sandbox.SetPresent(number, "ana", true); err != nil {
		t.Fatal(err)
	}
	obf := mint()
	if status, why := msKnock(c, number, obf); status != 200 {
		t.Fatalf("present: got %d %s, want in the meeting", status, why)
	}
	if status, why := msKnock(c, number, obf); status != 403 || !strings.Contains(why, "token_used") {
		t.Errorf("a second time: got %d %s, want refused", status, why)
	}
	if got := c.ok("GET", "/bots/"+id+"/status", nil).Str("status"); got != "Joining" {
		t.Errorf("with its token a bot is %q, want Joining", got)
	}
	c.w.OK("POST", "/v1/bots/"+id+"/report", map[string]any{"state": "joined"})
	d := c.ok("GET", "/bots/"+id+"/detail", nil)
	if d.Str("bot_details.bot_id") != id || d.Str("bot_details.status") != "InMeeting" || d.Str("bot_details.RequestPayload.meeting_link") != link {
		t.Errorf("got %s", d.raw)
	}
	var line []string
	details, _ := d.JSON["bot_details"].(map[string]any)
	steps, _ := details["StatusTimeline"].([]any)
	for _, s := range steps {
		m, _ := s.(map[string]any)
		word, _ := m["status"].(string)
		line = append(line, word)
	}
	if got := strings.Join(line, " "); got != "Scheduled Active Joining InMeeting" {
		t.Errorf("the time line is %q", got)
	}
	if strings.Contains(d.raw, obf) {
		t.Error("the token is in what is shown of the bot")
	}
	if r := c.ok("GET", "/bots/"+id+"/remove_bot", nil); r.Str("message") == "" {
		t.Errorf("got %s, want a message", r.raw)
	}
	if got := c.ok("GET", "/bots/"+id+"/status", nil).Str("status"); got != "Stopped" {
		t.Errorf("removed, the bot is %q", got)
	}
	c.ok("GET", "/bots/"+id+"/remove_bot", nil) // again: nothing is wrong
	if r := c.ok("DELETE", "/bots/"+id+"/delete", nil); r.Str("message") == "" {
		t.Errorf("got %s, want a message", r.raw)
	}
	if a := c.call("GET", "/bots/"+id+"/status", nil); a.status != 404 || a.Str("message") == "" {
		t.Errorf("deleted: got %d %s", a.status, a.raw)
	}
}

// The guide's table of troubles, and the current contract's: each message, as it is there.
func TestMeetStreamTroubles(t *testing.T) {
	c := msWorld(t)
	_, link := msLink(c, "ana")
	ask := func(zoom any) map[string]any {
		return map[string]any{"meeting_link": link, "bot_name": "B", "zoom": zoom}
	}
	with := func(user any) map[string]any {
		return ask(map[string]any{"use_zoom_obf": true, "zoom_oauth_connection_user_id": user})
	}
	c.refused(400, "No Zoom users connected for this account", "POST", "/bots/create_bot", with("AbCdEfGhIjKlMnOpQrStUw"))
	ana := c.connect("ana").Str("zoom_user_id")
	required := "zoom.zoom_oauth_connection_user_id is required when zoom.use_zoom_obf=true"
	c.refused(400, required, "POST", "/bots/create_bot", ask(map[string]any{"use_zoom_obf": true}))
	c.refused(400, required, "POST", "/bots/create_bot", with(""))
	c.refused(400, required, "POST", "/bots/create_bot", with(nil))
	c.refused(400, "Zoom user AbCdEfGhIjKlMnOpQrStUw is not connected for this account", "POST", "/bots/create_bot", with("AbCdEfGhIjKlMnOpQrStUw"))
	c.refused(400, "Pass only one of zoom.zak_url or zoom.obf_url", "POST", "/bots/create_bot",
		ask(map[string]any{"zak_url": "https://a.example/z", "obf_url": "https://a.example/o"}))
	for _, one := range []struct {
		what, says string
		body       any
	}{
		{"a text for use_zoom_obf", "use_zoom_obf is invalid", ask(map[string]any{"use_zoom_obf": "true", "zoom_oauth_connection_user_id": ana})},
		{"a number for use_zoom_obf", "use_zoom_obf is invalid", ask(map[string]any{"use_zoom_obf": 1, "zoom_oauth_connection_user_id": ana})},
		{"a Google Meet link", "only for Zoom links", map[string]any{"meeting_link": "https://meet.google.com/abc-defg-hij", "bot_name": "B", "zoom": msRequest("", ana)["zoom"]}},
		{"a look-alike of a Zoom link", "only for Zoom links", map[string]any{"meeting_link": "https://zoom.us.evil.example/j/81234567890", "bot_name": "B", "zoom": msRequest("", ana)["zoom"]}},
		{"two sources of tokens", "must not be sent together", ask(map[string]any{"use_zoom_obf": true, "zoom_oauth_connection_user_id": ana, "obf_url": "https://a.example/o"})},
		{"a token server by http", "must use https", ask(map[string]any{"obf_url": "http://a.example/o"})},
		{"a token server without a host", "must include a host", ask(map[string]any{"zak_url": "https:///z"})},
		{"a token server's address that is too long", "at most 4096", ask(map[string]any{"zak_url": "https://a.example/" + strings.Repeat("z", 4096)})},
		{"no meeting_link", "meeting_link is required", map[string]any{"bot_name": "B"}},
		{"no bot_name", "bot_name is required", map[string]any{"meeting_link": link}},
		{"custom_attributes of a number", "custom_attributes", map[string]any{"meeting_link": link, "bot_name": "B", "custom_attributes": map[string]any{"a": 1}}},
		{"a time that is none", "join_at", map[string]any{"meeting_link": link, "bot_name": "B", "join_at": "tomorrow"}},
		{"the same member twice", "twice", `{"meeting_link":"` + link + `","bot_name":"B","bot_name":"C"}`},
	} {
		if a := c.call("POST", "/bots/create_bot", one.body); a.status != 400 || !strings.Contains(a.Str("message"), one.says) {
			t.Errorf("%s: got %d %s, want 400 that says %q", one.what, a.status, a.raw, one.says)
		}
	}
	// What stands where an id should may be a secret; it does not come back.
	if a := c.call("POST", "/bots/create_bot", with("canary <script> secret")); a.status != 400 || strings.Contains(a.raw, "canary") {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	msDies(c, "ana")
	gone := c.refused(400, "Zoom user "+ana+" is disconnected (no valid refresh token)", "POST", "/bots/create_bot", with(ana))
	if !strings.HasPrefix(gone.Str("reconnect_url"), c.w.URL) {
		t.Errorf("got %s, want a link for the person", gone.raw)
	}
	if got := c.ok("GET", "/bots", nil); len(got.List("bots")) != 0 {
		t.Errorf("got %s, want no bots of what was refused", got.raw)
	}
	// Omitted or {}, it joins as a guest, wherever the meeting is.
	for _, body := range []map[string]any{{"meeting_link": link, "bot_name": "B"}, ask(map[string]any{}), ask(map[string]any{"use_zoom_obf": false}),
		{"meeting_link": "https://meet.google.com/abc-defg-hij", "bot_name": "B"}} {
		c.ok("POST", "/bots/create_bot", body)
	}
}

// One bot for a deduplication key, and for an Idempotency-Key.
func TestMeetStreamBotOnce(t *testing.T) {
	c := msWorld(t)
	ana := c.connect("ana").Str("zoom_user_id")
	_, link := msLink(c, "ana")
	body := msRequest(link, ana)
	body["deduplication_key"] = "standup-1"
	first := c.call("POST", "/bots/create_bot", body, "Idempotency-Key", "k-1")
	if first.status != 201 {
		t.Fatalf("got %d %s", first.status, first.raw)
	}
	if a := c.call("POST", "/bots/create_bot", body, "Idempotency-Key", "k-1"); a.status != 507 || a.Str("bot_id") != first.Str("bot_id") {
		t.Errorf("got %d %s, want 507 with the bot", a.status, a.raw)
	}
	if a := c.call("POST", "/bots/create_bot", body); a.status != 409 || a.Str("bot_id") != first.Str("bot_id") || a.Str("message") == "" {
		t.Errorf("got %d %s, want 409 with the bot that there is", a.status, a.raw)
	}
	if got := c.ok("GET", "/bots", nil).List("bots"); len(got) != 1 {
		t.Errorf("got %d bots, want one", len(got))
	}
}

func TestMeetStreamListsBots(t *testing.T) {
	c := msWorld(t)
	_, link := msLink(c, "ana")
	make := func(link string, more map[string]any) string {
		body := map[string]any{"meeting_link": link, "bot_name": "B"}
		for k, v := range more {
			body[k] = v
		}
		return c.ok("POST", "/bots/create_bot", body).Str("bot_id")
	}
	now := make(link, map[string]any{"custom_attributes": map[string]string{"team": "red", "kind": "x"}})
	meet := make("https://meet.google.com/abc-defg-hij", map[string]any{"custom_attributes": map[string]string{"team": "blue"}})
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	later := make(link, map[string]any{"join_at": tomorrow.Format(time.RFC3339)})
	for query, want := range map[string][]string{
		"":                            {later, meet, now},
		"?platform=Zoom":              {later, now},
		"?platform=GMeet":             {meet},
		"?platform=Teams":             {},
		"?custom_attr[team]=red":      {now},
		"?custom_attr%5Bteam%5D=blue": {meet},
		"?custom_attr[team]=red&custom_attr[kind]=y":             {},
		"?status=Scheduled":                                      {later},
		"?status=active":                                         {meet, now},
		"?from=" + tomorrow.Add(-time.Hour).Format(time.RFC3339): {later},
		"?to=" + tomorrow.Add(-time.Hour).Format(time.RFC3339):   {meet, now},
	} {
		a := c.ok("GET", "/bots"+query, nil)
		var got []string
		for _, b := range a.List("bots") {
			got = append(got, b.Str("bot_id"))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || a.JSON["hasNextPage"] != false {
			t.Errorf("%s: got %v, want %v: %s", query, got, want, a.raw)
		}
	}
	// Page by page, each once.
	var got []string
	for next := ""; ; {
		a := c.ok("GET", "/bots?limit=1&cursor="+next, nil)
		for _, b := range a.List("bots") {
			got = append(got, b.Str("bot_id"))
		}
		if next = a.Str("nextCursor"); a.JSON["hasNextPage"] != true {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join([]string{later, meet, now}, " ") {
		t.Errorf("by pages: got %v", got)
	}
	for _, query := range []string{"?platform=Skype", "?status=Sleeping", "?from=yesterday"} {
		if a := c.call("GET", "/bots"+query, nil); a.status != 400 || a.Str("message") == "" {
			t.Errorf("%s: got %d %s, want 400", query, a.status, a.raw)
		}
	}
}

// remove_bot is a GET that does something: what only looks (HEAD) takes no bot out.
func TestMeetStreamLooksDoNothing(t *testing.T) {
	c := msWorld(t)
	_, link := msLink(c, "ana")
	id := c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": link, "bot_name": "B"}).Str("bot_id")
	if a := c.call("HEAD", "/bots/"+id+"/remove_bot", nil); a.status != 405 {
		t.Errorf("got %d, want 405", a.status)
	}
	if got := c.ok("GET", "/bots/"+id+"/status", nil).Str("status"); got != "Active" {
		t.Errorf("the bot is %q", got)
	}
}

// msBotPaths are those of the API reference that name a bot.
var msBotPaths = []string{"GET /status", "GET /detail", "GET /summary", "GET /get_audio", "GET /get_video", "GET /get_recording_streams",
	"GET /get_audio_streams", "GET /get_speaker_timeline", "GET /get_chats", "GET /get_screenshots", "GET /get_participants", "GET /remove_bot",
	"DELETE /delete", "POST /send_message", "POST /send_image", "POST /pause_recording", "POST /resume_recording", "GET /transcriptions", "POST /transcribe"}

// Attack: another project's key asks for a bot by an id that it has learnt, on every path
// that names one, and makes a bot on behalf of another project's Zoom user. The answers are
// those for ids that nobody has.
func TestMeetStreamForeignBots(t *testing.T) {
	c := msWorld(t)
	ana := c.connect("ana").Str("zoom_user_id")
	_, link := msLink(c, "ana")
	id := c.ok("POST", "/bots/create_bot", msRequest(link, ana)).Str("bot_id")
	other := msOther(c)
	nobody := id[:len(id)-4] + "zzzz"
	for _, base := range []string{c.w.URL + "/meetstream/api/v1", c.w.URL + "/api/v1"} {
		other.base = base
		for _, p := range msBotPaths {
			method, path, _ := strings.Cut(p, " ")
			var body any
			if method == "POST" {
				body = map[string]any{"message": "x"}
			}
			same(t, base+p, other.call(method, "/bots/"+id+path, body), other.call(method, "/bots/"+nobody+path, body), id, nobody)
		}
	}
	who := "AbCdEfGhIjKlMnOpQrStUw"
	same(t, "create_bot, nobody connected", other.call("POST", "/bots/create_bot", msRequest(link, ana)), other.call("POST", "/bots/create_bot", msRequest(link, who)), ana, who)
	if got := other.ok("GET", "/bots", nil).List("bots"); len(got) != 0 {
		t.Errorf("another project's bots: %v", got)
	}
	if got := c.ok("GET", "/bots/"+id+"/status", nil).Str("status"); got != "Active" {
		t.Errorf("the bot is %q, want it where it was", got)
	}
}

// What only MeetStream knows of a bot is not there for a bot that it does not run.
func TestMeetStreamHasNothingOfOurBots(t *testing.T) {
	c := msWorld(t)
	_, link := msLink(c, "ana")
	id := c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": link, "bot_name": "B"}).Str("bot_id")
	for _, p := range []string{"/get_audio", "/transcriptions", "/summary"} {
		if a := c.call("GET", "/bots/"+id+p, nil); a.status != http.StatusNotFound || !strings.Contains(a.Str("message"), "MeetStream does not run this bot") {
			t.Errorf("%s: got %d %s, want 404 with a sentence", p, a.status, a.raw)
		}
	}
}

// A bot from its making to its deletion, as far as it is asked about.
func TestMeetStreamBotsLife(t *testing.T) {
	c := msWorld(t)
	ana := c.connect("ana").Str("zoom_user_id")
	_, link := msLink(c, "ana")
	body := msRequest(link, ana)
	body["custom_attributes"] = map[string]string{"tenant": "t-1"}
	a := c.call("POST", "/bots/create_bot", body)
	if a.status != 201 || a.Str("bot_id") == "" || a.Str("meeting_url") != link || a.Str("status") != "Active" {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if v, there := a.JSON["transcript_id"]; !there || v != nil {
		t.Errorf("transcript_id: got %v, want null", v)
	}
	id := a.Str("bot_id")
	st := c.ok("GET", "/bots/"+id+"/status", nil)
	if st.Str("bot_id") != id || st.Str("status") != "Active" || st.Str("custom_attributes.tenant") != "t-1" || len(st.JSON) != 3 {
		t.Errorf("got %s", st.raw)
	}
	d := c.ok("GET", "/bots/"+id+"/detail", nil)
	if d.Str("bot_details.bot_id") != id || d.Str("bot_details.status") != "Active" || d.Str("bot_details.RequestPayload.meeting_link") != link {
		t.Errorf("got %s", d.raw)
	}
	if r := c.ok("GET", "/bots/"+id+"/remove_bot", nil); r.Str("message") == "" {
		t.Errorf("got %s, want a message", r.raw)
	}
	if got := c.ok("GET", "/bots/"+id+"/status", nil).Str("status"); got != "Stopped" {
		t.Errorf("removed, the bot is %q", got)
	}
	c.ok("GET", "/bots/"+id+"/remove_bot", nil) // again: nothing is wrong
	if r := c.ok("DELETE", "/bots/"+id+"/delete", nil); r.Str("message") == "" {
		t.Errorf("got %s, want a message", r.raw)
	}
	if a := c.call("GET", "/bots/"+id+"/status", nil); a.status != 404 || a.Str("message") == "" {
		t.Errorf("deleted: got %d %s", a.status, a.raw)
	}
}

// GET /bots is both vendors'. A key without a dialect gets the members of both, so that
// either vendor's client finds its own; with one, those alone.
func TestTheSharedListOfBots(t *testing.T) {
	c := msWorld(t)
	_, link := msLink(c, "ana")
	id := c.ok("POST", "/bots/create_bot", map[string]any{"meeting_link": link, "bot_name": "B"}).Str("bot_id")
	c.base, c.key = c.w.URL+"/api/v1", msKey(c.w, c.w.Key, "")
	a := c.ok("GET", "/bots", nil)
	mine, theirs := a.List("bots"), a.List("results")
	if len(mine) != 1 || mine[0].Str("bot_id") != id || len(theirs) != 1 || theirs[0].Str("id") != id || a.JSON["hasNextPage"] != false {
		t.Errorf("got %s, want MeetStream's members and Attendee's", a.raw)
	}
	c.key = msKey(c.w, c.w.Key, "meetstream")
	if a := c.ok("GET", "/bots", nil); a.JSON["results"] != nil || len(a.List("bots")) != 1 {
		t.Errorf("got %s, want MeetStream's alone", a.raw)
	}
}
