package vendortest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanyard/internal/sandbox"
)

// The callers of token URLs, each as its vendor's page has it: what it sends, what it
// takes for a token, when it asks again, and what it does with a refusal.

// meetstream is MeetStream's bot: GET; where that gives 405 or nothing it can read, POST.
// Any other failure is one, and there is no guest.
func meetstream(t testing.TB, address, number string, header map[string]string) (token, failure string) {
	t.Helper()
	h := map[string]string{"X-Bot-Id": "ms-bot-1"}
	for k, v := range header {
		h[k] = v
	}
	at, body := address, map[string]any{"bot_id": "ms-bot-1"}
	if number != "" {
		at, body["meeting_number"] = with(address, "meeting_number", number), number
	}
	read := func(s said) string {
		var in struct{ Token, ZAK, OBF string }
		if strings.HasPrefix(s.header.Get("Content-Type"), "text/plain") && len(s.body) > 50 {
			return s.body
		}
		if json.Unmarshal([]byte(s.body), &in) == nil {
			for _, v := range []string{in.Token, in.ZAK, in.OBF} {
				if len(v) > 50 {
					return v
				}
			}
		}
		return ""
	}
	got := call(t, "GET", at, "", h)
	if got.status == 200 && read(got) != "" {
		return read(got), ""
	}
	if got.status == 405 || got.status == 200 {
		raw, _ := json.Marshal(body)
		h["Content-Type"] = "application/json"
		got = call(t, "POST", address, string(raw), h)
		if got.status == 200 && read(got) != "" {
			return read(got), ""
		}
	}
	return "", strconv.Itoa(got.status) + " " + got.body
}

// MeetStream's bot with zoom.obf_url and with zoom.zak_url: the meeting's number is added to
// the one and not to the other. A token lets a bot in once; where the person is not in the
// meeting, none does.
func TestMeetStreamAsksATokenURL(t *testing.T) {
	w := newURLWorld(t)
	obf := w.make(map[string]any{"contract": "meetstream", "types": []string{"onbehalf"}, "candidates": of(w.ana)})
	token, failure := meetstream(t, obf, w.number, nil)
	if failure != "" || w.join(map[string]any{"onbehalf_token": token}) != "" {
		t.Fatalf("got %q, want a token that lets the bot in", failure)
	}
	if got := w.join(map[string]any{"onbehalf_token": token}); got != "4013" {
		t.Errorf("the same token again: got %q, want 4013", got)
	}
	w.present("ana", false)
	token, _ = meetstream(t, obf, w.number, nil)
	if got := w.join(map[string]any{"onbehalf_token": token}); got != "4017" {
		t.Errorf("Ana is not there: got %q, want 4017", got)
	}
	zak := w.make(map[string]any{"contract": "meetstream", "types": []string{"zak"}, "candidates": of(w.ana)})
	token, failure = meetstream(t, zak, "", nil)
	if failure != "" || w.join(map[string]any{"zak": token}) != "" {
		t.Errorf("got %q, want a ZAK that lets the bot in", failure)
	}

	// A POST gets JSON, as does whoever asks for it; a token is never in a HEAD.
	posted := call(t, "POST", obf, `{"bot_id":"b","meeting_number":"`+w.number+`","webhook_secret":"unused"}`, map[string]string{"Content-Type": "application/json"})
	if got := posted.json(t); posted.status != 200 || len(got.Str("token")) <= 50 || got.Str("connection_id") != w.ana.Str("id") {
		t.Errorf("POST: got %d %v, want the token and on whose behalf", posted.status, got)
	}
	asNumber := call(t, "POST", obf, `{"bot_id":7,"meeting_number":`+w.number+`}`, nil)
	if asNumber.status != 200 {
		t.Errorf("a number that is one: got %d %s, want 200", asNumber.status, asNumber.body)
	}
	minted := len(w.Sandbox.Ledger(sandbox.Query{Kind: "onbehalf", Event: "issued"}))
	for _, method := range []string{"HEAD", "PUT", "DELETE", "OPTIONS"} {
		if got := call(t, method, with(obf, "meeting_number", w.number), "", nil); got.status != 405 || got.header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: got %d, Allow %q, want 405", method, got.status, got.header.Get("Allow"))
		}
	}
	if n := len(w.Sandbox.Ledger(sandbox.Query{Kind: "onbehalf", Event: "issued"})); n != minted {
		t.Errorf("a look has made %d tokens", n-minted)
	}

	// Its errors, which the bot's operator reads in a log.
	for name, c := range map[string]struct {
		address string
		status  int
		say     string
	}{
		"no meeting":         {obf, 400, "meeting_number"},
		"letters":            {with(obf, "meeting_number", "12345x789"), 400, "9 to 11 digits"},
		"the wrong secret":   {obf[:len(obf)-1] + "~", 401, "unknown, expired or revoked"},
		"the customer's own": {with(obf, "meeting_number", w.number, "meeting_number", "999999999"), 200, ""},
	} {
		got := call(t, "GET", c.address, "", nil)
		if got.status != c.status || !strings.Contains(got.body, c.say) || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: got %d %q, want %d and %q in plain text", name, got.status, got.body, c.status, c.say)
		}
	}
	w.OK("DELETE", "/v1/connections/"+w.ana.Str("id"), nil)
	if got := call(t, "GET", with(obf, "meeting_number", w.number), "", nil); got.status != 409 || !strings.Contains(got.body, "revoked") {
		t.Errorf("let go of: got %d %q, want 409 and why", got.status, got.body)
	}
}

