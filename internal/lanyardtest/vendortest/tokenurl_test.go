package vendortest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// The callers of token URLs, each as its vendor's page has it: what it sends, what it
// takes for a token, when it asks again, and what it does with a refusal.

// urlWorld has a meeting of Ana's, in which she and Ben are.
type urlWorld struct {
	*lanyardtest.World
	app      string
	ana, ben lanyardtest.JSON
	number   string
}

func newURLWorld(t testing.TB, options ...lanyardtest.Option) *urlWorld {
	t.Helper()
	w := &urlWorld{World: lanyardtest.New(t, options...)}
	w.app = w.Zoom()
	w.ana, w.ben = w.Connect(w.app, "ana-1", "ana"), w.Connect(w.app, "ben-1", "ben")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	w.number = m.Number
	w.present("ana", true)
	w.present("ben", true)
	return w
}

func (w *urlWorld) present(person string, here bool) {
	w.T.Helper()
	if _, err := w.Sandbox.SetPresent(w.number, person, here); err != nil {
		w.T.Fatal(err)
	}
}

func (w *urlWorld) link() string { return "https://us02web.zoom.us/j/" + w.number + "?pwd=a.1" }

// of are candidates by their connections.
func of(connections ...lanyardtest.JSON) (out []map[string]any) {
	for _, c := range connections {
		out = append(out, map[string]any{"connection_id": c.Str("id")})
	}
	return out
}

// make makes a token URL.
func (w *urlWorld) make(body map[string]any) string {
	w.T.Helper()
	return w.OK("POST", "/v1/token-urls", body).Str("url")
}

// said is an answer to a caller.
type said struct {
	status int
	header http.Header
	body   string
}

func (s said) json(t testing.TB) lanyardtest.JSON {
	t.Helper()
	out := lanyardtest.JSON{}
	if err := json.Unmarshal([]byte(s.body), &out); err != nil {
		t.Fatalf("got %d %q, want JSON: %v", s.status, s.body, err)
	}
	return out
}

// call asks as a vendor's bot does: without following anything.
func call(t testing.TB, method, address, body string, header map[string]string) said {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode/100 == 3 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: got %d, Cache-Control %q, want no redirect and no-store", method, resp.StatusCode, resp.Header.Get("Cache-Control"))
	}
	return said{resp.StatusCode, resp.Header, string(raw)}
}

// with adds parameters to an address, as vendors do to one that may have some.
func with(address string, more ...string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	q := u.RawQuery
	for i := 0; i < len(more); i += 2 {
		if q != "" {
			q += "&"
		}
		q += url.QueryEscape(more[i]) + "=" + url.QueryEscape(more[i+1])
	}
	u.RawQuery = q
	return u.String()
}

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

