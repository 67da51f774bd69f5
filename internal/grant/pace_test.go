package grant

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// With the setting time_scale what is waited for is shorter by it, and the order of
// things is the same.
func TestPace(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	lost := History{Attempts: []lanyard.Attempt{{StartedAt: now.Add(-time.Second), EndedAt: now, Outcome: lanyard.OutcomeUnknown}}}
	strict := &provider.Target{Class: provider.ClassStrict}
	for p, want := range map[pace]time.Duration{0: 30 * time.Second, 1: 30 * time.Second, 60: 500 * time.Millisecond} {
		if got := p.mayTryAt(strict, lost, time.Time{}, now).Sub(now); got != want {
			t.Errorf("at %v: got a try after %v, want %v", p, got, want)
		}
	}
	throttled := provider.Result{Outcome: lanyard.OutcomeThrottled, RetryAfter: 5 * time.Second}
	if got := pace(60).after(strict, throttled, History{}, time.Time{}, now).RetryAt.Sub(now); got != 5*time.Second {
		t.Errorf("got a try after %v, want what the provider has asked for", got)
	}
	g := lanyard.Grant{HasRefresh: true, Health: lanyard.Healthy, AccessExpires: now.Add(time.Minute), UsedAt: now.Add(-time.Minute)}
	if got := pace(60).plan(strict, g, now); got.RefreshAt.Sub(now) > 48*time.Second || got.Rank != lanyard.RankInUse || !got.AccessExpires.Equal(g.AccessExpires) {
		t.Errorf("got %v (%d), want a token of a minute renewed as one of an hour is", got.RefreshAt.Sub(now), got.Rank)
	}
	g.UsedAt = now.Add(-30 * time.Minute)
	if got := pace(60).plan(strict, g, now); got.Rank != lanyard.RankIdle {
		t.Errorf("got rank %d, want it idle half an hour after its last use, which stands for thirty", got.Rank)
	}
}
