package vendortest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// meeting makes one of Ana's at the pretend Zoom, and returns its link.
func (c *atCustomer) meeting() (link, number string) {
	c.t.Helper()
	m, err := c.w.Sandbox.CreateMeeting("ana", "Plan", "")
	if err != nil {
		c.t.Fatal(err)
	}
	return "https://zoom.us/j/" + m.Number + "?pwd=x", m.Number
}

func TestAttendeeBot(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	user := c.connect("ana", nil).Str("user_id")
	link, _ := c.meeting()
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes", "join_at": at.Format(time.RFC3339), "deduplication_key": "d1",
		"metadata": map[string]string{"tenant": "7"}, "zoom_settings": map[string]any{"sdk": "web", "onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": user}},
		"recording_settings": map[string]any{"format": "mp4"}})
	id := a.Str("id")
	if a.status != 201 || !strings.HasPrefix(id, "bot_") || a.Str("meeting_url") != link || a.Str("state") != "scheduled" || a.Str("metadata.tenant") != "7" ||
		a.Str("deduplication_key") != "d1" || a.Str("join_at") != at.Format("2006-01-02T15:04:05.000000Z") || a.Str("transcription_state") != "not_started" ||
		a.Str("recording_state") != "not_started" || len(a.List("events")) != 0 {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes", "deduplication_key": "d1"}).says(t, "the same key", 400,
		`{"error":"Deduplication key already in use. A bot in a non-terminal state with this deduplication key already exists. Please use a different deduplication key or wait for that bot to terminate."}`)
	later := at.Add(time.Hour)
	p := c.call("PATCH", "/bots/"+id, map[string]any{"join_at": later.Format(time.RFC3339), "metadata": map[string]string{"tenant": "8"}})
	if p.status != 200 || p.Str("join_at") != later.Format("2006-01-02T15:04:05.000000Z") || p.Str("metadata.tenant") != "8" {
		t.Errorf("patch: got %d %s", p.status, p.raw)
	}
	now := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Now",
		"zoom_settings": map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": user}}})
	if now.status != 201 || now.Str("state") != "joining" || now.JSON["join_at"] != nil || now.List("events")[0].Str("type") != "join_requested" {
		t.Fatalf("at once: got %d %s", now.status, now.raw)
	}
	c.call("PATCH", "/bots/"+now.Str("id"), map[string]any{"join_at": later.Format(time.RFC3339)}).says(t, "too late", 400,
		`{"error":"Bot is in state joining but the join_at or meeting_url can only be updated when in the scheduled state"}`)
	c.call("DELETE", "/bots/"+now.Str("id"), nil).says(t, "too late", 400, `{"error":"Bot is in state joining but can only be deleted when in scheduled state"}`)

	if g := c.call("GET", "/bots/"+id, nil); g.status != 200 || g.Str("id") != id {
		t.Errorf("get: got %d %s", g.status, g.raw)
	}
	l := c.call("GET", "/bots?states=scheduled&states=joining", nil)
	if got := l.List("results"); len(got) != 2 || got[0].Str("id") != id || got[1].Str("id") != now.Str("id") || l.JSON["next"] != nil {
		t.Errorf("list: got %s, want both, the older first", l.raw)
	}
	for query, want := range map[string]int{"states=scheduled": 1, "states=ended": 0, "states=joined_recording": 0, "deduplication_key=d1": 1,
		"join_at_after=" + later.Add(-time.Second).Format(time.RFC3339): 1, "join_at_after=" + later.Format(time.RFC3339): 0,
		"join_at_before=" + at.Format(time.RFC3339): 1, "meeting_url=https://zoom.us/j/1": 0} {
		if got := c.call("GET", "/bots?"+query, nil); len(got.List("results")) != want {
			t.Errorf("%s: got %s, want %d", query, got.raw, want)
		}
	}
	if e := c.call("GET", "/bots?states=dancing", nil); e.status != 400 || !strings.HasPrefix(e.Str("error"), "Invalid state: dancing. Valid states are: ") {
		t.Errorf("got %d %s", e.status, e.raw)
	}
	c.call("GET", "/bots?join_at_after=soon", nil).says(t, "a time", 400, `{"error":"Invalid join_at_after format. Use ISO 8601 format (e.g., 2024-01-18T12:34:56Z)"}`)

	if left := c.call("POST", "/bots/"+now.Str("id")+"/leave", nil); left.status != 200 || left.Str("state") != "ended" {
		t.Errorf("leave: got %d %s", left.status, left.raw)
	}
	if again := c.call("POST", "/bots/"+now.Str("id")+"/leave", nil); again.status != 400 || again.Str("error") == "" {
		t.Errorf("leave again: got %d %s", again.status, again.raw)
	}
	c.call("DELETE", "/bots/"+id, nil).says(t, "delete", 200, "")
	for _, path := range []string{"GET /bots/" + id, "DELETE /bots/" + id, "PATCH /bots/" + id, "POST /bots/" + id + "/leave", "GET /bots/" + id + "/transcript"} {
		method, path, _ := strings.Cut(path, " ")
		c.call(method, path, map[string]any{}).says(t, method+" after that", 404, `{"error":"Bot not found"}`)
	}
	if g := c.call("GET", "/bots/"+now.Str("id")+"/recording", nil); g.status != 404 || g.Str("error") == "Bot not found" {
		t.Errorf("what only Attendee has: got %d %s, want 404 and a sentence", g.status, g.raw)
	}
}

