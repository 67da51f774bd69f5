package grant

import (
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// History is what happened to one (family, generation) so far: the attempts
// that sent its refresh token, oldest first; and what else a verdict rests on.
type History struct {
	Attempts     []lanyard.Attempt
	OtherSuccess bool // another grant of the app was renewed between the first rejection and the call that was rejected last
	Edited       bool // the app's settings were changed since this grant's last success
	Alone        bool // the app has no other grant that could bear witness
	ProbeRefused bool // the access token, which by its own expiry had a minute to live, is refused too
	Suspended    bool // the app's breaker is open, or in a storm: nobody is believed
	Restored     bool // the database was put back to an older state since this grant's last success
}

func (h History) count(o lanyard.Outcome) (n int, first, last time.Time) {
	for _, a := range h.Attempts {
		if a.Outcome == o {
			n, first, last = span(n, first, last, a.EndedAt)
		}
	}
	return n, first, last
}

// span counts one more attempt, which ended then. Who begins first need not end first.
func span(n int, first, last, at time.Time) (int, time.Time, time.Time) {
	if n == 0 || at.Before(first) {
		first = at
	}
	return n + 1, first, latest(last, at)
}

// open says whether an attempt may still be answered to somebody alive, and
// until when at most.
func (h History) open(now time.Time) (time.Time, bool) {
	for _, a := range h.Attempts {
		if a.EndedAt.IsZero() && a.Deadline.After(now) {
			return a.Deadline, true
		}
	}
	return time.Time{}, false
}

// holding says whether an attempt has no end: its node may have an answer on its
// disk, however long it has been silent (I8).
func (h History) holding() bool {
	for _, a := range h.Attempts {
		if a.EndedAt.IsZero() {
			return true
		}
	}
	return false
}

// unknown counts attempts whose outcome we shall never learn: those that said
// so, and those whose node fell silent.
func (h History) unknown(now time.Time) (n int, first, last time.Time) {
	for _, a := range h.Attempts {
		at := a.EndedAt
		if at.IsZero() && !a.Deadline.After(now) {
			at = a.Deadline
		} else if a.Outcome != lanyard.OutcomeUnknown {
			continue
		}
		n, first, last = span(n, first, last, at)
	}
	return n, first, last
}

// burst counts the last unknown outcomes that lie no farther apart than the grace
// period, and says when they began: one of hours ago, which the provider never
// carried out, does not make the next wait.
func (h History) burst(grace time.Duration, now time.Time) (n int, first time.Time) {
	var last time.Time
	for i := range h.Attempts {
		one, when, _ := History{Attempts: h.Attempts[i : i+1]}.unknown(now)
		if one == 0 {
			continue
		}
		if n == 0 || when.Sub(last) > grace {
			n, first = 0, when
		}
		n, last = n+1, when
	}
	return n, first
}

// graceSteps are the moments after the first unknown outcome at which a provider
// with a grace period is asked again, as long as they lie inside it.
var graceSteps = []time.Duration{0, 2 * time.Second, 8 * time.Second, 20 * time.Second}

// MayTryAt returns the earliest moment at which this generation's refresh token
// may be sent again: a refresh token is never sent while an earlier use of it
// may still be answered (I7), and what a provider does with a second use of the
// same token is its class.
func MayTryAt(class provider.Class, grace time.Duration, h History, accessExpires, now time.Time) time.Time {
	if until, open := h.open(now); open {
		return until
	}
	n, _, last := h.unknown(now)
	if n == 0 {
		return now
	}
	switch class {
	case provider.ClassStatic, provider.ClassOverlap:
		return last.Add(backOff(n))
	case provider.ClassGrace:
		if n, first := h.burst(grace, now); n <= len(graceSteps) {
			at := first.Add(graceSteps[n-1])
			if at.Before(last) { // a call took longer than the step
				at = last
			}
			if at.Before(first.Add(grace)) {
				return at
			}
		}
		return last.Add(backOff(n + 4))
	case provider.ClassStrict:
		return last.Add(30 * time.Second << min(n-1, 5))
	default: // reuse_kill: a second use may end the family, so the old access token first serves out its time
		late := last.Add(30 * time.Minute)
		if nearly := accessExpires.Add(-time.Minute); !accessExpires.IsZero() && nearly.Before(late) {
			late = nearly
		}
		if early := last.Add(30 * time.Second); late.Before(early) {
			late = early
		}
		return late
	}
}

// inGrace is the next moment at which a refresh token that may be spent is tried
// while it still works, although a provider has just refused it: that may be a whim
// of its, and after the grace there is nothing left to try. Zero: there is none.
func inGrace(class provider.Class, grace time.Duration, h History, now time.Time) time.Time {
	n, first := h.burst(grace, now)
	if n == 0 || class != provider.ClassGrace {
		return time.Time{}
	}
	for _, step := range graceSteps {
		if at := first.Add(step); at.After(now) && step < grace {
			return at
		}
	}
	return time.Time{}
}

// backOff is 2 s, 4 s, 8 s … up to 5 minutes after the n-th failure.
func backOff(n int) time.Duration {
	return min(2*time.Second<<min(max(n, 1)-1, 10), 5*time.Minute)
}

// Next is what a failed renewal makes of a grant. Health "" leaves it as it is.
type Next struct {
	Health  lanyard.Health
	Reason  lanyard.Code
	RetryAt time.Time
}

// After decides what a renewal that brought no tokens says about the grant. It
// is pure. h includes the attempt just ended. Only a confirmed rejection, or a
// demand that the person act, is a verdict; an app's wrong secret, a storm or a
// lost answer is not (I8–I10).
func After(class provider.Class, grace time.Duration, r provider.Result, h History, accessExpires, now time.Time) Next {
	n := Next{Health: lanyard.Degraded, Reason: lanyard.CodeProviderUnavailable}
	switch r.Outcome {
	case lanyard.OutcomeNotSent:
		failed, _, _ := h.count(lanyard.OutcomeNotSent)
		n.RetryAt = now.Add(min(backOff(failed), time.Minute))
	case lanyard.OutcomeThrottled:
		n.Reason, n.RetryAt = lanyard.CodeRateLimited, now.Add(clamp(r.RetryAfter, time.Second, 15*time.Minute))
	case lanyard.OutcomeAppError: // nobody is marked for it; the breaker says when to go on (I9)
		failed, _, _ := h.count(lanyard.OutcomeAppError)
		n = Next{RetryAt: now.Add(min(30*time.Second<<min(max(failed, 1)-1, 10), 10*time.Minute))}
	case lanyard.OutcomeInteraction:
		n.Health, n.Reason = lanyard.Dead, orElse(r.Reason, lanyard.CodeAdminPolicy)
		if h.Suspended || h.holding() {
			n = unconfirmed(h, now)
		}
	case lanyard.OutcomeRejected:
		n = unconfirmed(h, now)
		if at := inGrace(class, grace, h, now); !at.IsZero() && at.Before(n.RetryAt) {
			n.RetryAt = at
		}
		if h.confirmed() && !h.Suspended && !h.holding() {
			n = Next{Health: lanyard.Dead, Reason: h.cause(class, r, now)}
		}
	default:
		n.RetryAt = MayTryAt(class, grace, h, accessExpires, now)
		if n.RetryAt.Before(now) {
			n.RetryAt = now
		}
	}
	return n
}

// confirmed says whether a rejection may be believed: two of them a minute apart
// while another grant of the app was renewed, three over ten minutes if it is the
// only one (over a day if the app's settings were changed meanwhile, which may be
// what is wrong), or one that the access token's own refusal bears out.
func (h History) confirmed() bool {
	rejected, first, last := h.count(lanyard.OutcomeRejected)
	spread := last.Sub(first)
	return rejected >= 2 && spread >= time.Minute && h.OtherSuccess ||
		rejected >= 3 && spread >= 10*time.Minute && h.Alone && !h.Edited ||
		rejected >= 3 && spread >= 24*time.Hour && h.Alone ||
		rejected >= 1 && h.ProbeRefused
}

// unwitnessed says whether a rejection that was repeated waits for another grant of
// the app to be renewed, or refused as well. Nobody else may be due for hours, and a
// wrong client id looks like this person's revocation until then (I9).
func (h History) unwitnessed() bool {
	rejected, _, _ := h.count(lanyard.OutcomeRejected)
	return rejected >= 2 && !h.OtherSuccess && !h.Alone && !h.Suspended
}

// cause is why a grant is dead; never "revoked by the user" where an answer of ours
// was lost or the database has forgotten something (I17). Where the refresh token
// that was sent goes on working, no answer that was lost can be why it does not.
func (h History) cause(class provider.Class, r provider.Result, now time.Time) lanyard.Code {
	unknown, _, _ := h.unknown(now)
	switch {
	case h.Restored:
		return lanyard.CodeRestored
	case unknown > 0 && class.Rotates():
		return lanyard.CodeResponseLost
	}
	return orElse(r.Reason, lanyard.CodeNeedsReauth)
}

// unconfirmed is a rejection that nobody believes yet. It is tried again in a
// minute where that can confirm it, and less and less often where it cannot.
func unconfirmed(h History, now time.Time) Next {
	rejected, first, last := h.count(lanyard.OutcomeRejected)
	wait := time.Minute
	if rejected > 1 && !h.OtherSuccess && last.Sub(first) >= time.Minute {
		wait = 5 * time.Minute
	}
	if rejected > 10 {
		wait = 30 * time.Minute
	}
	return Next{Health: lanyard.Degraded, Reason: lanyard.CodeRefreshUnconfirmed, RetryAt: now.Add(wait)}
}

func clamp(d, low, high time.Duration) time.Duration { return max(low, min(d, high)) }

func orElse(c, other lanyard.Code) lanyard.Code {
	if c == "" {
		return other
	}
	return c
}
