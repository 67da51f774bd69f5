package refresh

import (
	"time"

	"lanyard"
)

// dispatch lets through whoever may enter now, and sets the clock for the next.
func (g *Gate) dispatch(now time.Time) {
	for {
		best, next := g.best(now)
		if best == nil {
			g.wake(next, now)
			return
		}
		g.pull(best)
		best.call = g.enter(best, now)
		close(best.done)
		g.signal()
	}
}

// best finds who comes next: callers who wait, then by rank; where that is equal,
// projects take turns, then their apps. Without one, next is when time may bring one.
func (g *Gate) best(now time.Time) (best *waiter, next time.Time) {
	for _, t := range g.queued {
		w := t.first()
		at, ok := g.entry(t)
		switch {
		case !ok: // until a trial has ended
			continue
		case at.After(now):
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		case g.places.room(t.project, t.app, w.level == 0) == 0: // until a call has ended
			continue
		}
		if best == nil || g.before(w, best) {
			best = w
		}
	}
	return best, next
}

func (g *Gate) before(a, b *waiter) bool {
	if a.level != b.level {
		return a.level < b.level
	}
	if x, y := g.turns[a.tap.project], g.turns[b.tap.project]; x != y {
		return x < y
	}
	if a.tap.turn != b.tap.turn {
		return a.tap.turn < b.tap.turn
	}
	return a.tap.app < b.tap.app
}

// first is whose turn it is at this tap.
func (t *tap) first() *waiter {
	for i := range t.queue {
		if e := t.queue[i].Front(); e != nil {
			return e.Value.(*waiter)
		}
	}
	return nil
}

// entry is when the next call of an app may begin; false: not before a trial has ended.
func (g *Gate) entry(t *tap) (at time.Time, ok bool) {
	at = t.pace.ready(g.rateOf(t), 0)
	for _, b := range t.breakers() {
		until, free := b.ready()
		if !free {
			return at, false
		}
		if until.After(at) {
			at = until
		}
	}
	return at, true
}

func (g *Gate) enter(w *waiter, now time.Time) *call {
	t := w.tap
	c := &call{tap: t, class: w.ask.Class, project: t.project, host: t.host, scheduled: w.level > 0, began: now, trial: t.breaker.enter()}
	if t.host != nil {
		c.hostTrial = t.host.enter()
		t.host.called(t.project, now)
	}
	g.turn++
	t.turn, g.turns[t.project] = g.turn, g.turn
	t.pace.take(g.rateOf(t), now)
	t.inFlight++
	if c.scheduled {
		t.scheduled++
	}
	g.places.take(c.project, t.app)
	return c
}

// wake has dispatch called again.
func (g *Gate) wake(next, now time.Time) {
	if next.IsZero() {
		if g.timer != nil {
			g.timer.Stop()
		}
		return
	}
	d := max(next.Sub(now), 0)
	if g.timer != nil {
		g.timer.Reset(d)
		return
	}
	g.timer = time.AfterFunc(d, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dispatch(time.Now())
	})
}

// leave ends a call. What follows from its outcome:
//
//	an answer            the rate rises, the breakers close
//	throttled            the rate is halved, the bucket is closed for as long as asked
//	unknown, not sent    a failure of the host; the second in a row halves the rate
//	dropped, not made    as if it had not been let through
func (g *Gate) leave(c *call, o lanyard.Outcome, retryAfter time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.left {
		return
	}
	if o == lanyard.OutcomeDropped || o == lanyard.OutcomeOpen {
		g.undo(c)
		g.dispatch(time.Now())
		return
	}
	g.end(c)
	now, t := time.Now(), c.tap
	t.last, t.lastAt, t.seen = o, now, now
	g.calls[Ended{c.class, o}]++
	switch o {
	case lanyard.OutcomeUnknown, lanyard.OutcomeNotSent:
		t.breaker.fail(c.trial, now)
		if c.host != nil {
			c.host.failed(c.project, c.hostTrial, now)
		}
		if t.breaker.row > 1 { // one alone is bad luck
			t.pace.slower(g.rateOf(t), c.began, now)
		}
	case lanyard.OutcomeThrottled:
		g.answered(c, now)
		t.pace.slower(g.rateOf(t), c.began, now)
		t.pace.pause(retryAfter, now)
	case lanyard.OutcomeAppError:
		g.answered(c, now)
	default:
		g.answered(c, now)
		t.pace.faster(now)
	}
	g.flush(now)
	g.dispatch(now)
	g.signal()
}

// answered closes the breakers. Apps that share the host and have waited for it on
// their own find out at once.
func (g *Gate) answered(c *call, now time.Time) {
	c.tap.breaker.answer()
	if c.host == nil {
		return
	}
	was := c.host.open()
	c.host.answered()
	if !was {
		return
	}
	for _, other := range g.taps {
		if other.host == c.host && other.breaker.until.After(now) {
			other.breaker.until = now
		}
	}
}

// undo takes back a call that was not made.
func (g *Gate) undo(c *call) {
	g.end(c)
	c.tap.pace.giveBack(g.rateOf(c.tap))
	c.tap.breaker.abort(c.trial)
	if c.host != nil {
		c.host.abort(c.hostTrial)
	}
	g.signal()
}

func (g *Gate) end(c *call) {
	c.left = true
	c.tap.inFlight--
	if c.scheduled {
		c.tap.scheduled--
	}
	g.places.leave(c.project, c.tap.app)
}

// flush sends those away for whom it has become too long, of an app that was just
// paused or whose host has just failed.
func (g *Gate) flush(now time.Time) {
	for _, t := range g.queued {
		at, _ := g.entry(t)
		if !at.After(now) {
			continue
		}
		for i := range t.queue {
			for e := t.queue[i].Front(); e != nil; {
				w := e.Value.(*waiter)
				e = e.Next()
				if at.After(w.until) {
					w.err = g.tooLong(t, i, now)
					g.pull(w)
					close(w.done)
				}
			}
		}
	}
}

func (g *Gate) signal() {
	select {
	case g.room <- struct{}{}:
	default: // somebody has not looked yet
	}
}

// Close refuses everybody from now on, those who wait included: a planned stop
// begins no call that it would then have to wait for (I15).
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = &lanyard.Error{Code: lanyard.CodeStoreUnavailable, Message: "this node is stopping; ask again", RetryAfter: time.Second}
	for _, t := range g.queued {
		for i := range t.queue {
			for e := t.queue[i].Front(); e != nil; e = e.Next() {
				w := e.Value.(*waiter)
				w.err = g.closed
				close(w.done)
			}
			t.queue[i].Init()
		}
		t.waiting = 0
	}
	clear(g.queued)
	g.wake(time.Time{}, time.Now())
}

// halt refuses callers too, or lets them in again.
func (g *Gate) halt(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.halted = on
}
