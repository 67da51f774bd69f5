package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/worker"
)

func TestTasksGoOnAfterAnErrorAndStopWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		runs, other, panics := 0, 0, 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			worker.Run(ctx, slog.New(slog.DiscardHandler),
				worker.Task{Name: "fails", Every: time.Minute, Run: func(context.Context) error { runs++; return errors.New("no") }},
				worker.Task{Name: "slow", Every: time.Hour, Run: func(context.Context) error { other++; return nil }},
				worker.Task{Name: "panics", Every: time.Minute, Run: func(context.Context) error { panics++; panic("a bug") }})
		}()
		time.Sleep(24 * time.Hour)
		stop()
		<-done
		if runs < 1200 || runs > 1800 {
			t.Errorf("got %d runs of a task due each minute in a day, want about 1440", runs)
		}
		if panics < 1200 {
			t.Errorf("got %d runs of a task that panics, want it tried again like any other", panics)
		}
		if other < 20 || other > 30 {
			t.Errorf("got %d runs of a task due each hour in a day, want about 24", other)
		}
	})
}
