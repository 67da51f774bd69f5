package vendortest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/lanyardtest/pretendtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// Bots that a runner runs, from the request for one to the meeting, over the whole product:
// the pretend vendors take the request, their bots ask the token URL that was put in it, and
// the sandbox's Zoom lets them in or not.

// botWorld is a urlWorld whose Zoom sends notices, on a clock on which half a minute is one
// second, with a runner of a kind.
type botWorld struct {
	*urlWorld
	vendor *pretendtest.Vendor
	runner string
}

func newBotWorld(t *testing.T, kind lanyard.RunnerKind, options ...lanyardtest.Option) *botWorld {
	t.Helper()
	w := &botWorld{urlWorld: newURLWorld(t, append(options, func(s *server.Settings) { s.TimeScale, s.MeetingsStop = 30, false })...)}
	const secret = "webhook-secret-of-the-app"
	w.OK("PATCH", "/v1/apps/"+w.app, map[string]any{"webhook_secret": secret})
	change, err := json.Marshal(map[string]string{"webhook_url": w.URL + "/hooks/zoom/" + w.app, "webhook_secret": secret})
	if err == nil {
		_, err = w.Sandbox.PatchClient(sandbox.Zoom, "zc_"+w.app[4:16], change)
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Sandbox.CreateMeeting("ana", "Told of", "") // of which Lanyard is told from its beginning
	if err != nil {
		t.Fatal(err)
	}
	w.number = m.Number
	if pretend := pretended[kind]; pretend != nil {
		w.vendor = pretend(t, w.SandURL+"/zoom")
		w.runner = w.OK("POST", "/v1/runners", map[string]any{"kind": kind, "url": w.vendor.URL, "key": pretendtest.Key}).Str("id")
	}
	return w
}

func (w *botWorld) bot(ref string) lanyardtest.JSON {
	w.T.Helper()
	return w.OK("GET", "/v1/bots/"+ref, nil)
}

func (w *botWorld) in() string {
	w.T.Helper()
	return inMeeting(w.World, w.number)
}

func (w *botWorld) becomes(ref, state, inside string) lanyardtest.JSON {
	w.T.Helper()
	var b lanyardtest.JSON
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if b = w.bot(ref); b.Str("state") == state && w.in() == inside {
			return b
		}
		if time.Now().After(end) {
			w.T.Fatalf("got %v with %q in the meeting, want it %s with %q", b, w.in(), state, inside)
		}
	}
}

// known waits until notices have said how somebody is.
func (w *botWorld) known(c lanyardtest.JSON, presence string) {
	w.T.Helper()
	at := "/v1/meetings?meeting_number=" + w.number + "&connection_id=" + c.Str("id")
	is := func() bool {
		return slices.ContainsFunc(w.OK("GET", at, nil).List("connections"), func(one lanyardtest.JSON) bool {
			return one.Str("connection_id") == c.Str("id") && one.Str("presence") == presence
		})
	}
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.T.Fatalf("it is not known that somebody is %s", presence)
		}
	}
}

// tries waits until the vendor's i-th bot has been turned away some times.
func (w *botWorld) tries(i int) {
	w.T.Helper()
	for end := time.Now().Add(15 * time.Second); len(w.vendor.Bots()) <= i || w.vendor.Bots()[i].Tries < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.T.Fatalf("the vendor's bots have not tried: %+v", w.vendor.Bots())
		}
	}
}

// given is a token URL that the vendor was sent.
func (w *botWorld) given(i int) string {
	w.T.Helper()
	text, err := json.Marshal(w.vendor.Bots()[i].Request)
	u := regexp.MustCompile(regexp.QuoteMeta(w.URL) + `/t/[A-Za-z0-9_-]+`).Find(text)
	if err != nil || u == nil {
		w.T.Fatalf("the vendor was sent %s: %v", text, err)
	}
	return string(u)
}