// The shared secret that MeetStream's bots may send, in a header or in the POST, is needed
// where the URL was made with one.
func TestMeetStreamsWebhookSecret(t *testing.T) {
	w := newURLWorld(t)
	obf := w.make(map[string]any{"contract": "meetstream", "types": []string{"onbehalf"}, "candidates": of(w.ana), "signing_secret": "whs-1"})
	if _, failure := meetstream(t, obf, w.number, map[string]string{"X-Webhook-Secret": "whs-1"}); failure != "" {
		t.Errorf("with it: got %q", failure)
	}
	for name, header := range map[string]map[string]string{"without": nil, "another": {"X-Webhook-Secret": "whs-2"}, "empty": {"X-Webhook-Secret": ""}} {
		if _, failure := meetstream(t, obf, w.number, header); !strings.HasPrefix(failure, "401 ") {
			t.Errorf("%s: got %q, want 401", name, failure)
		}
	}
	got := call(t, "POST", obf, `{"meeting_number":"`+w.number+`","webhook_secret":"whs-1"}`, nil)
	if got.status != 200 {
		t.Errorf("in the body: got %d %s, want 200", got.status, got.body)
	}
}

// Recall's bot asks obf_token_url, zak_url and join_token_url with a plain GET, with the
// query that the customer gave it and nothing else, and takes the body for the token. Its
// OAuth callback wants an access token that lives for two minutes.
func TestRecallAsksATokenURL(t *testing.T) {
	w := newURLWorld(t)
	one := func(typ string) string {
		return w.make(map[string]any{"types": []string{typ}, "candidates": of(w.ana), "meetings": []string{w.link()}})
	}
	obf, zak, rec := call(t, "GET", one("onbehalf"), "", nil), call(t, "GET", one("zak"), "", nil), call(t, "GET", one("local_recording"), "", nil)
	for name, got := range map[string]said{"obf_token_url": obf, "zak_url": zak, "join_token_url": rec} {
		if got.status != 200 || len(got.body) < 50 || strings.ContainsAny(got.body, " \n{\"") || got.header.Get("Lanyard-Connection") != w.ana.Str("id") {
			t.Errorf("%s: got %d %q, want the token and nothing else", name, got.status, got.body)
		}
	}
	if got := w.join(map[string]any{"onbehalf_token": obf.body, "recording_token": rec.body}); got != "" {
		t.Errorf("at the door: got %q, want to be let in", got)
	}
	kept := w.make(map[string]any{"types": []string{"onbehalf"}, "candidates": of(w.ana)})
	if got := call(t, "GET", with(kept, "meeting_url", w.link(), "user", "17"), "", nil); got.status != 200 {
		t.Errorf("the meeting in the query: got %d %s", got.status, got.body)
	}

	access := w.make(map[string]any{"types": []string{"access_token"}, "candidates": of(w.ana), "scopes": []string{"user:read:token"}})
	old := func() { // an hour's token that has 100 seconds left
		now := time.Now()
		w.SQL(`UPDATE grants SET access_expires = $1, refreshed_at = $2`, now.Add(100*time.Second).UnixMicro(), now.Add(-3500*time.Second).UnixMicro())
	}
	old() // less than two minutes: renewed first
	got := call(t, "GET", access, "", nil)
	if n := len(w.Sandbox.Ledger(sandbox.Query{Kind: "refresh", Event: "used"})); got.status != 200 || n != 1 {
		t.Fatalf("got %d %q and %d renewals, want a token that lives for two minutes", got.status, got.body, n)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.SandURL+"/zoom/v2/users/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+got.body)
	me, err := http.DefaultClient.Do(r)
	if err != nil || me.StatusCode != 200 {
		t.Errorf("got %v (%v), want what Zoom takes for an access token", me.StatusCode, err)
	}
	_ = me.Body.Close()
	old()
	if _, err := w.Sandbox.AddFault(sandbox.Fault{Match: sandbox.Match{Endpoint: "token"}, Action: "status", Status: 503}); err != nil {
		t.Fatal(err)
	}
	if got := call(t, "GET", access, "", nil); got.status != 502 || len(got.body) < 20 || strings.Contains(got.body, "sbx_") {
		t.Errorf("it cannot be renewed: got %d %q, want 502 and no token that dies too soon", got.status, got.body)
	}
	bare := w.make(map[string]any{"types": []string{"access_token"}, "candidates": of(w.ben), "scopes": []string{"meeting:write:meeting"}})
	if got := call(t, "GET", bare, "", nil); got.status != 409 || !strings.Contains(got.body, "Connect again: "+w.URL+"/connect/rc.") {
		t.Errorf("a scope that Ben has not given: got %d %q, want 409 and the link to mend it", got.status, got.body)
	}
}

// Meeting BaaS's bot adds bot_uuid and extra, and asks again every three seconds: the second
// time it gets the next person's token, with why the first was passed over.
func TestMeetingBaaSAsksATokenURL(t *testing.T) {
	w := newURLWorld(t)
	address := w.make(map[string]any{"types": []string{"onbehalf"}, "candidates": of(w.ana, w.ben)})
	ask := func() said {
		return call(t, "GET", with(address, "meeting_number", w.number, "bot_uuid", "9b2e", "extra", `{"tenant":"x"}`), "", nil)
	}
	w.present("ana", false)
	codes := []string{}
	for range 2 {
		got := ask()
		codes = append(codes, w.join(map[string]any{"onbehalf_token": got.body}))
	}
	if codes[0] != "4017" || codes[1] != "" {
		t.Errorf("got %q, want Ana's token first, who is not there, and then Ben's", codes)
	}
	w.OK("PATCH", "/v1/connections/"+w.ana.Str("id"), map[string]any{"paused": true})
	got := ask() // Ana's turn again
	if got.header.Get("Lanyard-Connection") != w.ben.Str("id") || got.header.Get("Lanyard-Skipped") != w.ana.Str("id")+"=connection_paused" {
		t.Errorf("got %v, want Ben's, and why not Ana's", got.header)
	}
	w.OK("PATCH", "/v1/connections/"+w.ben.Str("id"), map[string]any{"paused": true})
	if got := ask(); got.status != 409 || !strings.Contains(got.header.Get("Lanyard-Skipped"), w.ben.Str("id")+"=connection_paused") {
		t.Errorf("nobody is left: got %d %v, want 409 and why each was not used", got.status, got.header)
	}
	group := w.make(map[string]any{"types": []string{"onbehalf"}, "candidates": []map[string]any{{"label": "sales"}, {"end_user_id": "ana-1"}}})
	if got := call(t, "GET", with(group, "meeting_number", w.number), "", nil); got.status != 409 {
		t.Errorf("nobody in the group, Ana paused: got %d %s", got.status, got.body)
	}
	none := w.make(map[string]any{"types": []string{"onbehalf"}, "candidates": []map[string]any{{"label": "sales"}}})
	if got := call(t, "GET", with(none, "meeting_number", w.number), "", nil); got.status != 404 || !strings.Contains(got.body, "nobody in this group is connected") {
		t.Errorf("nobody in the group: got %d %q, want 404 and a sentence", got.status, got.body)
	}
}
