package grant

import (
	"hash/fnv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

const (
	inUseFor  = 24 * time.Hour      // after its last use
	keepAlive = 30 * 24 * time.Hour // a renewal at least so often
	soonEarly = 5 * time.Minute     // before a meeting that needs it
	soonLasts = 30 * time.Minute    // and what a token should last from its beginning
)

// quiet are the times after a verdict at which the refresh token is tried once
// more, since a provider may take its no back.
var quiet = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// PlanAt sets when a grant is renewed and who comes first: RefreshAt, EagerAt and
// Rank (I18). Every rotation is a risk, so what nobody uses is only kept alive. It
// is pure; spread, from 0 to 1, moves a grant's hour so that they do not all come
// at once.
func PlanAt(t *provider.Target, g lanyard.Grant, spread float64, now time.Time) lanyard.Grant {
	g.RefreshAt, g.EagerAt, g.Rank = time.Time{}, time.Time{}, lanyard.RankIdle
	if !g.HasRefresh { // it ends with its access token, and that is to be told
		if g.Health != lanyard.Dead {
			g.RefreshAt = g.AccessExpires
		}
		return g
	}
	inUse := !g.UsedAt.IsZero() && now.Sub(g.UsedAt) < inUseFor
	switch g.Health {
	case lanyard.Dead:
		for _, d := range quiet {
			if at := g.DeadAt.Add(d); at.After(now) && !g.DeadAt.IsZero() {
				g.RefreshAt = at
				return g
			}
		}
		return g
	case lanyard.Degraded:
		if g.Reason == lanyard.CodeRestored {
			return g // we do not hold the current token: nothing can be sent
		}
		g.RefreshAt = latest(g.RetryAt, now)
		if inUse {
			g.Rank = lanyard.RankInUse
		}
		if t.Class == provider.ClassGrace && g.Reason == lanyard.CodeProviderUnavailable && g.RetryAt.Sub(now) < t.Grace {
			g.Rank = lanyard.RankGrace
		}
		return g
	}
	back := func(at time.Time, by time.Duration) time.Time { return at.Add(-time.Duration(spread * float64(by))) }
	if whole := g.AccessExpires.Sub(now); !g.AccessExpires.IsZero() {
		lead := min(max(whole/5, 5*time.Minute), whole/2)
		if t.RotationKillsAccess { // others may be using the token at this moment: as late as is safe
			lead = min(2*time.Minute, whole/4)
		}
		g.EagerAt = back(g.AccessExpires.Add(-lead), lead/4)
	}
	idle := keepAlive
	if t.RefreshIdle > 0 {
		idle = min(idle, t.RefreshIdle/3)
	}
	g.RefreshAt = back(now.Add(idle), idle/10)
	if inUse && !g.EagerAt.IsZero() && g.EagerAt.Before(g.RefreshAt) {
		g.RefreshAt, g.Rank = g.EagerAt, lanyard.RankInUse
	}
	if g.NeededAt.After(now) && !g.AccessExpires.IsZero() && g.AccessExpires.Before(g.NeededAt.Add(soonLasts)) {
		if at := g.NeededAt.Add(-soonEarly); at.Before(g.RefreshAt) {
			g.RefreshAt, g.Rank = latest(at, now), lanyard.RankSoon
		}
	}
	if !g.RefreshExpires.IsZero() { // what is nearest its death comes before what is merely used
		left := g.RefreshExpires.Sub(now)
		if at := g.RefreshExpires.Add(-max(left/5, min(24*time.Hour, left/2))); at.Before(g.RefreshAt) {
			g.RefreshAt, g.Rank = latest(at, now), lanyard.RankSoon
		}
	}
	return g
}

// spread is a number from 0 to 1 that is always the same for a generation of a grant.
func spread(g lanyard.Grant) float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(g.ID))
	_, _ = h.Write([]byte{byte(g.Generation), byte(g.Generation >> 8)})
	return float64(h.Sum32()) / (1 << 32)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
