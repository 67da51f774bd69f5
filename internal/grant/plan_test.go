package grant_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
)

// I18: eagerly what is in use, as late as is safe where renewing kills the token
// that others use, once in a while what nobody uses, and never what cannot be.
func TestPlan(t *testing.T) {
	const min, day = time.Minute, 24 * time.Hour
	g := func(change func(*lanyard.Grant)) lanyard.Grant {
		g := lanyard.Grant{HasRefresh: true, Health: lanyard.Healthy, AccessExpires: at(time.Hour), UsedAt: at(-time.Hour)}
		change(&g)
		return g
	}
	usual := &provider.Target{Class: provider.ClassStrict}
	kills := &provider.Target{Class: provider.ClassStrict, RotationKillsAccess: true}
	for name, tc := range map[string]struct {
		target *provider.Target
		grant  lanyard.Grant
		want   time.Duration // from now; -1: never
		rank   lanyard.Rank
	}{
		"in use":                          {usual, g(func(*lanyard.Grant) {}), 48 * min, lanyard.RankInUse},
		"a short life":                    {usual, g(func(g *lanyard.Grant) { g.AccessExpires = at(2 * min) }), min, lanyard.RankInUse},
		"renewing kills":                  {kills, g(func(*lanyard.Grant) {}), 58 * min, lanyard.RankInUse},
		"kills, short life":               {kills, g(func(g *lanyard.Grant) { g.AccessExpires = at(2 * min) }), 90 * time.Second, lanyard.RankInUse},
		"nobody uses it":                  {usual, g(func(g *lanyard.Grant) { g.UsedAt = at(-25 * time.Hour) }), 30 * day, lanyard.RankIdle},
		"dies when idle":                  {&provider.Target{RefreshIdle: 60 * day}, g(func(g *lanyard.Grant) { g.UsedAt = time.Time{} }), 20 * day, lanyard.RankIdle},
		"never expires":                   {usual, g(func(g *lanyard.Grant) { g.AccessExpires = time.Time{} }), 30 * day, lanyard.RankIdle},
		"no refresh token":                {usual, g(func(g *lanyard.Grant) { g.HasRefresh = false }), 60 * min, lanyard.RankIdle}, // to say that it has ended
		"no refresh token, never expires": {usual, g(func(g *lanyard.Grant) { g.HasRefresh, g.AccessExpires = false, time.Time{} }), -1, lanyard.RankIdle},
		"no refresh token, dead":          {usual, g(func(g *lanyard.Grant) { g.HasRefresh, g.Health = false, lanyard.Dead }), -1, lanyard.RankIdle},
		"a meeting needs it": {usual, g(func(g *lanyard.Grant) { g.UsedAt, g.NeededAt = time.Time{}, at(2*time.Hour) }),
			115 * min, lanyard.RankSoon},
		"a meeting that this token outlasts":     {usual, g(func(g *lanyard.Grant) { g.UsedAt, g.NeededAt = time.Time{}, at(20*min) }), 30 * day, lanyard.RankIdle},
		"its refresh token dies":                 {usual, g(func(g *lanyard.Grant) { g.UsedAt, g.RefreshExpires = time.Time{}, at(10*day) }), 8 * day, lanyard.RankSoon},
		"its refresh token dies within the hour": {usual, g(func(g *lanyard.Grant) { g.RefreshExpires = at(40 * min) }), 20 * min, lanyard.RankSoon},
		"degraded": {usual, g(func(g *lanyard.Grant) {
			g.Health, g.Reason, g.RetryAt = lanyard.Degraded, lanyard.CodeProviderUnavailable, at(2*min)
		}), 2 * min, lanyard.RankInUse},
		"inside the grace": {&provider.Target{Class: provider.ClassGrace, Grace: 30 * time.Second}, g(func(g *lanyard.Grant) {
			g.Health, g.Reason, g.RetryAt = lanyard.Degraded, lanyard.CodeProviderUnavailable, at(2*time.Second)
		}), 2 * time.Second, lanyard.RankGrace},
		"set back: nothing can be sent": {usual, g(func(g *lanyard.Grant) { g.Health, g.Reason = lanyard.Degraded, lanyard.CodeRestored }), -1, lanyard.RankIdle},
		"dead, a quiet try":             {usual, g(func(g *lanyard.Grant) { g.Health, g.DeadAt = lanyard.Dead, at(0) }), time.Hour, lanyard.RankIdle},
		"dead, the next":                {usual, g(func(g *lanyard.Grant) { g.Health, g.DeadAt = lanyard.Dead, at(-time.Hour) }), 5 * time.Hour, lanyard.RankIdle},
		"dead, the last":                {usual, g(func(g *lanyard.Grant) { g.Health, g.DeadAt = lanyard.Dead, at(-24*time.Hour) }), 48 * time.Hour, lanyard.RankIdle},
		"dead for good":                 {usual, g(func(g *lanyard.Grant) { g.Health, g.DeadAt = lanyard.Dead, at(-72*time.Hour) }), -1, lanyard.RankIdle},
	} {
		got := grant.PlanAt(tc.target, tc.grant, 0, at(0))
		if want := at(tc.want); tc.want >= 0 && !got.RefreshAt.Equal(want) || tc.want < 0 && !got.RefreshAt.IsZero() || got.Rank != tc.rank {
			t.Errorf("%s: got %v (rank %d), want %v (rank %d)", name, got.RefreshAt.Sub(at(0)), got.Rank, tc.want, tc.rank)
		}
		if spread := grant.PlanAt(tc.target, tc.grant, 1, at(0)); spread.RefreshAt.After(got.RefreshAt) {
			t.Errorf("%s: spread out it comes later, at %v; want it sooner, never later", name, spread.RefreshAt.Sub(at(0)))
		}
	}
}
