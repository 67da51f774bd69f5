package grant

import (
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// History is what happened to one (family, generation) so far: the attempts
// that sent its refresh token, oldest first.
type History struct {
	Attempts     []lanyard.Attempt
	OtherSuccess bool // another grant of the app was renewed since the first rejection
}

func (h History) count(o lanyard.Outcome) (n int, first, last time.Time) {
	for _, a := range h.Attempts {
		if a.Outcome != o {
			continue
		}
		if n++; n == 1 {
			first = a.EndedAt
		}
		last = a.EndedAt
	}
	return n, first, last
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
		if n++; n == 1 {
			first = at
		}
		last = at
	}
	return n, first, last
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
	n, first, last := h.unknown(now)
	if n == 0 {
		return now
	}
	switch class {
	case provider.ClassStatic, provider.ClassOverlap:
		return last.Add(backOff(n))
	case provider.ClassGrace:
		if n <= len(graceSteps) {
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

// backOff is 2 s, 4 s, 8 s … up to 5 minutes after the n-th failure.
func backOff(n int) time.Duration {
	return min(2*time.Second<<min(max(n, 1)-1, 10), 5*time.Minute)
}

// Next is what a failed renewal makes of a grant.
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
	unknown, _, _ := h.unknown(now)
	switch r.Outcome {
	case lanyard.OutcomeNotSent:
		failed, _, _ := h.count(lanyard.OutcomeNotSent)
		n.RetryAt = now.Add(min(backOff(failed), time.Minute))
	case lanyard.OutcomeThrottled:
		n.Reason, n.RetryAt = lanyard.CodeRateLimited, now.Add(clamp(r.RetryAfter, time.Second, 15*time.Minute))
	case lanyard.OutcomeAppError:
		n.Reason, n.RetryAt = lanyard.CodeAppMisconfigured, now.Add(30*time.Second)
	case lanyard.OutcomeInteraction:
		n.Health, n.Reason = lanyard.Dead, orElse(r.Reason, lanyard.CodeAdminPolicy)
	case lanyard.OutcomeRejected:
		n.Reason, n.RetryAt = lanyard.CodeRefreshUnconfirmed, now.Add(time.Minute)
		rejected, first, last := h.count(lanyard.OutcomeRejected)
		spread := last.Sub(first)
		if rejected >= 2 && spread >= time.Minute && h.OtherSuccess || rejected >= 3 && spread >= 10*time.Minute {
			n = Next{Health: lanyard.Dead, Reason: orElse(r.Reason, lanyard.CodeNeedsReauth)}
			if unknown > 0 {
				n.Reason = lanyard.CodeResponseLost // never "revoked" when an answer of ours was lost
			}
		} else if rejected > 1 {
			n.RetryAt = now.Add(5 * time.Minute)
			if h.OtherSuccess || spread < time.Minute {
				n.RetryAt = now.Add(time.Minute)
			}
		}
	default:
		n.RetryAt = MayTryAt(class, grace, h, accessExpires, now)
		if n.RetryAt.Before(now) {
			n.RetryAt = now
		}
	}
	return n
}

func clamp(d, low, high time.Duration) time.Duration { return max(low, min(d, high)) }

func orElse(c, other lanyard.Code) lanyard.Code {
	if c == "" {
		return other
	}
	return c
}
