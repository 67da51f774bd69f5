package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stopDatabase takes the database away for seconds, and once for minutes; nodes are
// killed meanwhile or not.
func stopDatabase(ctx context.Context, w *world) error {
	dice := w.dice(5)
	for i := range w.strikes {
		pause(ctx, between(dice, time.Second, 3*time.Second))
		w.book.next(2 * time.Second)
		pause(ctx, between(dice, 0, 4*time.Millisecond))
		length := between(dice, 500*time.Millisecond, 8*time.Second)
		if i == w.strikes/2 {
			length = w.outage
		}
		over := w.suffers("", "the database is stopped", false)
		if err := w.cluster.Stop(); err != nil {
			return err
		}
		w.counted.struck++
		pause(ctx, length/2)
		n := w.all[dice.IntN(len(w.all))]
		if dice.IntN(2) == 0 {
			w.note(n.name, "kill -9 while the database is stopped")
			if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
				return err
			}
			w.counted.kills++
		}
		pause(ctx, length/2)
		if err := w.cluster.Run(); err != nil {
			return err
		}
		over()
		if err := w.revive(ctx, n); err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return ctx.Err()
}

// failTransactions has each transaction of a process fail from the Nth on, as on a
// disk that has gone, at its begin or at its commit.
func failTransactions(ctx context.Context, w *world) error {
	dice, n := w.dice(5), w.all[0]
	for i := range w.strikes {
		point := []string{"store.begin", "store.commit"}[dice.IntN(2)]
		armed := fmt.Sprintf("LANYARD_FAULT=%s:error:%d+:EIO", point, 80+dice.IntN(400))
		if err := n.end("term"); err != nil {
			return err
		}
		if err := n.start(ctx, armed); err != nil {
			return err
		}
		length := between(dice, 2*time.Second, 8*time.Second)
		if i == w.strikes/2 {
			length = w.outage
		}
		over := w.suffers(n.name, "transactions fail: "+armed, false)
		pause(ctx, length)
		w.counted.struck++
		w.counted.kills++
		w.note(n.name, "kill -9")
		if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
			return err
		}
		over()
		if err := n.start(ctx); err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return ctx.Err()
}
