package vendortest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
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

// signed makes the project's endpoint of format attendee, and returns its receiver and id.
func (c *atCustomer) signed() (h *atHook, id string) {
	c.t.Helper()
	h = &atHook{}
	at := httptest.NewServer(h)
	c.t.Cleanup(at.Close)
	made := c.w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": at.URL, "format": "attendee"})
	h.trust(c.t, made.Str("secret"))
	return h, made.Str("id")
}

func (h *atHook) trust(t *testing.T, secret string) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(raw) != 32 {
		t.Fatalf("got a secret of %d bytes, %v", len(raw), err)
	}
	h.mu.Lock()
	h.secret = raw
	h.mu.Unlock()
}

// told lists what has come of a bot, by its new state.
func (h *atHook) told(bot string) (states []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got {
		if m.Str("bot_id") == bot {
			states = append(states, m.Str("data.new_state"))
		}
	}
	slices.Sort(states)
	return states
}

func atHooks(link string, url string, triggers ...string) map[string]any {
	return map[string]any{"meeting_url": link, "bot_name": "Notes", "metadata": map[string]string{"k": "v"},
		"webhooks": []map[string]any{{"url": url, "triggers": triggers}}}
}

// A bot has webhooks of its own, and nobody at Attendee runs it: its URL is told of it and of
// no other, signed with the project's secret, and the project's endpoint of that format is
// not told of it.
func TestAttendeeBotWebhooks(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	link, _ := c.meeting()
	own := &atHook{}
	at := httptest.NewTLSServer(own)
	t.Cleanup(at.Close)
	c.call("POST", "/bots", atHooks(link, at.URL, "bot.state_change")).says(t, "no secret to sign with", 400,
		`{"error":"webhooks: they are signed with the secret of the project's webhook endpoint of format attendee, and it has none; make one first, which may be disabled"}`)
	if l := c.call("GET", "/bots", nil); len(l.List("results")) != 0 {
		t.Errorf("got %s, want no bot of that", l.raw)
	}
	project, endpoint := c.signed()
	own.mu.Lock()
	own.secret = project.secret
	own.mu.Unlock()

	a := c.call("POST", "/bots", atHooks(link, at.URL, "bot.state_change", "transcript.update"))
	b := c.call("POST", "/bots", map[string]any{"meeting_url": link, "bot_name": "Notes"})
	muted := c.call("POST", "/bots", atHooks(link, at.URL, "transcript.update"))
	if a.status != 201 || b.status != 201 || muted.status != 201 {
		t.Fatalf("got %s, %s and %s", a.raw, b.raw, muted.raw)
	}
	ida, idb := a.Str("id"), b.Str("id")
	m := own.last(t, 1)
	if m.Str("trigger") != "bot.state_change" || m.Str("bot_id") != ida || m.Str("bot_metadata.k") != "v" || m.Str("data.old_state") != "scheduled" ||
		m.Str("data.new_state") != "joining" || m.Str("data.event_type") != "join_requested" || m.Str("idempotency_key") == "" {
		t.Errorf("got %v", m)
	}
	// The secret is the project's, also once it is another.
	rotated := c.w.OK("POST", "/v1/webhook-endpoints/"+endpoint+"/rotate", map[string]any{})
	project.trust(t, rotated.Str("secret"))
	own.trust(t, rotated.Str("secret"))
	for _, id := range []string{ida, idb, muted.Str("id")} {
		if left := c.call("POST", "/bots/"+id+"/leave", nil); left.status != 200 {
			t.Fatalf("leave: got %d %s", left.status, left.raw)
		}
	}
	own.last(t, 2)
	project.last(t, 2)
	lanyardtest.Eventually(t, func() bool { return len(c.w.OK("GET", "/v1/deliveries?state=delivered", nil).List("data")) == 4 }, "four deliveries")
	if got := own.told(ida); !slices.Equal(got, []string{"ended", "joining"}) {
		t.Errorf("its own URL was told %q", got)
	}
	if got := project.told(idb); !slices.Equal(got, []string{"ended", "joining"}) {
		t.Errorf("the project's was told %q of the other bot", got)
	}
	if a, b, off := project.told(ida), own.told(idb), append(own.told(muted.Str("id")), project.told(muted.Str("id"))...); len(a)+len(b)+len(off) > 0 {
		t.Errorf("got %q, %q and %q, want nothing told of another's bot, or of what was not asked for", a, b, off)
	}

	// It is not one of the project's: not listed, not to be managed, not to be sent what it did not ask for.
	if l := c.w.OK("GET", "/v1/webhook-endpoints", nil).List("data"); len(l) != 1 || l[0].Str("id") != endpoint {
		t.Errorf("got %v, want the project's only", l)
	}
	var hidden string
	c.w.One(&hidden, `SELECT id FROM endpoints WHERE bot_id = $1`, ida)
	for _, call := range []string{"GET ", "PATCH ", "DELETE ", "POST /test", "POST /rotate"} {
		method, below, _ := strings.Cut(call, " ")
		c.w.Fails("not_found", method, "/v1/webhook-endpoints/"+hidden+below, map[string]any{})
	}
	again := c.w.OK("POST", "/v1/webhook-endpoints/"+endpoint+"/redeliver", map[string]any{"since": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)})
	if n, _ := again["queued"].(float64); n != 0 {
		t.Errorf("got %v, want what its own URL was told not sent to the project's afterwards", again)
	}

	// It goes with the bot.
	count := func() (n int) {
		c.w.One(&n, `SELECT count(*) FROM endpoints WHERE bot_id <> ''`)
		return n
	}
	later := atHooks(link, at.URL, "bot.state_change")
	later["join_at"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	before := count()
	s := c.call("POST", "/bots", later)
	if got := count(); s.status != 201 || got != before+1 {
		t.Fatalf("got %d %s and %d endpoints, want %d", s.status, s.raw, got, before+1)
	}
	c.call("DELETE", "/bots/"+s.Str("id"), nil).says(t, "delete", 200, "")
	if got := count(); got != before {
		t.Errorf("got %d endpoints, want it gone with its bot", got-before)
	}
	// The project's endpoint is deleted: the bot goes on with the secret that it was made with.
	d := c.call("POST", "/bots", atHooks(link, at.URL, "bot.state_change")).Str("id")
	c.w.OK("DELETE", "/v1/webhook-endpoints/"+endpoint, nil)
	c.call("POST", "/bots/"+d+"/leave", nil)
	lanyardtest.Eventually(t, func() bool { return slices.Equal(own.told(d), []string{"ended", "joining"}) }, "both messages")
	for _, h := range []*atHook{own, project} {
		h.mu.Lock()
		if len(h.wrong) > 0 {
			t.Errorf("got %q", h.wrong)
		}
		h.mu.Unlock()
	}
}

