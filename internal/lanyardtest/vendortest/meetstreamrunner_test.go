package vendortest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const msVendorKey = "ms_the-customers-own-key"

// msService is MeetStream itself, as far as its customers can tell: strict about what it
// takes, and its bots fetch their tokens as MeetStream's do.
type msService struct {
	t     testing.TB
	URL   string
	mu    sync.Mutex
	calls []string          // "GET /bots/x/status"
	made  []json.RawMessage // bodies of create_bot
}

func newMSService(t testing.TB) *msService {
	s := &msService{t: t}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL + "/api/v1"
	return s
}

func (s *msService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+path)
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Token "+msVendorKey {
		w.WriteHeader(403)
		_, _ = io.WriteString(w, `{"message":"key rejected"}`)
		return
	}
	switch {
	case r.Method == "POST" && path == "/bots/create_bot":
		s.made = append(s.made, raw)
		w.WriteHeader(201)
		_, _ = fmt.Fprintf(w, `{"bot_id":"ms-bot-%d","transcript_id":"tr-1","meeting_url":"x","status":"Active","new_member":1.50}`, len(s.made))
	case strings.HasSuffix(path, "/status"):
		_, _ = io.WriteString(w, `{"bot_id":"ms-bot-1","status":"InMeeting","custom_attributes":{"from":"meetstream"}}`)
	case strings.HasSuffix(path, "/get_audio"):
		w.WriteHeader(202)
		_, _ = io.WriteString(w, `{"message":"still processing"}`)
	case strings.HasSuffix(path, "/pause_recording"):
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(429)
		_, _ = io.WriteString(w, `{"message":"30 a minute"}`)
	case strings.HasSuffix(path, "/send_message"):
		w.WriteHeader(200)
		_, _ = w.Write(raw)
	case strings.HasSuffix(path, "/remove_bot"):
		_, _ = io.WriteString(w, `{"message":"removed by MeetStream"}`)
	default:
		w.WriteHeader(404)
		_, _ = io.WriteString(w, `{"message":"unknown at MeetStream"}`)
	}
}

func (s *msService) zoom(i int) map[string]any {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var body struct {
		Zoom map[string]any `json:"zoom"`
	}
	if len(s.made) <= i || json.Unmarshal(s.made[i], &body) != nil {
		s.t.Fatalf("MeetStream was asked for %d bots", len(s.made))
	}
	return body.Zoom
}

