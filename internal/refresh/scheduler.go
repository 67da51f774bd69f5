package refresh

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/grant"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

// Grants is what a Scheduler asks what is due, and has it renewed: *grant.Service,
// or a pretended one with a million grants and no database.
type Grants interface {
	DueApps(ctx context.Context) ([]store.DueApp, error)
	Due(ctx context.Context, app lanyard.AppID, limit int) ([]lanyard.Grant, error)
	Renew(ctx context.Context, seen lanyard.Grant, by lanyard.Principal) (lanyard.Grant, error)
}

// Config is what a Scheduler needs; what comes after Store may be left out.
type Config struct {
	Gate    *Gate
	Grants  Grants
	Store   *store.DB             // where an operator's stop is kept
	Part    func() (part, of int) // which part of what is due this node begins with; nil: 0 of 1
	Every   time.Duration         // between two looks, ±20 %; 0: one second
	Settle  time.Duration         // where there are other nodes: how long until they know of this one; nothing begins before
	Stopped bool                  // this node renews nothing on its own
	Hold    func() error          // why this node must call no provider at all; nil, or nil from it: it may
	Logger  *slog.Logger
}

// Scheduler has renewed what is due. One Run at a time; the rest may be called from
// anywhere.
type Scheduler struct {
	Config
	ended chan ended
	look  chan struct{} // look at once
	drain chan struct{} // closed: start nothing
	once  sync.Once

	mu       sync.Mutex // guards what follows; not held while the database or a provider is asked
	lanes    map[lanyard.AppID]*lane
	projects map[lanyard.ProjectID]uint64 // turns
	turn     uint64
	picked   int // grants in all lanes
	running  map[lanyard.GrantID]*lane
	resting  map[lanyard.GrantID]rest
	pool     places
	stop     Stop
	failing  bool // the last look did not work
	since    time.Time
	oldest   time.Time
}

// lane is an app with grants that are due.
type lane struct {
	app     lanyard.AppID
	project lanyard.ProjectID // "": not known before the first grant
	since   time.Time
	ready   []lanyard.Grant // to be renewed next, in this order
	more    bool            // there are others
	due     bool            // as of the last look
	running int
	begun   []time.Time // those that may not have reached the gate yet
	turn    uint64
	notYet  time.Time // nothing is started or picked before
}

// rest is how long a grant is left alone that could not be renewed and is still due.
type rest struct {
	until time.Time
	lane  *lane
}

type ended struct {
	lane  *lane
	grant lanyard.Grant
	next  time.Time // not again before
}

const (
	mostPicked  = 256 // grants in memory that wait for their turn
	mostForApp  = 64
	mostResting = 1024
	leastRest   = time.Second
	mostRest    = time.Minute
)

// New returns a Scheduler.
func New(c Config) *Scheduler {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.Part == nil {
		c.Part = func() (int, int) { return 0, 1 }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	n := c.Gate.InFlight
	return &Scheduler{Config: c, ended: make(chan ended, n), look: make(chan struct{}, 1), drain: make(chan struct{}),
		lanes: map[lanyard.AppID]*lane{}, projects: map[lanyard.ProjectID]uint64{}, running: map[lanyard.GrantID]*lane{},
		resting: map[lanyard.GrantID]rest{}, pool: newPlaces(n)}
}

// Task is the Scheduler as a task, which runs until its context ends.
func (s *Scheduler) Task() worker.Task {
	return worker.Task{Name: "refresh", Every: time.Second, Run: s.Run}
}

// Drain ends the starting of renewals; those that run go on.
func (s *Scheduler) Drain() { s.once.Do(func() { close(s.drain) }) }

func (s *Scheduler) drained() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

// Run looks for what is due and has it renewed, until ctx ends or Drain is called,
// and returns when nothing that it has started is left to wait for.
func (s *Scheduler) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var calls sync.WaitGroup
	defer s.settle()
	defer calls.Wait()
	defer stop() // those who wait for a renewal that goes on without them
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now()
	s.since = next
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.drain:
			return nil
		case <-timer.C:
		case <-s.Gate.room:
		case <-s.look:
			next = time.Now()
		case e := <-s.ended:
			s.end(e)
		}
		s.endAll()
		if ctx.Err() != nil || s.drained() { // whichever of several was picked
			return nil
		}
		if now := time.Now(); !now.Before(next) {
			s.see(ctx)
			took := time.Since(now) // with thousands of apps, or a slow database
			next = time.Now().Add(max(jitter(s.Every), min(4*took, 3*s.Every)))
		}
		at := s.start(ctx, &calls)
		if at.IsZero() || at.After(next) {
			at = next
		}
		timer.Reset(max(time.Until(at), 0))
	}
}

// endAll takes what has ended meanwhile.
func (s *Scheduler) endAll() {
	for {
		select {
		case e := <-s.ended:
			s.end(e)
		default:
			return
		}
	}
}

// settle is the end of a Run.
func (s *Scheduler) settle() {
	s.endAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.empty()
}

// empty forgets what was picked.
func (s *Scheduler) empty() {
	clear(s.lanes)
	s.picked = 0
}

// may says whether this node has any business with providers yet.
func (s *Scheduler) may() bool {
	if s.Hold != nil && s.Hold() != nil {
		return false
	}
	_, of := s.Part()
	return of <= 1 || time.Since(s.since) >= s.Settle
}