func TestAttendeeBotWebhooksRefused(t *testing.T) {
	t.Parallel()
	c := atWorld(t)
	link, _ := c.meeting()
	c.signed()
	for _, url := range []string{"https://192.168.0.1/h", "https://10.0.0.1/h", "https://[::ffff:169.254.169.254]/h", "https://2130706433/h", "https://0x7f.1/h",
		"https://ana:secret@app.example/h", "https://app.example/h#x", "https://" + strings.Repeat("a", 2000)} {
		a := c.call("POST", "/bots", atHooks(link, url, "bot.state_change"))
		if a.status != 400 || strings.Contains(a.raw, "secret") || strings.Contains(a.raw, "aaaa") {
			t.Errorf("%.60s: got %d %s, want 400 and nothing repeated", url, a.status, a.raw)
		}
	}
	for _, triggers := range [][]string{{}, {"bot.state_chnage"}} {
		if a := c.call("POST", "/bots", atHooks(link, "https://app.example/h", triggers...)); a.status != 400 || !strings.Contains(a.Str("webhooks.0")+a.raw, "bot_logs.update") {
			t.Errorf("%q: got %d %s, want it said what there is", triggers, a.status, a.raw)
		}
	}
	var n int
	if c.w.One(&n, `SELECT (SELECT count(*) FROM bots) + (SELECT count(*) FROM endpoints WHERE bot_id <> '')`); n != 0 {
		t.Errorf("got %d rows of what was refused", n)
	}
	// With Attendee behind they are Attendee's to tell, whatever they are.
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"bot_theirs","state":"joining"}`)
	}))
	t.Cleanup(vendor.Close)
	c.w.OK("POST", "/v1/runners", map[string]any{"kind": "attendee", "url": vendor.URL, "key": "their-key"})
	if a := c.call("POST", "/bots", atHooks(link, "https://192.168.0.1/h", "of.tomorrow")); a.status != 201 {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	if c.w.One(&n, `SELECT count(*) FROM endpoints WHERE bot_id <> ''`); n != 0 {
		t.Errorf("got %d endpoints, want none: Attendee tells them", n)
	}
}

// msHook is a receiver of MeetStream's callbacks, which are not signed; with a secret, of
// what it sends to a workspace's endpoints, which is.
type msHook struct {
	mu     sync.Mutex
	secret string
	got    []lanyardtest.JSON
	wrong  []string
}

func (h *msHook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	m := lanyardtest.JSON{}
	h.mu.Lock()
	defer h.mu.Unlock()
	if json.Unmarshal(raw, &m) == nil {
		h.got = append(h.got, m)
	}
	want := ""
	if h.secret != "" {
		mac := hmac.New(sha256.New, []byte(h.secret))
		mac.Write(raw)
		want = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	for name, values := range r.Header {
		if strings.Contains(strings.ToLower(name), "signature") && (name != "X-Meetstream-Signature" || h.secret == "" || values[0] != want) {
			h.wrong = append(h.wrong, name+": "+values[0])
		}
	}
	if h.secret != "" && r.Header.Get("X-MeetStream-Signature") == "" {
		h.wrong = append(h.wrong, "no signature")
	}
	if _, err := time.Parse(time.RFC3339, r.Header.Get("X-MeetStream-Timestamp")); err != nil == (h.secret != "") {
		h.wrong = append(h.wrong, "timestamp: "+r.Header.Get("X-MeetStream-Timestamp"))
	}
}

// events waits for so many messages, and lists their event, bot_event and bot_status.
func (h *msHook) events(t *testing.T, bot string, n int) (out []string) {
	t.Helper()
	lanyardtest.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		out = nil
		for _, m := range h.got {
			if m.Str("bot_id") == bot {
				out = append(out, m.Str("event")+" "+m.Str("bot_event")+" "+m.Str("bot_status"))
			}
		}
		return len(out) >= n
	}, "messages")
	slices.Sort(out)
	return out
}

// A bot's callback_url is told of it in MeetStream's words, whoever runs it.
func TestMeetStreamCallback(t *testing.T) {
	t.Parallel()
	c := msWorld(t)
	user := c.connect("ana").Str("zoom_user_id")
	number, link := msLink(c, "ana")
	h := &msHook{}
	at := httptest.NewTLSServer(h)
	t.Cleanup(at.Close)
	all := &msHook{}
	workspace := httptest.NewServer(all)
	t.Cleanup(workspace.Close)
	all.secret = c.w.OK("POST", "/v1/webhook-endpoints", map[string]any{"url": workspace.URL, "format": "meetstream", "types": []string{"bot.*"}}).Str("secret")
	make1 := func() string {
		t.Helper()
		body := msRequest(link, user)
		body["callback_url"], body["custom_attributes"] = at.URL+"/cb?secret=1", map[string]string{"tenant": "t-1"}
		a := c.call("POST", "/bots/create_bot", body)
		if a.status != 201 {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
		return a.Str("bot_id")
	}
	if _, err := c.w.Sandbox.SetPresent(number, "ana", true); err != nil {
		t.Fatal(err)
	}
	id, silent := make1(), c.call("POST", "/bots/create_bot", msRequest(link, user)).Str("bot_id")
	c.w.OK("POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
	for _, state := range []string{"waiting_room", "joined", "left"} {
		c.w.OK("POST", "/v1/bots/"+id+"/report", map[string]any{"state": state})
	}
	want := []string{"bot.in_waiting_room  InWaitingRoom", "bot.inmeeting  InMeeting", "bot.joining  Joining", "bot.scheduled  Scheduled", "bot.stopped bot.stopped Stopped"}
	if got := h.events(t, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	want = append(slices.Clone(want), "bot.ready  ") // MeetStream has no word for it
	slices.Sort(want)
	if got := all.events(t, id, len(want)); !slices.Equal(got, want) {
		t.Errorf("the workspace's: got %q, want %q", got, want)
	}
	shut := make1()
	c.w.OK("POST", "/v1/bots/"+shut+"/join-tokens", map[string]any{})
	for _, state := range []string{"waiting_room", "failed"} {
		c.w.OK("POST", "/v1/bots/"+shut+"/report", map[string]any{"state": state})
	}
	want = []string{"bot.in_waiting_room  InWaitingRoom", "bot.joining  Joining", "bot.scheduled  Scheduled", "bot.stopped bot.notallowed NotAllowed"}
	if got := h.events(t, shut, len(want)); !slices.Equal(got, want) {
		t.Errorf("not let in: got %q, want %q", got, want)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got {
		if code, _ := m["status_code"].(float64); m.Str("bot_id") == silent || m.Str("custom_attributes.tenant") != "t-1" || code != 200 || m.Str("message") == "" || m.Str("timestamp") == "" {
			t.Errorf("got %v", m)
		}
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(h.wrong)+len(all.wrong) > 0 {
		t.Errorf("got %q at the bot's URL, where nothing is signed, and %q at the workspace's, where all is", h.wrong, all.wrong)
	}
	for _, url := range []string{"http://app.example/h", "https://192.168.0.1/h", "callback"} {
		body := msRequest(link, user)
		body["callback_url"] = url
		if a := c.call("POST", "/bots/create_bot", body); a.status != 400 || !strings.HasPrefix(a.Str("message"), "callback_url: ") {
			t.Errorf("%s: got %d %s", url, a.status, a.raw)
		}
	}
}
