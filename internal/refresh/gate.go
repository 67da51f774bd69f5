package refresh

import (
	"container/list"
	"context"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/grant"
)

// GateConfig says how fast and how much at once; every field may be left out.
type GateConfig struct {
	Rate     float64       // calls per second that an app may make where its provider says nothing; 0: 50
	InFlight int           // calls under way at once on this node; 0: 200
	Patience time.Duration // how long a caller waits here at most; 0: one minute
	Nodes    func() int    // how many nodes share the rates; quick, and from any goroutine; nil: one
}

// Gate is where every call to a token endpoint waits for its turn. It is safe for
// concurrent use.
type Gate struct {
	GateConfig

	mu     sync.Mutex
	taps   map[lanyard.AppID]*tap
	hosts  map[string]*host
	places places
	queued map[lanyard.AppID]*tap // taps that somebody waits at
	turns  map[lanyard.ProjectID]uint64
	turn   uint64
	calls  map[Ended]int64
	timer  *time.Timer
	swept  time.Time
	halted bool  // callers are refused too
	closed error // nobody enters any more

	room chan struct{} // something has changed for those who look for work
}

// tap is what one app may let through.
type tap struct {
	app     lanyard.AppID
	project lanyard.ProjectID
	host    *host
	rate    float64 // calls per second that its provider allows, on all nodes
	pace    pace
	breaker breaker

	queue     [levels]list.List // of *waiter
	waiting   int               // in all of them
	inFlight  int
	scheduled int // of those in flight, nobody waits for

	turn   uint64
	last   lanyard.Outcome
	lastAt time.Time
	seen   time.Time
}

// levels: callers who wait, then the ranks.
const levels = 1 + int(lanyard.RankIdle) + 1

type waiter struct {
	ask   grant.Ask
	tap   *tap
	level int
	until time.Time // then it would rather have an error
	place *list.Element
	call  *call         // once it may
	err   error         // or why not
	done  chan struct{} // closed when either is there
}

// Ended is how calls ended that are counted together.
type Ended struct {
	Class   string // of the provider
	Outcome lanyard.Outcome
}

// call is one that was let through.
type call struct {
	tap       *tap
	class     string
	project   lanyard.ProjectID
	host      *host
	scheduled bool
	began     time.Time
	trial     bool // of the app's breaker
	hostTrial bool
	left      bool
}

// NewGate returns a Gate.
func NewGate(c GateConfig) *Gate {
	if c.Rate <= 0 {
		c.Rate = 50
	}
	if c.InFlight <= 0 {
		c.InFlight = 200
	}
	if c.Patience <= 0 {
		c.Patience = time.Minute
	}
	if c.Nodes == nil {
		c.Nodes = func() int { return 1 }
	}
	return &Gate{GateConfig: c, taps: map[lanyard.AppID]*tap{}, hosts: map[string]*host{}, places: newPlaces(c.InFlight),
		queued: map[lanyard.AppID]*tap{}, turns: map[lanyard.ProjectID]uint64{}, calls: map[Ended]int64{},
		room: make(chan struct{}, 1)}
}

// brief is how long a scheduled call waits for what it was told there is: long
// enough for a caller or two who came in between.
const brief = 2 * time.Second

// Enter waits until a call may be made, and returns what must be called when it has
// ended, with its outcome and what the provider said of waiting; with OutcomeDropped
// if it was not made after all. Where the wait would be longer than the patience,
// or than ctx allows, it does not wait: nothing was sent then. It returns early when
// ctx ends.
//
// Errors, each with RetryAfter: provider_unavailable while the host does not
// answer, refresh_failed otherwise, store_unavailable when this node is stopping.
func (g *Gate) Enter(ctx context.Context, a grant.Ask) (leave func(o lanyard.Outcome, retryAfter time.Duration), err error) {
	now := time.Now()
	w := &waiter{ask: a, until: now.Add(g.Patience), done: make(chan struct{})}
	if !a.Waiting {
		w.level, w.until = 1+int(min(max(a.Rank, lanyard.RankGrace), lanyard.RankIdle)), now.Add(brief)
	}
	if d, ok := ctx.Deadline(); ok && d.Before(w.until) {
		w.until = d
	}
	g.mu.Lock()
	if err = g.refusal(w, now); err == nil {
		g.push(w)
		g.dispatch(now)
	}
	g.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-w.done: // most of the time
	default:
		patience := time.NewTimer(time.Until(w.until))
		defer patience.Stop()
		select {
		case <-w.done:
		case <-patience.C:
		case <-ctx.Done():
		}
	}
	return g.decide(ctx, w)
}