// join is the bot at the meeting's door: "" is in, otherwise the SDK's code.
func (w *urlWorld) join(body map[string]any) string {
	w.T.Helper()
	raw, _ := json.Marshal(body)
	resp, err := http.Post(w.SandURL+"/zoom/meetings/"+w.number+"/join", "application/json", bytes.NewReader(raw)) //nolint:noctx // the sandbox
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Code int `json:"code"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		w.T.Fatal(err)
	}
	if out.Code == 0 {
		return ""
	}
	return strconv.Itoa(out.Code)
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

// attendeeSecret is a project's webhook secret as Attendee shows it.
var attendeeSecret = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7, 250}, 16))

// attendee is Attendee's callback to zoom_tokens_url: one POST, signed over the body with
// sorted keys and no spaces, which is not how the body is sent. Whatever is not a 2xx with
// an object in it leaves the bot without tokens.
func attendee(t testing.TB, address, secret string, metadata map[string]any, meetingURL string) (map[string]string, said) {
	t.Helper()
	text := func(v string) string { // as Python's json.dumps has it with ensure_ascii
		var b strings.Builder
		for _, r := range v {
			if r > 126 {
				fmt.Fprintf(&b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
		return b.String()
	}
	meta, canonical := "null", "null"
	if metadata != nil {
		var pairs, sorted []string
		for _, name := range slices.Sorted(maps.Keys(metadata)) {
			pairs = append([]string{fmt.Sprintf(`"%s": "%s"`, text(name), text(metadata[name].(string)))}, pairs...)
			sorted = append(sorted, fmt.Sprintf(`"%s":"%s"`, name, metadata[name]))
		}
		meta, canonical = "{"+strings.Join(pairs, ", ")+"}", "{"+strings.Join(sorted, ",")+"}"
	}
	body := `{"meeting_url": "` + meetingURL + `", "bot_id": "bot_weIAju4OXNZkDTpZ", "bot_metadata": ` + meta + `, "callback_type": "zoom_tokens"}`
	canonical = `{"bot_id":"bot_weIAju4OXNZkDTpZ","bot_metadata":` + canonical + `,"callback_type":"zoom_tokens","meeting_url":"` + meetingURL + `"}`
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(canonical))
	got := call(t, "POST", address, body, map[string]string{"Content-Type": "application/json", "User-Agent": "Attendee-Callback/1.0",
		"X-Webhook-Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))})
	out := map[string]any{}
	tokens := map[string]string{}
	if got.status/100 == 2 && json.Unmarshal([]byte(got.body), &out) == nil {
		for _, name := range []string{"zak_token", "join_token", "app_privilege_token", "onbehalf_token"} {
			if v, _ := out[name].(string); strings.TrimSpace(v) != "" {
				tokens[name] = v
			}
		}
	}
	return tokens, got
}

// Attendee's callback gets all that can be had. On whose behalf is said by the bot's metadata,
// the URL's query, or by nobody: then it is the host. The bot tries the on-behalf tokens one
// after the other until one lets it in.
func TestAttendeeAsksATokenURL(t *testing.T) {
	w := newURLWorld(t, func(s *server.Settings) { s.MeetingsStop = false })
	w.hostKnown()
	all := []string{"onbehalf", "zak", "local_recording"}
	open := w.make(map[string]any{"contract": "attendee", "types": all, "signing_secret": attendeeSecret})
	of1 := func(c lanyardtest.JSON) map[string]any {
		return map[string]any{"connection_id": c.Str("id"), "größe": "Zoë <&> \u2028"}
	}

	tokens, got := attendee(t, open, attendeeSecret, of1(w.ana), w.link())
	if len(tokens) != 3 || tokens["join_token"] != "" {
		t.Fatalf("got %d %v, want three tokens", got.status, got.body)
	}
	if code := w.join(map[string]any{"onbehalf_token": tokens["onbehalf_token"], "recording_token": tokens["app_privilege_token"]}); code != "" {
		t.Errorf("at the door: got %q", code)
	}
	who := func(name, typ string, address string, metadata map[string]any, want lanyardtest.JSON) {
		t.Helper()
		_, got := attendee(t, address, attendeeSecret, metadata, w.link())
		used := ""
		if got.status == 200 {
			for _, u := range got.json(t).List("used") {
				if u.Str("type") == typ {
					used = u.Str("connection_id")
				}
			}
		}
		if used != want.Str("id") {
			t.Errorf("%s: got %d %s, want %s", name, got.status, got.body, want.Str("id"))
		}
	}
	who("by connection", "onbehalf", open, of1(w.ben), w.ben)
	who("the recording is the host's all the same", "local_recording", open, of1(w.ben), w.ana)
	who("by Zoom user id", "onbehalf", open, map[string]any{"zoom_user_id": w.ben.Str("account.id")}, w.ben)
	who("by Zoom user id before the connection", "onbehalf", open, map[string]any{"zoom_user_id": w.ben.Str("account.id"), "connection_id": w.ana.Str("id")}, w.ben)
	who("by the query", "zak", open+"?connection="+w.ben.Str("id"), nil, w.ben)
	who("metadata before the query", "onbehalf", open+"?connection="+w.ben.Str("id"), of1(w.ana), w.ana)
	who("nobody is named: the host", "onbehalf", open, nil, w.ana)

	// Only among those the URL is for.
	bens := w.make(map[string]any{"contract": "attendee", "types": []string{"onbehalf"}, "signing_secret": attendeeSecret, "candidates": of(w.ben)})
	who("nobody is named: who it is for", "onbehalf", bens, nil, w.ben)
	for name, metadata := range map[string]map[string]any{"a connection": of1(w.ana), "a Zoom user id": {"zoom_user_id": w.ana.Str("account.id")},
		"what is none": {"connection_id": "con_00000000000000000000000000"}, "another id": {"zoom_user_id": "nobody"}} {
		if tokens, got := attendee(t, bens, attendeeSecret, metadata, w.link()); got.status != 404 || len(tokens) > 0 || got.json(t).Str("error") == "" {
			t.Errorf("%s it is not for: got %d %s, want 404", name, got.status, got.body)
		}
	}

	// Several people: a list, walked by the number of the try.
	both := w.make(map[string]any{"contract": "attendee", "types": []string{"onbehalf"}, "candidates": of(w.ana, w.ben)})
	w.present("ana", false)
	tokens, _ = attendee(t, both, attendeeSecret, nil, w.link())
	list := strings.Split(tokens["onbehalf_token"], ",")
	if len(list) != 2 {
		t.Fatalf("got %d on-behalf tokens, want one of each", len(list))
	}
	first, second := w.join(map[string]any{"onbehalf_token": list[0]}), w.join(map[string]any{"onbehalf_token": list[1]})
	if first != "4017" || second != "" {
		t.Errorf("got %q and %q, want the second to be let in", first, second)
	}

	// What can be had comes, with what could not.
	w.OK("PATCH", "/v1/connections/"+w.ana.Str("id"), map[string]any{"paused": true})
	_, got = attendee(t, open, attendeeSecret, of1(w.ben), w.link())
	if f := got.json(t).List("failed"); got.status != 200 || len(f) != 1 || f[0].Str("type") != "local_recording" || f[0].Str("why") == "" {
		t.Errorf("the host is paused: got %d %s, want the others, and why no recording", got.status, got.body)
	}

	// Whoever does not hold the secret gets nothing, and a GET neither.
	for name, c := range map[string]struct {
		secret string
		status int
	}{"another secret": {base64.StdEncoding.EncodeToString([]byte("another")), 401}} {
		if tokens, got := attendee(t, open, c.secret, of1(w.ben), w.link()); got.status != c.status || len(tokens) > 0 {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.body, c.status)
		}
	}
	body := `{"bot_id":"b","bot_metadata":null,"callback_type":"zoom_tokens","meeting_url":"` + w.link() + `"}`
	for name, header := range map[string]map[string]string{"unsigned": nil, "no base64": {"X-Webhook-Signature": "%%%"}, "empty": {"X-Webhook-Signature": ""}} {
		if got := call(t, "POST", open, body, header); got.status != 401 {
			t.Errorf("%s: got %d %s, want 401", name, got.status, got.body)
		}
	}
	if got := call(t, "GET", open, "", nil); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("GET: got %d %q, want 405", got.status, got.header.Get("Allow"))
	}
	for name, body := range map[string]string{"no JSON": "x", "a list": "[]", "twice": `{"bot_id":"a","bot_id":"b","callback_type":"zoom_tokens"}`,
		"another callback": `{"callback_type":"other"}`, "another type": `{"callback_type":"zoom_tokens","meeting_url":7}`} {
		if got := call(t, "POST", both, body, nil); got.status != 400 || strings.Contains(got.body, "sbx_") {
			t.Errorf("%s: got %d %s, want 400", name, got.status, got.body)
		}
	}
	w.Fails("invalid_request", "POST", "/v1/token-urls", map[string]any{"contract": "attendee", "types": all})
}

// hostKnown waits until it is known that Ana hosts the meeting.
func (w *urlWorld) hostKnown() {
	w.T.Helper()
	for range 200 {
		if w.OK("GET", "/v1/meetings?meeting_number="+w.number, nil).Str("host") == "connected" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.T.Fatal("it is not known whose meeting it is")
}
