package refresh

import (
	"math/rand/v2" //nolint:depguard // spreads out tries; nobody gains by guessing them
	"time"

	"lanyard"
)

const (
	tooMany      = 5           // failures in a row open it
	firstPause   = time.Second // then one call after this,
	longestPause = 30 * time.Second
)

// breaker holds calls back from what does not answer: DNS, dial, TLS, time-outs
// and answers of no use. It only delays, by twice as long each time, and then lets
// one call through.
type breaker struct {
	row   int           // failures since the last answer
	pause time.Duration // zero: closed
	until time.Time     // no call before
	trial bool          // the one call is under way
}

func (b *breaker) open() bool { return b.pause > 0 }

// ready says when the next call may begin; false: when the trial has ended.
func (b *breaker) ready() (at time.Time, ok bool) {
	if !b.open() {
		return time.Time{}, true
	}
	return b.until, !b.trial
}

// enter notes that a call begins, and says whether it is the trial.
func (b *breaker) enter() bool {
	if !b.open() {
		return false
	}
	b.trial = true
	return true
}

// fail notes that a call had no answer. What began before it opened says nothing new.
func (b *breaker) fail(trial bool, now time.Time) {
	b.row++
	switch {
	case trial:
		b.trial, b.pause = false, min(2*b.pause, longestPause)
	case !b.open() && b.row >= tooMany:
		b.pause = firstPause
	default:
		return
	}
	b.until = now.Add(time.Duration(float64(b.pause) * (0.75 + rand.Float64()/4))) //nolint:gosec // as above
}

// answer notes that a call was answered, in whatever words.
func (b *breaker) answer() { *b = breaker{} }

// abort notes that the trial was not made after all.
func (b *breaker) abort(trial bool) {
	if trial {
		b.trial = false
	}
}

// host is a token endpoint's, which apps of many projects may share.
type host struct {
	breaker
	name string

	last    lanyard.ProjectID // who called last
	others  time.Time         // when somebody else than before called
	failing lanyard.ProjectID // whose call the failures in a row began with
	several bool              // and another's failed too
}

const sharedFor = 10 * time.Minute

func (h *host) called(p lanyard.ProjectID, now time.Time) {
	if h.last != "" && h.last != p {
		h.others = now
	}
	h.last = p
}

// failed counts a failure. Where several projects use a host, the failures of one
// alone are not held against the others: its apps may point to what never answers.
func (h *host) failed(p lanyard.ProjectID, trial bool, now time.Time) {
	if h.failing == "" {
		h.failing = p
	}
	h.several = h.several || h.failing != p
	shared := !h.others.IsZero() && now.Sub(h.others) < sharedFor
	if trial || h.several || !shared {
		h.fail(trial, now)
	}
}

func (h *host) answered() {
	h.answer()
	h.failing, h.several = "", false
}