// A customer leaves their bots with MeetStream: the request goes on as it came, but for
// where the token comes from, and everything that MeetStream says comes back as it is.
func TestMeetStreamRunsTheBot(t *testing.T) {
	c := msWorld(t)
	vendor := newMSService(t)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "meetstream", "url": vendor.URL, "key": msVendorKey})
	ana := c.connect("ana").Str("zoom_user_id")
	number, link := msLink(c, "ana")
	sent := `{"meeting_link":"` + link + `", "bot_name":"MeetStream Bot", "unknown_to_us":{"n":1.10,"big":12345678901234567890},
		"zoom":{"use_zoom_obf":true,"zoom_oauth_connection_user_id":"` + ana + `"},"automatic_leave":{"waiting_room_timeout":600}}`
	a := c.call("POST", "/bots/create_bot", sent)
	if a.status != 201 || a.raw != `{"bot_id":"ms-bot-1","transcript_id":"tr-1","meeting_url":"x","status":"Active","new_member":1.50}` {
		t.Fatalf("got %d %s, want MeetStream's answer as it is", a.status, a.raw)
	}
	zoom := vendor.zoom(0)
	obf, _ := zoom["obf_url"].(string)
	if len(zoom) != 1 || !strings.HasPrefix(obf, c.w.URL+"/t/") {
		t.Fatalf("MeetStream got zoom %v, want an obf_url of ours and nothing else", zoom)
	}
	for _, kept := range []string{`"unknown_to_us":{"n":1.10,"big":12345678901234567890}`, `"automatic_leave":{"waiting_room_timeout":600}`} {
		if !strings.Contains(string(vendor.made[0]), kept) {
			t.Errorf("MeetStream got %s, want %s in it", vendor.made[0], kept)
		}
	}

	// As MeetStream's bot: GET with meeting_number and X-Bot-Id, plain text of more than 50 characters.
	fetch := func() (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", obf+"?meeting_number="+number, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Bot-Id", "ms-bot-1")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(raw)
	}
	if _, err := c.w.Sandbox.SetPresent(number, "ana", true); err != nil {
		t.Fatal(err)
	}
	status, token := fetch()
	if status != 200 || len(token) <= 50 {
		t.Fatalf("the token URL: got %d %q", status, token)
	}
	if status, why := msKnock(c, number, token); status != 200 {
		t.Fatalf("got %d %s, want in the meeting", status, why)
	}

	// Later calls, by the name that MeetStream has given it.
	for _, one := range []struct {
		method, path string
		body         any
		status       int
		raw          string
	}{
		{"GET", "/bots/ms-bot-1/status", nil, 200, `{"bot_id":"ms-bot-1","status":"InMeeting","custom_attributes":{"from":"meetstream"}}`},
		{"GET", "/bots/ms-bot-1/get_audio", nil, 202, `{"message":"still processing"}`},
		{"POST", "/bots/ms-bot-1/send_message", `{"message":"hi","n":1.0}`, 200, `{"message":"hi","n":1.0}`},
		{"POST", "/bots/ms-bot-1/pause_recording", nil, 429, `{"message":"30 a minute"}`},
		{"GET", "/bots/ms-bot-1/get_chats", nil, 404, `{"message":"unknown at MeetStream"}`},
	} {
		a := c.call(one.method, one.path, one.body)
		if a.status != one.status || a.raw != one.raw {
			t.Errorf("%s %s: got %d %s, want %d %s", one.method, one.path, a.status, a.raw, one.status, one.raw)
		}
		if one.status == 429 && a.header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After: got %q", a.header.Get("Retry-After"))
		}
	}
	if got := c.ok("GET", "/bots", nil).List("bots"); len(got) != 1 || got[0].Str("bot_id") != "ms-bot-1" {
		t.Errorf("got %v, want MeetStream's name for it", got)
	}
	// Attack: another project asks for MeetStream's bot by its id there; nothing goes on.
	other := msOther(c)
	vendor.mu.Lock()
	before := len(vendor.calls)
	vendor.mu.Unlock()
	for _, p := range msBotPaths {
		method, path, _ := strings.Cut(p, " ")
		same(t, p, other.call(method, "/bots/ms-bot-1"+path, nil), other.call(method, "/bots/ms-bot-9"+path, nil), "ms-bot-1", "ms-bot-9")
	}
	vendor.mu.Lock()
	for _, call := range vendor.calls[before:] {
		if !strings.HasSuffix(call, "/status") { // our own look at how it is
			t.Errorf("another project's call went on: %s", call)
		}
	}
	vendor.mu.Unlock()
	if a := c.call("GET", "/bots/ms-bot-1/remove_bot", nil); a.status != 200 || a.raw != `{"message":"removed by MeetStream"}` {
		t.Errorf("got %d %s, want MeetStream's answer", a.status, a.raw)
	}
	if a := c.call("DELETE", "/bots/ms-bot-1/delete", nil); a.status != 200 { // where MeetStream has nothing of it any more
		t.Errorf("delete: got %d %s", a.status, a.raw)
	}
	vendor.mu.Lock()
	if last := vendor.calls[len(vendor.calls)-1]; last != "DELETE /bots/ms-bot-1/delete" {
		t.Errorf("MeetStream was last asked %s, want it to delete what it keeps", last)
	}
	vendor.mu.Unlock()
	if strings.Contains(c.w.Log.String(), msVendorKey) || strings.Contains(c.w.Log.String(), obf) {
		t.Error("the log has the customer's key at MeetStream, or the token URL, in it")
	}
}

// MeetStream refuses: its words, its status, and no bot is left here.
func TestMeetStreamRefusesTheBot(t *testing.T) {
	c := msWorld(t)
	vendor := newMSService(t)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "meetstream", "url": vendor.URL, "key": "ms_wrong"})
	ana := c.connect("ana").Str("zoom_user_id")
	_, link := msLink(c, "ana")
	if a := c.call("POST", "/bots/create_bot", msRequest(link, ana)); a.status != 403 || a.raw != `{"message":"key rejected"}` {
		t.Errorf("got %d %s, want what MeetStream said", a.status, a.raw)
	}
}
