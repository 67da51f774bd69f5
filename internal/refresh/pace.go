package refresh

import "time"

const (
	burst     = 50 * time.Millisecond // of calls may be made up for at once
	burstFrom = 20                    // calls per second; slower apps go evenly
	growth    = 20 * time.Second      // from nothing to the full rate, while answers come
	leastPart = 0.02                  // of the rate is left whatever happens,
	leastRate = 0.2                   // or so many calls per second
	minPause  = time.Second
	maxPause  = 15 * time.Minute
)

// pace is how fast an app may call: a bucket (GCRA: the time at which it will be
// empty again), with additive increase and multiplicative decrease.
type pace struct {
	part   float64   // of the full rate, 0 to 1
	empty  time.Time // when all calls so far have been paid for
	paused time.Time // by Retry-After
	cut    time.Time // when part was last halved
	grown  time.Time // and last raised
}

// ready says when the next call may begin, and after it the n-th, at a rate in calls
// per second.
func (p *pace) ready(rate float64, n int) time.Time {
	at := p.empty.Add(time.Duration(n) * every(rate*p.part))
	if rate*p.part > burstFrom {
		at = at.Add(-burst)
	}
	if at.Before(p.paused) {
		return p.paused
	}
	return at
}

// tokens says how many calls may begin now.
func (p *pace) tokens(rate float64, now time.Time) int {
	first := p.ready(rate, 0)
	if first.After(now) {
		return 0
	}
	if rate*p.part <= burstFrom {
		return 1
	}
	return 1 + int(min(now.Sub(first), burst)/every(rate*p.part))
}

func (p *pace) take(rate float64, now time.Time) {
	if p.empty.Before(now) {
		p.empty = now
	}
	p.empty = p.empty.Add(every(rate * p.part))
}

// giveBack is for a call that was not made.
func (p *pace) giveBack(rate float64) { p.empty = p.empty.Add(-every(rate * p.part)) }

// pause closes the bucket for as long as the provider asks.
func (p *pace) pause(d time.Duration, now time.Time) {
	if until := now.Add(min(max(d, minPause), maxPause)); until.After(p.paused) {
		p.paused = until
	}
}

// slower halves the rate, once for all calls that were under way together.
func (p *pace) slower(rate float64, began, now time.Time) {
	if !p.cut.IsZero() && !began.After(p.cut) {
		return
	}
	least := min(1, max(leastPart, leastRate/rate))
	p.part, p.cut, p.grown = max(p.part/2, least), now, now
}

// faster raises it by the time since it last did, so that it rises as fast for
// whoever calls often as for whoever does not.
func (p *pace) faster(now time.Time) {
	if p.part < 1 {
		step := min(now.Sub(p.grown), time.Second)
		p.part = min(1, p.part+step.Seconds()/growth.Seconds())
	}
	p.grown = now
}

func every(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }
