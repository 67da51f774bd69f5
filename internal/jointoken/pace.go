package jointoken

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"

	"lanyard"
)

const (
	turnFor   = 4 * time.Second  // how long a bot waits for its turn; a bot vendor gives up after some ten seconds
	paceOver  = time.Second      // a rate is so many calls in any of this length,
	paceSlack = paceOver / 20    // and a little more: calls do not all take as long to arrive
	paceGrows = 40 * time.Second // from nothing to the full rate, without a refusal
	paceLeast = 1.0 / 16         // of the rate is left whatever happens
	paceHold  = time.Second      // after a refusal that does not say for how long
	paceMost  = 4096             // accounts that are remembered, unless more wait
)

// Pace lets calls for one account at a provider through at a rate: Zoom counts the calls of
// a whole company together, of all apps. It is halved when the provider says that it was too
// much, and comes back slowly. Projects that share an account take turns, so that one with
// many bots does not keep another's out. It is safe for concurrent use.
type Pace struct {
	rate  float64    // calls per second for one account, on all nodes
	nodes func() int // that share it

	mu       sync.Mutex
	accounts map[string]*line
}

// line is who waits for one account: project by project, of each first come, first served.
type line struct {
	part  float64     // of the rate, 0 to 1
	grown time.Time   // as of then
	cut   time.Time   // when it was last halved
	hold  time.Time   // nothing before, as the provider asks
	sent  []time.Time // when the last calls began, oldest first
	queue list.List   // of *turn, in the order in which they are let through
	round int         // of who was let through last
	timer *time.Timer
}

type turn struct {
	project lanyard.ProjectID
	round   int       // in each, one of every project that waits
	until   time.Time // it does not wait any longer
	err     error
	done    chan struct{}
}

// NewPace returns a Pace. rate is in calls per second, above 0.
func NewPace(rate float64, nodes func() int) *Pace {
	return &Pace{rate: rate, nodes: nodes, accounts: map[string]*line{}}
}

// Enter waits until a project may make a call for an account, for some seconds at most. Where
// the wait would be longer, it does not wait, or no longer: rate_limited, with when to come
// again.
func (p *Pace) Enter(ctx context.Context, account string, project lanyard.ProjectID) error {
	now := time.Now()
	t := &turn{project: project, until: now.Add(turnFor), done: make(chan struct{})}
	if d, ok := ctx.Deadline(); ok && d.Before(t.until) {
		t.until = d
	}
	p.mu.Lock()
	l := p.line(account, now)
	place := l.join(t)
	p.dismiss(l, now)
	p.serve(l, now)
	p.mu.Unlock()
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		p.mu.Lock()
		l.queue.Remove(place) // nothing, where its turn has just come
		p.serve(l, time.Now())
		p.mu.Unlock()
		return ctx.Err()
	}
}

// Refused notes that the provider says it was too much, of a call that began at a moment.
// Many calls under way together are halved for once. after is how long the provider asks
// to wait; 0: it does not say.
func (p *Pace) Refused(account string, began time.Time, after time.Duration) {
	if after <= 0 {
		after = paceHold
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.line(account, now)
	if l.cut.IsZero() || began.After(l.cut) {
		l.part, l.cut, l.grown = max(l.part/2, paceLeast), now, now
	}
	if until := now.Add(after); until.After(l.hold) {
		l.hold = until
	}
	p.dismiss(l, now)
	p.serve(l, now)
}

// join puts a turn in its place: behind those of its own project, and a round later.
func (l *line) join(t *turn) *list.Element {
	t.round = l.round + 1
	var before *list.Element // the last that comes before it
	for e := l.queue.Front(); e != nil; e = e.Next() {
		if other := e.Value.(*turn); other.project == t.project {
			t.round = max(t.round, other.round+1)
		}
	}
	for e := l.queue.Back(); e != nil && before == nil; e = e.Prev() {
		if e.Value.(*turn).round <= t.round {
			before = e
		}
	}
	if before == nil {
		return l.queue.PushFront(t)
	}
	return l.queue.InsertAfter(t, before)
}

// dismiss sends away who would wait in vain.
func (p *Pace) dismiss(l *line, now time.Time) {
	slot := p.slots(l, now)
	at := slot()
	for e := l.queue.Front(); e != nil; {
		t, next := e.Value.(*turn), e.Next()
		if at.After(t.until) {
			t.err = tooLong(at, now)
			l.queue.Remove(e)
			close(t.done)
		} else {
			at = slot()
		}
		e = next
	}
}

func tooLong(at, now time.Time) error {
	return &lanyard.Error{Code: lanyard.CodeRateLimited, Message: "too many tokens are asked for on behalf of one company's accounts",
		RetryAfter: max(at.Sub(now), time.Second)}
}

// line finds that of an account, or makes it.
func (p *Pace) line(account string, now time.Time) *line {
	l := p.accounts[account]
	if l == nil {
		if len(p.accounts) >= paceMost {
			p.sweep(now)
		}
		l = &line{part: 1, grown: now}
		p.accounts[account] = l
	}
	l.part = min(1, l.part+now.Sub(l.grown).Seconds()/paceGrows.Seconds())
	l.grown = now
	return l
}

// sweep forgets accounts of which there is nothing to remember.
func (p *Pace) sweep(now time.Time) {
	for account, l := range p.accounts {
		full := l.part+now.Sub(l.grown).Seconds()/paceGrows.Seconds() >= 1
		_, window := p.room(l)
		idle := len(l.sent) == 0 || now.Sub(l.sent[len(l.sent)-1]) > window
		if l.queue.Len() == 0 && full && idle && now.After(l.hold) {
			delete(p.accounts, account)
		}
	}
}

// room is how many calls this node may begin in any window of what length.
func (p *Pace) room(l *line) (int, time.Duration) {
	rate := p.rate * l.part / float64(max(1, p.nodes()))
	n := max(1, math.Floor(rate))
	return int(n), max(paceOver, time.Duration(n/rate*float64(time.Second))) + paceSlack
}

// slots says when the next calls may begin, one after the other.
func (p *Pace) slots(l *line, now time.Time) func() time.Time {
	most, window := p.room(l)
	var next []time.Time // after those that were sent
	return func() time.Time {
		at := now
		if at.Before(l.hold) {
			at = l.hold
		}
		free := time.Time{} // the call that has to be a window ago
		switch i := len(l.sent) + len(next) - most; {
		case i >= len(l.sent):
			free = next[i-len(l.sent)]
		case i >= 0:
			free = l.sent[i]
		}
		if !free.IsZero() && free.Add(window).After(at) {
			at = free.Add(window)
		}
		next = append(next, at)
		return at
	}
}

// serve lets through whose turn it is, and sees to it that the next are.
func (p *Pace) serve(l *line, now time.Time) {
	for l.queue.Len() > 0 {
		at := p.slots(l, now)()
		if at.After(now) {
			if l.timer == nil {
				l.timer = time.AfterFunc(at.Sub(now), func() {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.serve(l, time.Now())
				})
			} else {
				l.timer.Reset(at.Sub(now))
			}
			return
		}
		most, _ := p.room(l)
		l.sent = append(l.sent, now)
		l.sent = l.sent[max(0, len(l.sent)-max(most, int(p.rate)+1)):]
		next := l.queue.Remove(l.queue.Front()).(*turn)
		l.round = next.round
		close(next.done)
	}
}
