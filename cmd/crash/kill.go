package main

import (
	"context"
	"time"
)

// killAtRandom kills a node again and again: every second time at a random moment,
// else within a few milliseconds of an answer, where an answer can be lost.
func killAtRandom(ctx context.Context, w *world) error {
	dice := w.dice(1)
	for i := range w.strikes {
		n := w.all[dice.IntN(len(w.all))]
		pause(ctx, between(dice, 100*time.Millisecond, 600*time.Millisecond))
		if i%2 == 1 && w.book.next(2*time.Second) {
			pause(ctx, between(dice, 0, 6*time.Millisecond))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := w.kill(ctx, n); err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return nil
}

// kill ends a process as a power cut does for it, and starts the next.
func (w *world) kill(ctx context.Context, n *node) error {
	w.note(n.name, "kill -9")
	if err := n.end("kill"); err != nil {
		return err
	}
	w.counted.kills++
	return n.start(ctx)
}

// terminate stops nodes as an operator does.
func terminate(ctx context.Context, w *world) error {
	dice := w.dice(2)
	for i := range w.strikes {
		n := w.all[dice.IntN(len(w.all))]
		pause(ctx, between(dice, 300*time.Millisecond, 1200*time.Millisecond))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.note(n.name, "SIGTERM")
		if err := n.end("term"); err != nil {
			return err
		}
		w.counted.kills++
		if err := n.start(ctx); err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return nil
}

func (w *world) progress(done int) {
	if done%10 == 0 || done == w.strikes {
		w.say("%d of %d strikes, %d renewals", done, w.strikes, w.book.renewals())
	}
}
