package vendortest_test

import (
	"strings"
	"testing"

	"lanyard/internal/sandbox"
)

// A vendor's bot that asks with GET wants the bare token, whatever its HTTP library puts into
// Accept. One that names JSON among all else used to be given JSON, which Recall and Meeting
// BaaS would take for the token.
func TestWhatATokenURLTakesForAWishForJSON(t *testing.T) {
	w := newURLWorld(t)
	at := with(w.make(map[string]any{"types": []string{"onbehalf"}, "candidates": of(w.ana)}), "meeting_number", w.number)
	for accept, json := range map[string]bool{
		"":                                  false,
		"*/*":                               false,
		"application/json, text/plain, */*": false, // axios
		"text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8": false,
		"text/plain":                         false,
		"application/json;q=0.5, text/plain": false,
		"application/json":                   true,
		"Application/JSON; charset=utf-8":    true,
		"application/json, text/html":        true,
	} {
		got := call(t, "GET", at, "", map[string]string{"Accept": accept})
		kind := "text/plain; charset=utf-8"
		if json {
			kind = "application/json"
		}
		if got.status != 200 || got.header.Get("Content-Type") != kind || strings.HasPrefix(got.body, "{") != json {
			t.Errorf("%q: got %d %s %q, want %s", accept, got.status, got.header.Get("Content-Type"), got.body, kind)
		}
	}
}

