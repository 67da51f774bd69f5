package bottest_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// Four nodes look for what is due on one PostgreSQL database: each bot's hour comes once,
// and is told once; a bot that waits is tried again once in its half minute, and given up
// once.
func TestABotIsReadyOnceOnSeveralNodes(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false, func(set *server.Settings) {
		set.DatabaseURL, set.TimeScale = lanyard.NewSecret(storetest.PostgreSQL(t).URL), 30
	})
	lanyardtest.Running(t, s.World)
	lanyardtest.Running(t, s.World)
	lanyardtest.Running(t, s.World)
	const bots = 12
	at := time.Now().Add(4*time.Second + 3*time.Second) // two minutes before it are four seconds
	var ids []string
	for range bots {
		b := s.bot(map[string]any{"join_at": at.UTC().Format(time.RFC3339Nano), "give_up_after_seconds": 120}, s.ana)
		if b.Str("state") != "scheduled" {
			t.Fatalf("got %v, want it scheduled", b)
		}
		ids = append(ids, b.Str("id"))
	}
	for _, id := range ids {
		s.is(id, "ready")
	}
	waits := ids[0]
	s.tokens(waits, s.ana)
	s.report(waits, "waiting_for_person", map[string]any{"code": "4017", "sdk": "web"})
	s.is(waits, "ready")
	for _, id := range ids {
		s.is(id, "failed")
	}
	time.Sleep(time.Second) // in which whoever does it twice would
	got := map[string]map[string]int{}
	for _, e := range s.OK("GET", "/v1/events?type=bot.*&limit=200", nil).List("data") {
		id := e.Str("data.bot_id")
		if got[id] == nil {
			got[id] = map[string]int{}
		}
		got[id][e.Str("type")]++
	}
	for _, id := range ids {
		ready := 1
		if id == waits {
			ready = 2 // its hour, and the second try
		}
		if n := got[id]; n["bot.scheduled"] != 1 || n["bot.ready"] != ready || n["bot.failed"] != 1 {
			t.Errorf("bot %s: got %v, want %d ready and one end", id, n, ready)
		}
	}
}
