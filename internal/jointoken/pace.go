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
	paceGrows = 60 * time.Second // from nothing to the full rate, without a refusal
	paceLeast = 1.0 / 16         // of the rate is left whatever happens
	paceHold  = time.Second      // after a refusal that does not say for how long
	paceMost  = 4096             // accounts that are remembered, unless more wait
)

// Pace lets calls for one account at a provider through at a rate: Zoom counts the calls of
// a whole company together. It is halved when the provider says that it was too much, and
// comes back slowly. It is safe for concurrent use.
type Pace struct {
	rate  float64    // calls per second for one account, on all nodes
	nodes func() int // that share it

	mu       sync.Mutex
	accounts map[string]*line
}

// line is who waits for one account, first come, first served.
type line struct {
	part  float64     // of the rate, 0 to 1
	grown time.Time   // as of then
	cut   time.Time   // when it was last halved
	hold  time.Time   // nothing before, as the provider asks
	sent  []time.Time // when the last calls began, oldest first
	queue list.List   // of *turn
	timer *time.Timer
}

type turn struct {
	until time.Time // it does not wait any longer
	err   error
	done  chan struct{}
}

// NewPace returns a Pace. rate is in calls per second, above 0.
func NewPace(rate float64, nodes func() int) *Pace {
	return &Pace{rate: rate, nodes: nodes, accounts: map[string]*line{}}
}

// Enter waits until a call may be made for an account, for some seconds at most. Where the
// wait would be longer, it does not wait: rate_limited, with when to come again.
func (p *Pace) Enter(ctx context.Context, account string) error {
	now := time.Now()
	t := &turn{until: now.Add(turnFor), done: make(chan struct{})}
	if d, ok := ctx.Deadline(); ok && d.Before(t.until) {
		t.until = d
	}
	p.mu.Lock()
	l := p.line(account, now)
	if at := p.last(l, now); at.After(t.until) {
		p.mu.Unlock()
		return tooLong(at, now)
	}
	place := l.queue.PushBack(t)
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
	slot := p.slots(l, now)
	at := slot()
	for e := l.queue.Front(); e != nil; {
		t, next := e.Value.(*turn), e.Next()
		if at.After(t.until) { // it would wait in vain
			t.err = tooLong(at, now)
			l.queue.Remove(e)
			close(t.done)
		} else {
			at = slot()
		}
		e = next
	}
	p.serve(l, now)
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
	times := append(make([]time.Time, 0, most+l.queue.Len()+1), l.sent[max(0, len(l.sent)-most):]...)
	return func() time.Time {
		at := now
		if at.Before(l.hold) {
			at = l.hold
		}
		if n := len(times); n >= most && times[n-most].Add(window).After(at) {
			at = times[n-most].Add(window)
		}
		times = append(times, at)
		return at
	}
}

// last is when the call may begin before which all others wait.
func (p *Pace) last(l *line, now time.Time) (at time.Time) {
	next := p.slots(l, now)
	for range l.queue.Len() + 1 {
		at = next()
	}
	return at
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
		close(l.queue.Remove(l.queue.Front()).(*turn).done)
	}
}