// The statuses of MeetStream's token server, as its bots and their operators know them: what
// is wrong with the call, whose connection it is, and what Zoom did.
func TestATokenURLsStatuses(t *testing.T) {
	w := newURLWorld(t)
	obf := w.make(map[string]any{"contract": "meetstream", "types": []string{"onbehalf"}, "candidates": of(w.ana)})
	at := with(obf, "meeting_number", w.number)
	broken := func(f sandbox.Fault) {
		t.Helper()
		f.Match.Path, f.Times = "/zoom/v2/users/me/token", 1
		if _, err := w.Sandbox.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	token := func(n int) sandbox.Fault {
		return sandbox.Fault{Action: "status", Status: 200, Body: `{"token":"` + strings.Repeat("t", n) + `"}`}
	}
	broken(token(50))
	if token, failure := meetstream(t, obf, w.number, nil); token != "" || !strings.HasPrefix(failure, "502 ") {
		t.Errorf("50 characters: got %q, %q, want 502: no bot would take it", token, failure)
	}
	broken(token(51))
	if got := call(t, "GET", at, "", nil); got.status != 200 || got.body != strings.Repeat("t", 51) {
		t.Errorf("51 characters: got %d %q, want them", got.status, got.body)
	}
	broken(sandbox.Fault{Action: "status", Status: 500, Body: `{"message":"canary"}`})
	if got := call(t, "GET", at, "", nil); got.status != 502 || strings.Contains(got.body, "canary") {
		t.Errorf("Zoom fails: got %d %q, want 502, and nothing of what it said", got.status, got.body)
	}
	broken(sandbox.Fault{Action: "wrong_content", Content: "html"})
	if got := call(t, "GET", at, "", nil); got.status != 502 {
		t.Errorf("Zoom says something else: got %d %q, want 502", got.status, got.body)
	}

	// What comes with the call.
	for _, c := range []struct {
		what, method, address, body, kind string
		status                            int
	}{
		{"members that are not known", "POST", obf, `{"bot_id":"b","meeting_number":"` + w.number + `","größe":{"a":[1]}}`, "application/json; charset=utf-8", 200},
		{"JSON by no name", "POST", obf, `{"meeting_number":"` + w.number + `"}`, "text/plain", 200},
		{"nothing, and the number in the query", "POST", at, "", "", 200},
		{"a link in the body", "POST", obf, `{"meeting_url":"` + w.link() + `"}`, "application/json", 200},
		{"a number with spaces", "GET", with(obf, "meeting_number", w.number[:3]+" "+w.number[3:]), "", "", 200},
		{"a query that is none", "GET", obf + "?meeting_number=%zz", "", "", 400},
		{"an empty number", "GET", obf + "?meeting_number=", "", "", 400},
		{"a number that is too long", "GET", obf + "?meeting_number=123456789012", "", "", 400},
		{"a form", "POST", obf, "meeting_number=" + w.number, "application/x-www-form-urlencoded", 400},
		{"a list", "POST", obf, `[]`, "application/json", 400},
		{"a number that is an object", "POST", obf, `{"meeting_number":{}}`, "application/json", 400},
		{"too much", "POST", obf, `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, "application/json", 413},
		{"no secret", "GET", w.URL + "/t/", "", "", 401},
		{"more below it", "GET", obf + "/x", "", "", 401},
		{"PATCH of no secret", "PATCH", w.URL + "/t/x", "", "", 405},
	} {
		got := call(t, c.method, c.address, c.body, map[string]string{"Content-Type": c.kind, "X-Bot-Id": "b"})
		if got.status != c.status || c.status >= 400 && len(got.body) < 20 {
			t.Errorf("%s: got %d %q, want %d", c.what, got.status, got.body, c.status)
		}
	}
	twice := call(t, "GET", with(at, "meeting_number", w.number), "", nil)
	if twice.status != 200 || !strings.Contains(twice.header.Get("Warning"), "more than once") {
		t.Errorf("the number twice: got %d, Warning %q", twice.status, twice.header.Get("Warning"))
	}

	// Whose connection it is.
	dead := w.make(map[string]any{"contract": "meetstream", "types": []string{"onbehalf"}, "candidates": of(w.ben)})
	w.SQL(`UPDATE grants SET health = 'dead', reason = 'user_revoked', dead_at = 1 WHERE id = (SELECT grant_id FROM connections WHERE id = $1)`, w.ben.Str("id"))
	got := call(t, "GET", with(dead, "meeting_number", w.number), "", nil)
	if got.status != 409 || !strings.Contains(got.body, "\nConnect again: "+w.URL+"/connect/rc.") {
		t.Errorf("a consent that has ended: got %d %q, want 409 and the link", got.status, got.body)
	}
	got = call(t, "POST", dead, `{"meeting_number":"`+w.number+`"}`, nil)
	if p := got.json(t); got.status != 409 || p.Str("message") == "" || p.Str("error") != p.Str("message") || !strings.HasPrefix(p.Str("reconnect_url"), w.URL+"/connect/rc.") {
		t.Errorf("the same by POST: got %d %s", got.status, got.body)
	}
	gone := w.make(map[string]any{"contract": "meetstream", "types": []string{"zak"}, "candidates": []map[string]any{{"host": true}}})
	got = call(t, "GET", with(gone, "meeting_number", "99988877766"), "", nil)
	if got.status != 404 || len(got.body) < 20 {
		t.Errorf("a host whom nobody knows: got %d %q, want 404", got.status, got.body)
	}

	list := w.OK("GET", "/v1/token-urls", nil).List("data")
	for _, u := range list {
		w.OK("DELETE", "/v1/token-urls/"+u.Str("id"), nil)
	}
	if got := call(t, "GET", at, "", nil); got.status != 401 || !strings.Contains(got.body, "unknown, expired or revoked") {
		t.Errorf("revoked: got %d %q, want 401", got.status, got.body)
	}
}

// A customer who has come from Attendee knows connections by zoc_….
func TestAttendeeAsksByItsNameForAConnection(t *testing.T) {
	w := newURLWorld(t)
	open := w.make(map[string]any{"contract": "attendee", "types": []string{"onbehalf"}, "signing_secret": attendeeSecret})
	bens := "zoc_" + w.ben.Str("id")[4:]
	for what, ask := range map[string]func() (map[string]string, said){
		"in the query": func() (map[string]string, said) {
			return attendee(t, open+"?connection="+bens, attendeeSecret, nil, w.link())
		},
		"in the bot's metadata": func() (map[string]string, said) {
			return attendee(t, open, attendeeSecret, map[string]any{"connection_id": bens}, w.link())
		},
	} {
		tokens, got := ask()
		if tokens["onbehalf_token"] == "" || got.json(t).List("used")[0].Str("connection_id") != w.ben.Str("id") {
			t.Errorf("%s: got %d %s, want Ben's", what, got.status, got.body)
		}
	}
}
