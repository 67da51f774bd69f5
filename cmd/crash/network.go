package main

import (
	"context"
	"errors"
	"net"
	"time"
)

func hostPort(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, ""
	}
	return host, port
}

// cutNetworks cuts nodes off from the database, from providers, or from both, in
// every way that networks have; now and then a process is killed or stopped as well.
func cutNetworks(ctx context.Context, w *world) error {
	dice := w.dice(7)
	for i := range w.strikes {
		pause(ctx, between(dice, 500*time.Millisecond, 2*time.Second))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := w.all[dice.IntN(len(w.all))]
		way := []string{closed, silent, silent, mute}[dice.IntN(4)]
		length := between(dice, 200*time.Millisecond, 6*time.Second)
		if dice.IntN(12) == 0 {
			length = between(dice, 21*time.Second, 25*time.Second) // longer than a call may take
		}
		from := dice.IntN(3) // database, providers, both
		what := []string{"cut from the database", "cut from providers", "cut from everything"}[from]
		over := w.suffers(n.name, what+": "+way, from != 0)
		for _, k := range w.links {
			if k.node == n.name && (from == 2 || k.follows == (from == 1)) {
				k.set(way)
			}
		}
		pause(ctx, length)
		switch dice.IntN(5) {
		case 0:
			w.note(n.name, "kill -9 while cut off")
			if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
				return err
			}
			w.counted.kills++
		case 1:
			if err := w.hold(ctx, n, between(dice, time.Second, 4*time.Second)); err != nil {
				return err
			}
		}
		for _, k := range w.links {
			k.set(open)
		}
		over()
		w.counted.struck++
		if err := w.revive(ctx, n); err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return ctx.Err()
}

// hold stops a process for a while without its knowing.
func (w *world) hold(ctx context.Context, n *node, length time.Duration) error {
	over := w.suffers(n.name, stopped, false)
	defer over()
	if err := n.signalStop(); err != nil {
		return err
	}
	pause(ctx, length)
	return n.signalGo()
}

// pastTheLease stops one node for longer than its leases last, at moments at which
// it has calls under way, while the others go on.
func pastTheLease(ctx context.Context, w *world) error {
	dice := w.dice(8)
	for i := range w.strikes {
		pause(ctx, between(dice, time.Second, 3*time.Second))
		w.book.next(2 * time.Second)
		pause(ctx, between(dice, 0, 3*time.Millisecond))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := w.hold(ctx, w.all[dice.IntN(len(w.all))], between(dice, leaseLasts, leaseLasts+10*time.Second)); err != nil {
			return err
		}
		w.counted.struck++
		w.say("%d of %d stops, %d renewals", i+1, w.strikes, w.book.renewals())
	}
	return ctx.Err()
}

// leaseLasts is a little longer than a lease: two deadlines of 20 s and half a minute.
const leaseLasts = 72 * time.Second

// stepClock restarts nodes with clocks that are wrong by up to ten minutes, each by
// another time than before and than the others.
func stepClock(ctx context.Context, w *world) error {
	dice := w.dice(9)
	for i := range w.strikes {
		pause(ctx, between(dice, 500*time.Millisecond, 2*time.Second))
		n := w.all[dice.IntN(len(w.all))]
		how := []string{"term", "kill"}[dice.IntN(2)]
		if how == "kill" {
			w.book.next(time.Second)
			w.counted.kills++
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		offset := []time.Duration{-10 * time.Minute, 10 * time.Minute, 0, between(dice, -10*time.Minute, 10*time.Minute)}[dice.IntN(4)].Truncate(time.Second)
		w.note(n.name, "%s, then a clock that is off by %s", how, offset)
		if err := n.end(how); err != nil {
			return err
		}
		if err := n.start(ctx, "LANYARD_CLOCK_OFFSET="+offset.String()); err != nil {
			return err
		}
		w.counted.struck++
		w.progress(i + 1)
	}
	for _, n := range w.all { // and right again
		if err := n.end("term"); err != nil {
			return err
		}
		if err := n.start(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