// see looks at what is due and whether anything is to be done about it.
func (s *Scheduler) see(ctx context.Context) {
	stop, err := s.readStop(ctx)
	var apps []store.DueApp
	if err == nil && !stop.On() && s.may() {
		apps, err = s.Grants.DueApps(ctx)
	}
	s.mu.Lock()
	if err != nil {
		s.empty()
		first := !s.failing && ctx.Err() == nil
		s.failing = true
		s.mu.Unlock()
		if first {
			s.Logger.Error("what is due cannot be read; it will be tried again", "error", err)
		}
		return
	}
	s.failing = false
	s.Gate.halt(stop.Callers)
	s.stop, s.oldest = stop, time.Time{}
	if stop.On() {
		s.empty()
	}
	now := time.Now()
	for g, r := range s.resting {
		if r.until.Before(now) {
			delete(s.resting, g)
		}
	}
	for _, l := range s.lanes {
		l.due = false
	}
	for _, a := range apps {
		l := s.lanes[a.App]
		if l == nil {
			l = &lane{app: a.App}
			s.lanes[a.App] = l
		}
		l.since, l.due, l.more = a.Since, true, true
		if s.oldest.IsZero() || a.Since.Before(s.oldest) {
			s.oldest = a.Since
		}
	}
	known := map[lanyard.ProjectID]bool{}
	for app, l := range s.lanes {
		s.drop(l) // what is more urgent may have become due
		if !l.due && l.running == 0 {
			delete(s.lanes, app)
			continue
		}
		known[l.project] = true
	}
	for p := range s.projects {
		if !known[p] {
			delete(s.projects, p)
		}
	}
	s.mu.Unlock()
}

func (s *Scheduler) drop(l *lane) {
	s.picked -= len(l.ready)
	l.ready = nil
}

// start has renewed what there is room for, and says when to look again; never, if
// only something that happens can change it.
func (s *Scheduler) start(ctx context.Context, calls *sync.WaitGroup) (again time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	space := map[*lane]room{}
	var open []*lane
	for _, l := range s.lanes {
		if !l.due && len(l.ready) == 0 {
			continue
		}
		r := s.spaceFor(l, now)
		if r.n > 0 {
			open, space[l] = append(open, l), r
		} else if !r.at.IsZero() && (again.IsZero() || r.at.Before(again)) {
			again = r.at
		}
	}
	started := map[*lane]int{}
	for len(open) > 0 && ctx.Err() == nil {
		at := 0
		for i, l := range open {
			if s.before(l, open[at]) {
				at = i
			}
		}
		l := open[at]
		if len(l.ready) == 0 && l.more && s.picked < mostPicked {
			s.pick(ctx, l, space[l])
		}
		n := space[l].n - started[l]
		if len(l.ready) == 0 || n <= 0 || s.pool.room(l.project, l.app, false) == 0 {
			open[at] = open[len(open)-1]
			open = open[:len(open)-1]
			continue
		}
		g := l.ready[0]
		l.ready, s.picked = l.ready[1:], s.picked-1
		started[l]++
		s.begin(ctx, calls, l, g)
	}
	for l := range started { // when its bucket has the next
		if at := now.Add(max(space[l].every, tick)); again.IsZero() || at.Before(again) {
			again = at
		}
	}
	return again
}

// tick is how often it is looked for a place in the bucket of an app that is fast:
// what comes a moment late is made up for (burst).
const tick = 5 * time.Millisecond

// spaceFor is how many renewals of an app may begin now.
func (s *Scheduler) spaceFor(l *lane, now time.Time) room {
	if l.notYet.After(now) {
		return room{at: l.notYet}
	}
	r := s.Gate.roomFor(l.app, l.project, now)
	old := 0
	for old < len(l.begun) && !l.begun[old].Add(toGate).After(now) { // they are in order
		old++
	}
	l.begun = slices.Delete(l.begun, 0, old)
	if coming := min(len(l.begun), l.running-r.inside); coming > 0 && r.n > 0 {
		if r.n -= coming; r.n <= 0 {
			r.n, r.at = 0, now.Add(max(r.every, tick))
		}
	}
	r.n = min(r.n, s.pool.room(l.project, l.app, false))
	return r
}

// before says whose turn it is: projects take turns, then their apps.
func (s *Scheduler) before(a, b *lane) bool {
	if x, y := s.projects[a.project], s.projects[b.project]; x != y {
		return x < y
	}
	if a.turn != b.turn {
		return a.turn < b.turn
	}
	return a.app < b.app
}

// begin renews one, on a goroutine of its own: there are never more than places.
func (s *Scheduler) begin(ctx context.Context, calls *sync.WaitGroup, l *lane, g lanyard.Grant) {
	s.turn++
	l.turn, s.projects[l.project] = s.turn, s.turn
	l.running++
	l.begun = append(l.begun, time.Now())
	s.running[g.ID] = l
	s.pool.take(l.project, l.app)
	calls.Go(func() {
		is, err := s.Grants.Renew(ctx, g, grant.Scheduled(g.Project))
		now := time.Now()
		e := ended{lane: l, grant: g, next: now.Add(leastRest)}
		switch wait, ok := errors.AsType[*lanyard.Error](err); {
		case is.ID == g.ID && !(sameTokens(is, g) && is.RefreshAt.Equal(g.RefreshAt)):
			e.next = time.Time{} // when it is due again, its row says
		case ok && wait.RetryAfter > leastRest:
			e.next = now.Add(min(wait.RetryAfter, mostRest))
		}
		s.ended <- e
	})
}

func sameTokens(a, b lanyard.Grant) bool { return a.Family == b.Family && a.Generation == b.Generation }

func (s *Scheduler) end(e ended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, e.grant.ID)
	e.lane.running--
	s.pool.leave(e.grant.Project, e.grant.App)
	if e.next.IsZero() {
		return
	}
	if len(s.resting) < mostResting {
		s.resting[e.grant.ID] = rest{e.next, e.lane}
		return
	}
	e.lane.notYet = time.Now().Add(leastRest) // rather the whole app than the same ones over and over
}