func states(b lanyardtest.JSON) (out []string) {
	for _, s := range b.List("timeline") {
		if n := len(out); n == 0 || out[n-1] != s.Str("state") {
			out = append(out, s.Str("state"))
		}
	}
	return out
}

// Nobody is let in before Ana is in the meeting; with her the bot is in, and out when she
// leaves. The next bot comes on behalf of Ben, who is known to be there, and leaves when it
// is told. Over POST /v1/bots, for every vendor.
func TestABotThatAVendorRuns(t *testing.T) {
	for kind := range pretended {
		t.Run(string(kind), func(t *testing.T) {
			w := newBotWorld(t, kind)
			body := map[string]any{"meeting_url": w.link(), "name": "Notes", "runner": kind, "candidates": of(w.ana), "metadata": map[string]string{"deal": "7"}}
			made := w.OK("POST", "/v1/bots", body)
			id, ref := made.Str("id"), made.Str("runner_ref")
			if ref != w.vendor.Bots()[0].ID || w.bot(ref).Str("id") != id || made.Str("runner") != w.runner {
				t.Fatalf("got %v, want it found by the vendor's name for it, %q", made, w.vendor.Bots()[0].ID)
			}
			w.tries(0)
			w.becomes(id, "joining", "")
			w.Fails("runner_in_use", "DELETE", "/v1/runners/"+w.runner, nil)
			w.present("ana", true)
			w.present("ben", true)
			w.becomes(id, "joined", "ana")
			given := w.given(0)
			w.present("ana", false)
			b := w.becomes(ref, "left", "")
			if got := states(b); !slices.Equal(got, []string{"scheduled", "ready", "joining", "joined", "left"}) {
				t.Errorf("got the time line %v", got)
			}
			if steps := b.List("timeline"); steps[len(steps)-1].Str("by") != "runner" {
				t.Errorf("got %v, want the runner's word for it", steps[len(steps)-1])
			}
			if a := call(t, http.MethodPost, given, "{}", map[string]string{"Content-Type": "application/json"}); a.status != 401 {
				t.Errorf("the token URL of a bot that is over: got %d %s, want 401", a.status, a.body)
			}

			w.known(w.ben, "present")
			w.known(w.ana, "absent")
			body["candidates"] = of(w.ana, w.ben)
			second := w.OK("POST", "/v1/bots", body).Str("id")
			w.becomes(second, "joined", "ben")
			if got := w.OK("POST", "/v1/bots/"+second+"/leave", nil); got.Str("state") != "left" {
				t.Errorf("got %v, want it to leave", got)
			}
			w.becomes(second, "left", "")
			if n := len(w.vendor.Bots()); n != 2 {
				t.Errorf("the vendor was asked for %d bots, want 2", n)
			}
			w.OK("DELETE", "/v1/runners/"+w.runner, nil)
		})
	}
}

// The same by a customer of Attendee's, who changes nothing but the host of the API.
func TestAttendeesCustomersBotIsLetInWithThePerson(t *testing.T) {
	w := newBotWorld(t, lanyard.RunnerAttendee)
	key := w.OK("POST", "/v1/keys", map[string]any{"dialect": "attendee", "scopes": []string{"connect", "read", "join:onbehalf"}}).Str("credential")
	c := &atCustomer{t: t, w: w.World, base: w.URL + "/attendee/api/v1", key: key, app: w.app}
	a := c.call("POST", "/bots", map[string]any{"meeting_url": w.link(), "bot_name": "Notes", "unknown": 1,
		"zoom_settings": map[string]any{"sdk": "web", "onbehalf_token": map[string]any{"zoom_oauth_connection_user_id": w.ana.Str("account.id")}}})
	if a.status != 201 || a.Str("id") != w.vendor.Bots()[0].ID || w.vendor.Bots()[0].Request["unknown"] != 1.0 {
		t.Fatalf("got %d %s, want Attendee's answer", a.status, a.raw)
	}
	id := a.Str("id")
	w.tries(0)
	w.becomes(id, "joining", "")
	w.present("ana", true)
	w.becomes(id, "joined", "ana")
	if a := c.call("GET", "/bots/"+id, nil); a.status != 200 || a.Str("state") != "joined_recording" {
		t.Errorf("got %d %s, want what Attendee says", a.status, a.raw)
	}
	w.present("ana", false)
	w.becomes(id, "left", "")
}

