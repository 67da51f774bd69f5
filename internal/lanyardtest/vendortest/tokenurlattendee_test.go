package vendortest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

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
