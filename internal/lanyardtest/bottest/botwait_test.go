package bottest_test

import (
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
)

// A bot that waits for somebody is ready again by itself when they may be tried again, and
// is given up when its patience ends; its key ends with it. On a clock that runs fast.
func TestABotThatWaitsIsTriedAgainAndGivenUp(t *testing.T) {
	w := lanyardtest.New(t, func(s *server.Settings) { s.TimeScale = 30 }) // 30 s are one
	c := w.Connect(w.Zoom(), "u", "ana").Str("id")
	m, err := w.Sandbox.CreateMeeting("ana", "Weekly", "")
	if err != nil {
		t.Fatal(err)
	}
	b := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": "https://zoom.us/j/" + m.Number, "give_up_after_seconds": 180, "key": true,
		"candidates": []map[string]any{{"connection_id": c}}})
	id := b.Str("id")
	state := func(want string) lanyardtest.JSON {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			got := w.OK("GET", "/v1/bots/"+id, nil)
			if got.Str("state") == want {
				return got
			}
			if time.Now().After(end) {
				t.Fatalf("got %v, want it %s", got, want)
			}
		}
	}
	w.OK("POST", "/v1/bots/"+id+"/join-tokens", map[string]any{})
	w.OK("POST", "/v1/bots/"+id+"/report", map[string]any{"code": "4017", "sdk": "web"})
	state("waiting_for_person")
	state("ready")
	if got := state("failed"); got.Str("reason") != "person_absent" || got.Str("message") == "" {
		t.Errorf("got %v, want it to say that nobody came", got)
	}
	time.Sleep(1100 * time.Millisecond) // for as long a key's row is believed
	if status, _ := w.Call(b.Str("credential"), "GET", "/v1/bots/"+id, nil); status != 401 {
		t.Errorf("got %d with the key of a bot that is over, want 401", status)
	}
}
