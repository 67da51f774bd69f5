package bottest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// A bot's own key is stolen: what can be done with it? Its bot's three calls, the calls
// through the proxy that the bot is allowed on behalf of its candidates, and nothing else
// of the whole API; and nothing at all once the bot is over.
func TestABotsKeyIsGoodForItsBotAlone(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	rules := []map[string]any{{"methods": []string{"GET"}, "path": "/v2/users/me"}}
	mine := s.bot(map[string]any{"key": true, "allow": map[string]any{"types": []string{"onbehalf"}, "proxy": rules}}, s.ana)
	id, key := mine.Str("id"), mine.Str("credential")
	other := s.bot(map[string]any{"key": true}, s.ana)
	bots := map[string]bool{"GET /v1/bots/{id}": true, "POST /v1/bots/{id}/join-tokens": true, "POST /v1/bots/{id}/report": true,
		"POST /v1/connections/{id}/token": true} // the last by allow.scopes alone

	_, doc := s.Call("", "GET", "/openapi.json", nil)
	paths, _ := doc["paths"].(map[string]any)
	asked := 0
	for path, methods := range paths {
		for method, op := range methods.(map[string]any) {
			method = strings.ToUpper(method)
			said, _ := op.(map[string]any)
			if public, ok := said["security"].([]any); ok && len(public) == 0 || bots[method+" "+path] || strings.HasPrefix(path, "/v1/proxy/") {
				continue // the proxy is for bots, within their rules: below
			}
			at := strings.NewReplacer("{id}", id, "{connection_id}", s.ana, "{project_id}", "prj_x").Replace(path)
			var body any
			if said["requestBody"] != nil {
				body = map[string]any{}
			}
			asked++
			if strings.HasPrefix(path, "/attendee/") { // whose words these are, has no code and takes no Bearer
				if status, text := asAttendee(t, s, key, method, at); status != http.StatusForbidden || !strings.Contains(text, "a bot's own") {
					t.Errorf("%s %s with a bot's key: got %d %s, want 403 and that it is a bot's own", method, path, status, text)
				}
				continue
			}
			if status, got := s.Call(key, method, at, body); status != http.StatusForbidden || got.Str("code") != "key_limited" {
				t.Errorf("%s %s with a bot's key: got %d %s, want key_limited", method, path, status, got.Str("code"))
			}
		}
	}
	if asked < 110 {
		t.Errorf("asked %d operations, want the whole API and both vendors'", asked)
	}
	for _, call := range []string{"GET ", "POST /join-tokens", "POST /report"} {
		method, what, _ := strings.Cut(call, " ")
		var body any
		if method == "POST" {
			body = map[string]any{"state": "joined"}
			if what == "/join-tokens" {
				body = map[string]any{}
			}
		}
		s.FailsAs(key, "not_found", method, "/v1/bots/"+other.Str("id")+what, body)
		s.FailsAs(other.Str("credential"), "not_found", method, "/v1/bots/"+id+what, body)
		if status, got := s.Call(key, method, "/v1/bots/"+id+what, body); status != http.StatusOK {
			t.Errorf("%s of its own bot: got %d %v", call, status, got)
		}
	}

	s.FailsAs(key, "bot_not_allowed", "POST", "/v1/connections/"+s.ana+"/token", map[string]any{})

	proxied := func(key, connection, method, path string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/v1/proxy/"+connection+path, nil)
		lanyardtest.Must(t)(nil, err)
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(r)
		lanyardtest.Must(t)(nil, err)
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Lanyard-Answer")
	}
	for name, c := range map[string]struct {
		key, connection, method, path string
		passes                        bool
	}{
		"what it is allowed":            {key, s.ana, "GET", "/v2/users/me", true},
		"another method":                {key, s.ana, "PATCH", "/v2/users/me", false},
		"another path":                  {key, s.ana, "GET", "/v2/users/me/token?type=onbehalf&meeting_id=" + s.number, false},
		"another path that begins so":   {key, s.ana, "GET", "/v2/users/me/zak", false},
		"who is none of its candidates": {key, s.ben, "GET", "/v2/users/me", false},
		"a bot that is allowed nothing": {other.Str("credential"), s.ana, "GET", "/v2/users/me", false},
	} {
		status, from := proxied(c.key, c.connection, c.method, c.path)
		if passed := from == "provider"; passed != c.passes || passed && status != http.StatusOK || !passed && status != http.StatusForbidden && status != http.StatusNotFound {
			t.Errorf("%s: got %d from %q, want it to pass: %v", name, status, from, c.passes)
		}
	}
	s.OK("POST", "/v1/bots/"+id+"/leave", nil)
	time.Sleep(1100 * time.Millisecond) // for as long a key's row is believed
	s.FailsAs(key, "credential_invalid", "GET", "/v1/bots/"+id, nil)
	if status, from := proxied(key, s.ana, "GET", "/v2/users/me"); status != http.StatusUnauthorized || from == "provider" {
		t.Errorf("the key of a bot that is over: got %d from %q", status, from)
	}
}

// asAttendee asks as Attendee's clients do.
func asAttendee(t *testing.T, s *botStory, key, method, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	lanyardtest.Must(t)(nil, err)
	r.Header.Set("Authorization", "Token "+key)
	resp, err := http.DefaultClient.Do(r)
	lanyardtest.Must(t)(nil, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	lanyardtest.Must(t)(nil, err)
	return resp.StatusCode, string(text)
}

// What the bot was made with holds for whoever asks, whatever their key may.
func TestAllowHoldsForWhoeverAsks(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false)
	onbehalf := s.bot(nil, s.ana).Str("id")
	for _, types := range [][]string{{"zak"}, {"local_recording"}, {"onbehalf", "zak"}, {"access_token"}, {"obf"}} {
		s.Fails("bot_not_allowed", "POST", "/v1/bots/"+onbehalf+"/join-tokens", map[string]any{"types": types})
	}
	if n := s.minted("ana"); n != 0 {
		t.Errorf("got %d tokens minted, want none", n)
	}
	two := s.bot(map[string]any{"allow": map[string]any{"types": []string{"zak", "local_recording"}}}, s.ana).Str("id")
	s.Fails("bot_not_allowed", "POST", "/v1/bots/"+two+"/join-tokens", map[string]any{"types": []string{"onbehalf"}})
	got := s.OK("POST", "/v1/bots/"+two+"/join-tokens", map[string]any{})
	var types []string
	for _, token := range got.List("tokens") {
		types = append(types, token.Str("type"))
	}
	if !sameWords(types, []string{"zak", "local_recording"}) {
		t.Errorf("got %q, want both that it may have", types)
	}
	// The key's own scopes count as well: of the two it gets the one that its key may ask for.
	zak := s.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"join:zak"}}).Str("credential")
	if status, got := s.Call(zak, "POST", "/v1/bots/"+two+"/join-tokens", map[string]any{}); status != http.StatusOK || len(got.List("tokens")) != 1 || got.List("tokens")[0].Str("type") != "zak" {
		t.Errorf("got %d %v, want the ZAK alone", status, got)
	}
	s.FailsAs(zak, "scope_missing", "POST", "/v1/bots/"+two+"/join-tokens", map[string]any{"types": []string{"local_recording"}})
	s.FailsAs(zak, "scope_missing", "POST", "/v1/bots/"+onbehalf+"/join-tokens", map[string]any{})
	// Nobody makes a bot's key that may more than their own.
	maker := s.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"connect", "join:zak"}}).Str("credential")
	s.FailsAs(maker, "key_too_strong", "POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/" + s.number, "key": true,
		"candidates": []map[string]any{{"connection_id": s.ana}}})
}