// And by a customer of MeetStream's.
func TestMeetStreamsCustomersBotIsLetInWithThePerson(t *testing.T) {
	w := newBotWorld(t, lanyard.RunnerMeetStream)
	c := &msCustomer{t: t, w: w.World, base: w.URL + "/meetstream/api/v1", key: msKey(w.World, w.Key, "meetstream"), app: w.app}
	a := c.call("POST", "/bots/create_bot", msRequest(w.link(), w.ana.Str("account.id")))
	if a.status != 201 || a.Str("bot_id") != w.vendor.Bots()[0].ID {
		t.Fatalf("got %d %s, want MeetStream's answer", a.status, a.raw)
	}
	id := a.Str("bot_id")
	w.tries(0)
	w.becomes(id, "joining", "")
	w.present("ana", true)
	w.becomes(id, "joined", "ana")
	w.present("ana", false)
	w.becomes(id, "left", "")
	if n := len(w.vendor.Bots()); n != 1 {
		t.Errorf("MeetStream was asked for %d bots, want one", n)
	}
}

// The vendor refuses: no bot is left, nor a token URL. Where nothing could be sent it may be
// asked for again at once, under the same key.
func TestABotThatItsVendorRefuses(t *testing.T) {
	w := newBotWorld(t, lanyard.RunnerRecall)
	w.OK("PATCH", "/v1/runners/"+w.runner, map[string]any{"key": "a-wrong-key"})
	body := map[string]any{"meeting_url": w.link(), "runner": w.runner, "candidates": of(w.ana), "deduplication_key": "one", "key": true}
	w.Fails("runner_refused", "POST", "/v1/bots", body)
	w.Fails("runner_refused", "POST", "/v1/bots", body)
	if got := w.OK("GET", "/v1/bots", nil).List("data"); len(got) != 0 {
		t.Errorf("got %v, want no bot", got)
	}
	var n int
	if w.One(&n, `SELECT count(*) FROM token_urls WHERE revoked_at = 0`); n != 0 {
		t.Errorf("got %d token URLs that are good, want none", n)
	}
	if w.One(&n, `SELECT count(*) FROM events WHERE type LIKE 'bot.%'`); n != 0 {
		t.Errorf("%d events tell of a bot that never was", n)
	}
	w.OK("PATCH", "/v1/runners/"+w.runner, map[string]any{"key": pretendtest.Key})
	w.OK("POST", "/v1/bots", body)
}

// hook is a customer's own runner: it checks the signature of what it is told, asks for join
// tokens at the token URL it was given, and joins.
type hook struct {
	t      *testing.T
	w      *botWorld
	secret []byte
	mu     sync.Mutex
	down   int // answers 503 so many times
	told   []string
	ids    map[string]int
	leave  chan struct{}
}