func TestAttendeeBotRefused(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	user := c.connect("ana", nil).Str("user_id")
	link, _ := c.meeting()
	with := func(more map[string]any) map[string]any {
		out := map[string]any{"meeting_url": link, "bot_name": "Notes"}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	hook := func(urls ...string) map[string]any {
		var list []map[string]any
		for _, u := range urls {
			list = append(list, map[string]any{"url": u, "triggers": []string{"bot.state_change"}})
		}
		return with(map[string]any{"webhooks": list})
	}
	for what, tc := range map[string]struct {
		body map[string]any
		want string
	}{
		"nothing":         {map[string]any{}, `{"bot_name":["This field is required."],"meeting_url":["This field is required."]}`},
		"the tokens' URL": {with(map[string]any{"callback_settings": map[string]any{"zoom_tokens_url": "http://app.example/t"}}), `{"zoom_tokens_url":"URL must start with https://"}`},
		"a user who is not there": {with(map[string]any{"zoom_settings": map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": "nobody"}}}),
			`{"error":"Zoom user nobody has no Zoom OAuth Connection in this project. Connect the user first."}`},
		"a calendar":     {with(map[string]any{"calendar_event_id": "evt_abc"}), `{"error":"Calendar event with id evt_abc does not exist in this project."}`},
		"a plain hook":   {hook("http://app.example/h"), `{"webhooks":["webhook URL must start with https://"]}`},
		"a hook twice":   {hook("https://app.example/h", "https://app.example/h"), `{"webhooks":["URL already subscribed for this bot"]}`},
		"too many hooks": {hook("https://app.example/1", "https://app.example/2", "https://app.example/3"), `{"webhooks":["You have reached the maximum number of webhooks for a single bot"]}`},
	} {
		c.call("POST", "/bots", tc.body).says(t, what, 400, tc.want)
	}
	if a := c.call("POST", "/bots", hook("https://app.example/h")); a.status != 400 || !strings.Contains(a.raw, "webhook endpoint") {
		t.Errorf("a hook, and nobody to send it: got %d %s, want it said", a.status, a.raw)
	}
	for _, bad := range []string{"https://zoom.us.evil.example/j/81234567890", "https://zoom.us@evil.example/j/81234567890", "not a link"} {
		if a := c.call("POST", "/bots", map[string]any{"meeting_url": bad, "bot_name": "x",
			"zoom_settings": map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": user}}}); a.status != 400 || strings.Contains(a.raw, "evil") {
			t.Errorf("%s: got %d %s", bad, a.status, a.raw)
		}
	}

	// T22: another project's person, and another project's bot.
	mine := c.call("POST", "/bots", with(map[string]any{"join_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})).Str("id")
	pr := c.w.Operator("POST", "/v1/operator/projects", map[string]any{"name": "thief"})
	own := c.w.Operator("POST", "/v1/operator/keys", map[string]any{"project": pr.Str("id"), "dialect": "attendee", "scopes": []string{"connect", "read", "admin", "join:onbehalf", "join:recording"}})
	thief := *c
	thief.key = own.Str("credential")
	thief.call("POST", "/bots", with(nil)).says(t, "no app", 400,
		fmt.Sprintf(`{"error":"Zoom App credentials are required to create a Zoom bot. Please add Zoom credentials at %s/docs"}`, c.w.URL))
	if status, made := c.w.Call(thief.key, "POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes, "endpoints": c.w.ZoomEndpoints()}); status != 201 {
		t.Fatalf("make an app: got %d %v", status, made)
	}
	thief.call("POST", "/bots", with(map[string]any{"zoom_settings": map[string]any{"onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": user}}})).says(t,
		"another project's person", 400, `{"error":"Zoom user `+user+` has no Zoom OAuth Connection in this project. Connect the user first."}`)
	for _, call := range []string{"GET /bots/" + mine, "PATCH /bots/" + mine, "DELETE /bots/" + mine, "POST /bots/" + mine + "/leave", "GET /bots/" + mine + "/recording"} {
		method, path, _ := strings.Cut(call, " ")
		thief.call(method, path, map[string]any{}).says(t, call, 404, `{"error":"Bot not found"}`)
	}
	thief.call("GET", "/bots", nil).says(t, "list", 200, `{"next":null,"previous":null,"results":[]}`)
	if a := c.call("GET", "/bots/"+mine, nil); a.status != 200 {
		t.Errorf("got %d %s, want it untouched", a.status, a.raw)
	}
}

// A bot that Attendee runs: what is asked of it is asked there with the customer's key, and
// what Attendee says comes back as it is, errors too.
func TestAttendeeBotThatAttendeeRuns(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	link, _ := c.meeting()
	var mu sync.Mutex
	var asked []string
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		asked = append(asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+string(body))
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/speech"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error" : "Bot is in state joining and cannot play media"}`)
		case r.Method == http.MethodDelete:
		default:
			_, _ = io.WriteString(w, `{ "id":"bot_theirs", "state":"joined_recording", "unknown": 1.10 }`)
		}
	}))
	t.Cleanup(vendor.Close)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "attendee", "url": vendor.URL, "key": "their-key"})
	made := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes", "join_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	const verbatim = `{ "id":"bot_theirs", "state":"joined_recording", "unknown": 1.10 }`
	made.says(t, "create", 200, verbatim)
	mu.Lock()
	asked = nil
	mu.Unlock()
	c.call("GET", "/bots/bot_theirs", nil).says(t, "get", 200, verbatim)
	c.call("GET", "/bots/bot_theirs/transcript?updated_after=x", nil).says(t, "transcript", 200, verbatim)
	c.send("POST", "/bots/bot_theirs/speech", `{"text" : "hi"}`, "Authorization: Token "+c.key, "Content-Type: application/json").says(t, "an error", 400,
		`{"error" : "Bot is in state joining and cannot play media"}`)
	c.call("PATCH", "/bots/bot_theirs", map[string]any{"metadata": map[string]string{"k": "v"}}).says(t, "patch", 200, verbatim)
	c.call("DELETE", "/bots/bot_theirs", nil).says(t, "delete", 200, "")
	c.call("GET", "/bots/bot_theirs", nil).says(t, "after that", 404, `{"error":"Bot not found"}`)
	const as = " Token their-key "
	want := []string{"GET /bots/bot_theirs" + as, "GET /bots/bot_theirs/transcript?updated_after=x" + as, "POST /bots/bot_theirs/speech" + as + `{"text" : "hi"}`,
		"PATCH /bots/bot_theirs" + as + `{"metadata":{"k":"v"}}`, "DELETE /bots/bot_theirs" + as}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(asked, want) {
		t.Errorf("Attendee was asked %q, want %q", asked, want)
	}
}
