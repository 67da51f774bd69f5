package grant_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/grant"
)

// Five at least, and one in twenty.
func TestStorm(t *testing.T) {
	for _, tc := range []struct {
		refused, grants int
		want            bool
	}{{0, 0, false}, {4, 4, false}, {5, 5, true}, {5, 100, true}, {5, 101, false}, {50, 1000, true}, {49, 1000, false}} {
		if got := grant.Storm(tc.refused, tc.grants); got != tc.want {
			t.Errorf("%d of %d: got %v, want %v", tc.refused, tc.grants, got, tc.want)
		}
	}
}

// I9: what a call that went wrong, or well, makes of the app's breaker; every
// state with every outcome.
func TestBreakerMoves(t *testing.T) {
	const (
		closed, open, storm, wary = lanyard.BreakerClosed, lanyard.BreakerOpen, lanyard.BreakerStorm, lanyard.BreakerWary
	)
	outcomes := []lanyard.Outcome{lanyard.OutcomeNotSent, lanyard.OutcomeUnknown, lanyard.OutcomeThrottled, lanyard.OutcomeInteraction}
	for _, was := range []lanyard.BreakerState{closed, open, storm, wary} {
		b := lanyard.Breaker{State: was, OpenedAt: at(0)}
		trip := func(o lanyard.Outcome, refused int, after time.Duration) lanyard.BreakerState {
			return grant.Trip(b, o, "e", refused, 20, at(after)).State
		}
		if got := trip(lanyard.OutcomeAppError, 0, 0); got != open {
			t.Errorf("%q, the app's fault: got %q, want it open", was, got)
		}
		if got := trip(lanyard.OutcomeRejected, 5, 0); got != storm {
			t.Errorf("%q, a storm: got %q", was, got)
		}
		want := map[lanyard.BreakerState]lanyard.BreakerState{closed: closed, open: wary, storm: storm, wary: wary}[was]
		if got := trip(lanyard.OutcomeRejected, 1, 0); got != want {
			t.Errorf("%q, one refusal: got %q, want %q", was, got, want)
		}
		for _, o := range outcomes {
			if got := trip(o, 0, 0); got != was {
				t.Errorf("%q, %s: got %q, want it as it was", was, o, got)
			}
		}
		want = map[lanyard.BreakerState]lanyard.BreakerState{closed: closed, open: closed, storm: wary, wary: wary}[was]
		if got := grant.Mend(b, at(time.Minute)).State; got != want {
			t.Errorf("%q, a renewal worked: got %q, want %q", was, got, want)
		}
	}
	b := lanyard.Breaker{State: wary, OpenedAt: at(0)}
	if got := grant.Mend(b, at(10*time.Minute)).State; got != closed {
		t.Errorf("wary for ten minutes: got %q, want it closed", got)
	}
	opened := grant.Trip(lanyard.Breaker{}, lanyard.OutcomeAppError, "invalid_client", 0, 0, at(0))
	if opened.Reason != lanyard.CodeAppMisconfigured || opened.Error != "invalid_client" || !opened.ProbeAt.Equal(at(30*time.Second)) {
		t.Errorf("got %+v, want the cause, and a probe after 30 s", opened)
	}
	again := grant.Trip(opened, lanyard.OutcomeAppError, "invalid_client", 0, 0, at(time.Minute))
	if !again.OpenedAt.Equal(opened.OpenedAt) {
		t.Errorf("got %+v, want it open since the first", again)
	}
}
