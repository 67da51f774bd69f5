// Package worker runs tasks until the context ends.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2" //nolint:depguard // spreads out starts; nobody gains by guessing them
	"runtime/debug"
	"sync"
	"time"
)

// Task is something to be done again and again. Run must be safe on two nodes
// at once and return soon after ctx ends. Its error is logged and the task goes on.
type Task struct {
	Name  string
	Every time.Duration // between the end of one run and the start of the next, ±20 %
	Run   func(ctx context.Context) error
}

// Run runs all tasks, each on its own, until ctx ends, and returns when all have.
func Run(ctx context.Context, logger *slog.Logger, tasks ...Task) {
	var wg sync.WaitGroup
	for _, t := range tasks {
		wg.Go(func() {
			for {
				pause := time.NewTimer(time.Duration(float64(t.Every) * (0.8 + 0.4*rand.Float64()))) //nolint:gosec // as above
				select {
				case <-ctx.Done():
					pause.Stop()
					return
				case <-pause.C:
				}
				if err := run(ctx, t); err != nil && ctx.Err() == nil {
					logger.Error("task failed; it will be tried again", "task", t.Name, "error", err)
				}
			}
		})
	}
	wg.Wait()
}

// run makes an error of a panic: a bug in one task ends neither the others nor
// the server. Its value may be anything, a secret too.
func run(ctx context.Context, t Task) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %T\n%s", v, debug.Stack())
		}
	}()
	return t.Run(ctx)
}
