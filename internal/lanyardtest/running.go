package lanyardtest

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"lanyard/internal/server"
)

// Running starts another node on the same database, with its tasks; it ends with the test.
func Running(t *testing.T, w *World) {
	t.Helper()
	settings := w.Settings
	settings.DataDir = t.TempDir()
	settings.Socket = filepath.Join(settings.DataDir, "s.sock")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Must(t)(nil, err)
	settings.Listen = l.Addr().String()
	Must(t)(nil, l.Close())
	node, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil)))
	Must(t)(nil, err)
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
