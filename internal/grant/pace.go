package grant

import (
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// pace is how many times faster than true time schedules and waits run, for tests
// from outside (setting time_scale). The rules are asked about times that lie so much
// farther from now, and their answer is brought as much nearer.
type pace float64

func (p pace) usual() bool { return p == 0 || p == 1 }

// far is t as the rules are to see it; the zero time stays.
func (p pace) far(t, now time.Time) time.Time {
	if t.IsZero() || p.usual() {
		return t
	}
	return now.Add(time.Duration(float64(t.Sub(now)) * float64(p)))
}

// near is the other way.
func (p pace) near(t, now time.Time) time.Time {
	if t.IsZero() || p.usual() {
		return t
	}
	return now.Add(time.Duration(float64(t.Sub(now)) / float64(p)))
}

func (p pace) long(d time.Duration) time.Duration {
	if p.usual() {
		return d
	}
	return time.Duration(float64(d) * float64(p))
}

func (p pace) short(d time.Duration) time.Duration {
	if p.usual() {
		return d
	}
	return time.Duration(float64(d) / float64(p))
}

func (p pace) history(h History, now time.Time) History {
	if p.usual() {
		return h
	}
	h.Attempts = slices.Clone(h.Attempts)
	for i := range h.Attempts {
		a := &h.Attempts[i]
		a.StartedAt, a.Deadline, a.EndedAt = p.far(a.StartedAt, now), p.far(a.Deadline, now), p.far(a.EndedAt, now)
	}
	return h
}

func (p pace) mayTryAt(t *provider.Target, h History, accessExpires, now time.Time) time.Time {
	return p.near(MayTryAt(t.Class, p.long(t.Grace), p.history(h, now), p.far(accessExpires, now), now), now)
}

func (p pace) after(t *provider.Target, r provider.Result, h History, accessExpires, now time.Time) Next {
	r.RetryAfter = p.long(r.RetryAfter)
	n := After(t.Class, p.long(t.Grace), r, p.history(h, now), p.far(accessExpires, now), now)
	n.RetryAt = p.near(n.RetryAt, now)
	return n
}

func (p pace) plan(t *provider.Target, g lanyard.Grant, now time.Time) lanyard.Grant {
	if p.usual() {
		return PlanAt(t, g, spread(g), now)
	}
	long, far := *t, g
	long.RefreshIdle, long.Grace = p.long(t.RefreshIdle), p.long(t.Grace)
	for _, at := range []*time.Time{&far.AccessExpires, &far.UsedAt, &far.NeededAt, &far.RetryAt, &far.DeadAt, &far.RefreshExpires} {
		*at = p.far(*at, now)
	}
	far = PlanAt(&long, far, spread(g), now)
	g.RefreshAt, g.EagerAt, g.Rank = p.near(far.RefreshAt, now), p.near(far.EagerAt, now), far.Rank
	return g
}

// unanswered is a grant whose refresh token may be spent by attempts that nobody
// will be answered; h has them.
func (p pace) unanswered(t *provider.Target, g lanyard.Grant, h History, now time.Time) lanyard.Grant {
	n := p.after(t, provider.Result{Outcome: lanyard.OutcomeUnknown}, h, g.AccessExpires, now)
	g.Health, g.Reason, g.RetryAt = n.Health, n.Reason, n.RetryAt
	return p.plan(t, g, now)
}

// postponed is a grant that is not to be tried before at. One whose refresh token may
// be spent by an attempt that nobody has heard of is not shown as if nothing had
// happened.
func (p pace) postponed(t *provider.Target, g lanyard.Grant, h History, at, now time.Time) lanyard.Grant {
	g.RetryAt, g.Lease = at, lanyard.Lease{}
	if n, _, _ := h.unknown(now); n > 0 && t.Class.Rotates() && g.Health == lanyard.Healthy {
		g.Health, g.Reason = lanyard.Degraded, lanyard.CodeProviderUnavailable
	}
	if g = p.plan(t, g, now); g.Health == lanyard.Healthy {
		g.RefreshAt = latest(g.RefreshAt, at)
	}
	return g
}