// decide is what became of a wait.
func (g *Gate) decide(ctx context.Context, w *waiter) (func(lanyard.Outcome, time.Duration), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	switch {
	case w.call != nil && ctx.Err() == nil:
		return func(o lanyard.Outcome, retryAfter time.Duration) { g.leave(w.call, o, retryAfter) }, nil
	case w.call != nil: // let through at the very moment when nobody wanted it any more
		g.undo(w.call)
		g.dispatch(now)
	case w.err != nil:
		return nil, w.err
	default:
		g.pull(w)
	}
	return nil, g.tooLong(w.tap, w.level, now)
}

// refusal is why there is no point in waiting.
func (g *Gate) refusal(w *waiter, now time.Time) error {
	switch {
	case g.closed != nil:
		return g.closed
	case g.halted && w.ask.Waiting:
		return &lanyard.Error{Code: lanyard.CodeRefreshFailed, Message: "the operator has stopped all renewals", RetryAfter: time.Minute}
	}
	w.tap = g.tapOf(w.ask, now)
	if g.earliest(w.tap, w.level, now).After(w.until) {
		return g.tooLong(w.tap, w.level, now)
	}
	return nil
}

func (g *Gate) tooLong(t *tap, level int, now time.Time) error {
	e := &lanyard.Error{Code: lanyard.CodeRefreshFailed, RetryAfter: min(max(g.earliest(t, level, now).Sub(now), minPause), maxPause)}
	if t.breaker.open() || t.host != nil && t.host.open() {
		e.Code = lanyard.CodeProviderUnavailable
	}
	return e
}

// earliest is when one who comes now could enter, as far as time alone decides.
func (g *Gate) earliest(t *tap, level int, now time.Time) time.Time {
	before := 0
	for i := range level + 1 {
		before += t.queue[i].Len()
	}
	at := t.pace.ready(g.rateOf(t), before)
	for _, b := range t.breakers() {
		if until, _ := b.ready(); until.After(at) {
			at = until
		}
	}
	if at.Before(now) {
		return now
	}
	return at
}

func (t *tap) breakers() []*breaker {
	if t.host == nil {
		return []*breaker{&t.breaker}
	}
	return []*breaker{&t.breaker, &t.host.breaker}
}

// rateOf is this node's part of the rate of an app.
func (g *Gate) rateOf(t *tap) float64 { return t.rate / float64(max(1, g.Nodes())) }

// tapOf finds an app's tap, or makes it.
func (g *Gate) tapOf(a grant.Ask, now time.Time) *tap {
	t := g.taps[a.App]
	if t == nil {
		g.sweep(now)
		t = &tap{app: a.App, pace: pace{part: 1}}
		g.taps[a.App] = t
	}
	t.project, t.seen, t.rate = a.Project, now, a.Rate
	if t.rate <= 0 {
		t.rate = g.Rate
	}
	if a.Host != "" && (t.host == nil || t.host.name != a.Host) {
		h := g.hosts[a.Host]
		if h == nil {
			h = &host{name: a.Host}
			g.hosts[a.Host] = h
		}
		t.host, t.breaker = h, breaker{}
	}
	return t
}

// forgetAfter is how long an app that does nothing is remembered.
const forgetAfter = 20 * time.Minute

// sweep forgets apps that have made no calls for long, and their hosts.
func (g *Gate) sweep(now time.Time) {
	if now.Sub(g.swept) < time.Minute {
		return
	}
	g.swept = now
	hosts, projects := map[string]bool{}, map[lanyard.ProjectID]bool{}
	for app, t := range g.taps {
		if t.waiting == 0 && t.inFlight == 0 && now.Sub(t.seen) > forgetAfter && t.pace.paused.Before(now) {
			delete(g.taps, app)
			continue
		}
		projects[t.project] = true
		if t.host != nil {
			hosts[t.host.name] = true
		}
	}
	for name := range g.hosts {
		if !hosts[name] {
			delete(g.hosts, name)
		}
	}
	for p := range g.turns {
		if !projects[p] {
			delete(g.turns, p)
		}
	}
}

func (g *Gate) push(w *waiter) {
	t := w.tap
	w.place = t.queue[w.level].PushBack(w)
	t.waiting++
	g.queued[t.app] = t
}

// pull takes one out of its queue.
func (g *Gate) pull(w *waiter) {
	t := w.tap
	t.queue[w.level].Remove(w.place)
	if t.waiting--; t.waiting == 0 {
		delete(g.queued, t.app)
	}
}
