package bottest_test

import (
	"testing"

	"lanyard/internal/lanyardtest"
)

// A bot asks for its tokens, the meeting says that the person is not there, and nobody is
// troubled again for half a minute; the next candidate is tried in their place. The bot's
// own key is good for that bot alone, and ends with it.
func TestABotJoinsOnBehalfOfOneAfterTheOther(t *testing.T) {
	w := lanyardtest.New(t)
	app := w.Zoom()
	ana, ben := w.Connect(app, "u", "ana").Str("id"), w.Connect(app, "v", "ben").Str("id")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	ask := map[string]any{"meeting_url": "https://zoom.us/j/" + m.Number, "key": true, "deduplication_key": "one",
		"candidates": []map[string]any{{"connection_id": ana}, {"end_user_id": "v"}}}
	b := w.OK("POST", "/v1/bots", ask)
	id, key := b.Str("id"), b.Str("credential")
	if b.Str("state") != "ready" || key == "" {
		t.Fatalf("got %v, want a ready bot with a key", b)
	}
	w.Fails("bot_duplicate", "POST", "/v1/bots", ask)
	own := func(method, path string, body any, code string) lanyardtest.JSON {
		t.Helper()
		_, out := w.Call(key, method, path, body)
		if out.Str("code") != code {
			t.Errorf("%s %s with the bot's key: got %v, want %q", method, path, out, code)
		}
		return out
	}
	tokens, report := "/v1/bots/"+id+"/join-tokens", "/v1/bots/"+id+"/report"
	absent := map[string]any{"code": "4017", "sdk": "web"}
	if got := own("POST", tokens, map[string]any{}, ""); got.Str("connection_id") != ana || len(got.List("tokens")) != 1 {
		t.Errorf("got %v, want ana's token", got)
	}
	if got := own("POST", report, absent, ""); got.Str("state") != "waiting_for_person" {
		t.Errorf("got %v, want it to wait", got)
	}
	if got := own("POST", tokens, map[string]any{}, ""); got.Str("connection_id") != ben {
		t.Errorf("got %v, want ben's token: ana was tried just now", got)
	}
	own("POST", report, absent, "")
	if got := own("POST", tokens, map[string]any{}, "person_absent"); got["retry_after"] == nil {
		t.Errorf("got %v, want it to say when", got)
	}
	own("POST", tokens, map[string]any{"types": []string{"zak"}}, "bot_not_allowed")
	own("GET", "/v1/connections/"+ana, nil, "key_limited")
	own("POST", "/v1/join-tokens", map[string]any{"connection_id": ana, "meeting_number": m.Number, "types": []string{"onbehalf"}}, "key_limited")
	other := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/" + m.Number, "candidates": []map[string]any{{"host": true}}}).Str("id")
	own("GET", "/v1/bots/"+other, nil, "not_found")
	own("POST", "/v1/bots/"+other+"/join-tokens", map[string]any{}, "not_found")
	if got := own("POST", report, map[string]any{"state": "joined"}, ""); got.Str("state") != "joined" {
		t.Errorf("got %v, want it in", got)
	}
	w.OK("POST", "/v1/bots/"+id+"/leave", nil)
	w.Fails("bot_over", "POST", tokens, map[string]any{})
	w.OK("DELETE", "/v1/bots/"+id, nil)
	w.Fails("not_found", "GET", "/v1/bots/"+id, nil)
}

// Tokens are not minted before the bot's hour, whoever asks.
func TestABotGetsNothingEarly(t *testing.T) {
	w := lanyardtest.New(t)
	c := w.Connect(w.Zoom(), "u", "ana").Str("id")
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/81234567890", "join_at": "2027-01-02T03:04:05Z",
		"candidates": []map[string]any{{"connection_id": c}}})
	if b.Str("state") != "scheduled" {
		t.Errorf("got %v, want it scheduled", b)
	}
	if got := w.Fails("bot_too_early", "POST", "/v1/bots/"+b.Str("id")+"/join-tokens", map[string]any{}); got["retry_after"] == nil {
		t.Errorf("got %v, want it to say when", got)
	}
}
