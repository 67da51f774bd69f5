package refresh

import (
	"cmp"
	"context"
	"hash/fnv"
	"math/rand/v2" //nolint:depguard // spreads out looks; nobody gains by guessing them
	"slices"
	"time"

	"lanyard"
)

// pick reads what is due of an app into its lane: as much as its pace lets through
// until the next look or two, and no more than the memory that is left. The lock is
// given back while the database is asked.
func (s *Scheduler) pick(ctx context.Context, l *lane, r room) {
	share := max(1, mostPicked/max(1, len(s.lanes)))
	part, of := s.Part()
	want := (min(int(2*s.Every.Seconds()/max(r.every.Seconds(), 1e-6)), mostForApp) + 4) * max(of, 1)
	want = max(1, min(want, mostPicked-s.picked, max(share, r.n)))
	busy := l.running
	for _, rest := range s.resting {
		if rest.lane.app == l.app {
			busy++
		}
	}
	limit := min(want+busy, mostPicked)
	s.mu.Unlock()
	got, err := s.Grants.Due(ctx, l.app, limit)
	s.mu.Lock()
	now := time.Now()
	if err != nil { // the next look says what is the matter
		l.more = false
		l.notYet = now.Add(leastRest)
		return
	}
	l.more = len(got) >= limit
	for _, g := range got {
		if _, runs := s.running[g.ID]; runs {
			continue
		}
		if rest, rests := s.resting[g.ID]; rests && rest.until.After(now) {
			continue
		}
		if len(l.ready) < want {
			l.ready, l.project = append(l.ready, g), g.Project
		}
	}
	if len(l.ready) == 0 && l.more { // those in front all rest: what is behind them must wait
		l.more, l.notYet = false, now.Add(leastRest)
	}
	arrange(l.ready, part, of)
	s.picked += len(l.ready)
}

// arrange puts, of each rank, first what is this node's part, so that nodes that have
// read the same list do not walk it side by side. What is in its grace period has no
// time for that.
func arrange(list []lanyard.Grant, part, of int) {
	if of <= 1 {
		return
	}
	others := func(g lanyard.Grant) int {
		h := fnv.New32a()
		_, _ = h.Write([]byte(g.ID))
		if g.Rank == lanyard.RankGrace || int(h.Sum32()%uint32(of)) == part {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b lanyard.Grant) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(others(a), others(b)))
	})
}

// room is what the gate has for an app.
type room struct {
	n      int           // calls that may begin now
	at     time.Time     // if none: when to ask again; zero: when something has happened
	every  time.Duration // between two calls at its pace
	inside int           // scheduled calls that are at the gate or have passed it
}

// toGate is how long a renewal that was begun may take to reach the gate, until which
// it counts as if it had. One that joins another's never does.
const toGate = 250 * time.Millisecond

// roomFor says how many scheduled calls of an app would be let through by the time
// they have reached the gate.
func (g *Gate) roomFor(app lanyard.AppID, project lanyard.ProjectID, now time.Time) room {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.taps[app]
	if t == nil {
		return room{n: min(1, g.places.room(project, app, false)), every: every(g.Rate / float64(max(1, g.Nodes())))}
	}
	rate := g.rateOf(t)
	r := room{every: every(rate * t.pace.part), inside: t.scheduled + t.waiting - t.queue[0].Len()}
	shut, ok := t.pace.paused, true
	for _, b := range t.breakers() {
		until, free := b.ready()
		if ok = ok && free; until.After(shut) {
			shut = until
		}
	}
	if !ok {
		return r
	}
	if shut.After(now) {
		r.at = shut
		return r
	}
	r.n = t.pace.tokens(rate, now) - t.waiting
	if t.breaker.open() || t.host != nil && t.host.open() {
		r.n = min(r.n, 1-t.waiting)
	} else if r.every <= brief/2 {
		r.n += max(1, int(toGate/r.every))
	}
	if r.n <= 0 {
		if r.n, r.at = 0, t.pace.ready(rate, t.waiting); !r.at.After(now) {
			r.at = now.Add(r.every)
		}
		return r
	}
	r.n = min(r.n, g.places.room(t.project, app, false))
	return r
}

func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // as above
}