func (h *hook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	id, at := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	mac := hmac.New(sha256.New, h.secret)
	_, _ = io.WriteString(mac, id+"."+at+"."+string(body))
	if !slices.Contains(strings.Fields(r.Header.Get("Webhook-Signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	var in struct {
		Type string `json:"type"`
		Data struct {
			Bot    string            `json:"bot_id"`
			Ref    string            `json:"ref"`
			Joined bool              `json:"joined"`
			URLs   map[string]string `json:"token_urls"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		h.t.Errorf("told %s: %v", body, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ids[id]++; h.down > 0 {
		h.down--
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.told = append(h.told, in.Type)
	switch in.Type {
	case "bot.join":
		go h.run(in.Data.Bot, in.Data.URLs["onbehalf"])
		_, _ = io.WriteString(rw, `{"ref":"mine-1"}`)
	case "bot.leave":
		if in.Data.Ref != "mine-1" || !in.Data.Joined {
			h.t.Errorf("told to leave: got %s", body)
		}
		close(h.leave)
	}
}

// run tries until it is let in, and reports what came of it.
func (h *hook) run(bot, tokens string) {
	report := func(body map[string]any) { h.w.OK("POST", "/v1/bots/"+bot+"/report", body) }
	zoom := func(path string, body map[string]any) (status int, out lanyardtest.JSON) {
		raw, _ := json.Marshal(body)
		resp, err := http.Post(h.w.SandURL+"/zoom/meetings/"+h.w.number+path, "application/json", strings.NewReader(string(raw)))
		if err != nil {
			h.t.Error(err)
			return 0, nil
		}
		defer func() { _ = resp.Body.Close() }()
		_ = json.NewDecoder(resp.Body).Decode(&out)
		return resp.StatusCode, out
	}
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(tokens)
		if err != nil {
			h.t.Error(err)
			return
		}
		token, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			continue
		}
		status, in := zoom("/join", map[string]any{"bot_name": "Mine", "onbehalf_token": strings.TrimSpace(string(token))})
		if status != 200 {
			report(map[string]any{"sdk": "web", "code": "4017"})
			continue
		}
		report(map[string]any{"state": "joined"})
		<-h.leave
		zoom("/leave", map[string]any{"participant_id": in["participant_id"]})
		return
	}
}

// A customer's own runner is told when the bot is ready, again under the same id until it
// takes it, and told to leave; its bot waits for Ana, and is in with her.
func TestABotThatACustomersRunnerRuns(t *testing.T) {
	w := newBotWorld(t, lanyard.RunnerWebhook)
	h := &hook{t: t, w: w, down: 4, ids: map[string]int{}, leave: make(chan struct{})}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	made := w.OK("POST", "/v1/runners", map[string]any{"kind": "webhook", "url": srv.URL, "default": true})
	var err error
	if h.secret, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(made.Str("secret"), "whsec_")); err != nil {
		t.Fatal(err)
	}
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "candidates": of(w.ana), "give_up_after_seconds": 1200})
	id := b.Str("id")
	w.becomes(id, "waiting_for_person", "")
	w.present("ana", true)
	if got := w.becomes("mine-1", "joined", "ana"); got.Str("id") != id {
		t.Errorf("got %v, want it found by the runner's name for it", got)
	}
	w.OK("POST", "/v1/bots/"+id+"/leave", nil)
	w.becomes(id, "left", "")
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.told, []string{"bot.join", "bot.leave"}) || len(h.ids) != 2 {
		t.Errorf("it was told %v under %v, want each once, under one id", h.told, h.ids)
	}
}

// A vendor's answer is lost: a bot may be on its way, so it is kept and not asked for again,
// and given up where nothing comes of it.
func TestAVendorsAnswerThatIsLost(t *testing.T) {
	w := newBotWorld(t, lanyard.RunnerWebhook)
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		asked.Add(1)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(srv.Close)
	w.OK("POST", "/v1/runners", map[string]any{"kind": "recall", "url": srv.URL, "key": "k"})
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "runner": "recall", "candidates": of(w.ana), "give_up_after_seconds": 60, "deduplication_key": "one"})
	var codes []string
	for _, s := range b.List("timeline") {
		codes = append(codes, s.Str("state")+" "+s.Str("code"))
	}
	if !slices.Equal(codes, []string{"scheduled ", "scheduled runner_no_answer", "ready "}) {
		t.Errorf("got %q, want it to say that the answer was lost", codes)
	}
	w.Fails("bot_duplicate", "POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "runner": "recall", "deduplication_key": "one"})
	if got := w.becomes(b.Str("id"), "failed", ""); got.Str("reason") != "runner_no_answer" {
		t.Errorf("got %v, want it given up because of the lost answer", got)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the vendor was asked %d times, want once", n)
	}
}
