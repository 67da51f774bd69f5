package bottest_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// running starts another node on the same database, with its tasks; it ends with the test.
func running(t *testing.T, w *lanyardtest.World) {
	t.Helper()
	settings := w.Settings
	settings.DataDir = t.TempDir()
	settings.Socket = filepath.Join(settings.DataDir, "s.sock")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	lanyardtest.Must(t)(nil, err)
	settings.Listen = l.Addr().String()
	lanyardtest.Must(t)(nil, l.Close())
	node, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil)))
	lanyardtest.Must(t)(nil, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the node ended with: %v", err)
		}
		if err := node.Close(context.Background()); err != nil {
			t.Errorf("the node closed with: %v", err)
		}
	})
}

// Four nodes look for what is due on one PostgreSQL database: each bot's hour comes once,
// and is told once; a bot that waits is tried again once in its half minute, and given up
// once.
func TestABotIsReadyOnceOnSeveralNodes(t *testing.T) {
	t.Parallel()
	s := newBotStory(t, false, func(set *server.Settings) {
		set.DatabaseURL, set.TimeScale = lanyard.NewSecret(storetest.PostgreSQL(t).URL), 30
	})
	running(t, s.World)
	running(t, s.World)
	running(t, s.World)
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
