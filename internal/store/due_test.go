package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// planned is a grant of an app with a plan.
func planned(app lanyard.App, name string, rank lanyard.Rank, at time.Time) lanyard.Grant {
	return lanyard.Grant{ID: lanyard.GrantID("grt_" + name), Project: app.Project, App: app.ID, Issuer: "https://zoom.us", Kind: "user",
		SubjectHash: hash(string(app.ID) + name), Family: "fam_" + name, Generation: 3, Tokens: []byte("t"), HasRefresh: true,
		Health: lanyard.Healthy, Rank: rank, RefreshAt: at, CreatedAt: day, UpdatedAt: day}
}

func addGrants(t *testing.T, db *store.DB, grants ...lanyard.Grant) {
	t.Helper()
	done(t, db, func(tx *store.Tx) error {
		for _, g := range grants {
			if err := tx.AddGrant(g); err != nil {
				return err
			}
		}
		return nil
	})
}

func grantOf(t *testing.T, db *store.DB, g lanyard.Grant) lanyard.Grant {
	t.Helper()
	return view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(g.Project, g.ID) })
}

func due(t *testing.T, db *store.DB, app lanyard.AppID, now time.Time, limit int) (names []string) {
	t.Helper()
	for _, g := range view(t, db, func(q *store.Query) ([]lanyard.Grant, error) { return q.Due(app, now, limit) }) {
		names = append(names, string(g.ID[len("grt_"):]))
	}
	return names
}

func TestWhatIsDueComesByRankThenByTimeAndOnlyIfNobodyHoldsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mine, theirs := newWorld().app, newWorld().app
		at := func(d time.Duration) time.Time { return day.Add(d) }
		leased, lapsed := planned(mine, "leased", lanyard.RankGrace, at(-time.Hour)), planned(mine, "lapsed", lanyard.RankInUse, at(-time.Hour))
		leased.Lease, lapsed.Lease = lanyard.Lease{Owner: "n2", Until: at(time.Second)}, lanyard.Lease{Owner: "n2", Until: at(-time.Second)}
		grace := planned(mine, "grace", lanyard.RankGrace, at(-time.Millisecond))
		grace.RejectedAt = day
		addGrants(t, db, leased, lapsed,
			planned(mine, "idle", lanyard.RankIdle, at(-24*time.Hour)),
			planned(mine, "used-late", lanyard.RankInUse, at(-time.Minute)),
			planned(mine, "used-now", lanyard.RankInUse, at(0)),
			planned(mine, "used-later", lanyard.RankInUse, at(time.Microsecond)),
			planned(mine, "soon", lanyard.RankSoon, at(-time.Second)),
			grace,
			planned(mine, "unplanned", lanyard.RankGrace, time.Time{}),
			planned(theirs, "foreign", lanyard.RankGrace, at(-time.Hour)))
		same(t, "due", due(t, db, mine.ID, day, 100), []string{"grace", "soon", "lapsed", "used-late", "used-now", "idle"})
		same(t, "no more than asked for", due(t, db, mine.ID, day, 3), []string{"grace", "soon", "lapsed"})
		same(t, "of an app that has none", due(t, db, "app_none", day, 3), nil)

		got := view(t, db, func(q *store.Query) ([]lanyard.Grant, error) { return q.Due(mine.ID, day, 1) })
		g := grace
		same(t, "what is filled in", got, []lanyard.Grant{{ID: g.ID, Project: g.Project, App: g.App, Family: g.Family,
			Generation: g.Generation, Health: g.Health, Rank: g.Rank, RefreshAt: g.RefreshAt.Truncate(time.Microsecond), RejectedAt: day}})
	})
}

func TestAppsAreDueSinceTheirFirstGrant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		apps := func(now time.Time) []store.DueApp {
			return view(t, db, func(q *store.Query) ([]store.DueApp, error) { return q.DueApps(now) })
		}
		same(t, "of an empty database", apps(day), nil)
		a, b, c, d := lanyard.App{ID: "app_a", Project: "prj_1"}, lanyard.App{ID: "app_b", Project: "prj_2"},
			lanyard.App{ID: "app_c", Project: "prj_1"}, lanyard.App{ID: "app_d", Project: "prj_1"}
		addGrants(t, db,
			planned(c, "c1", lanyard.RankIdle, day.Add(-time.Hour)), planned(c, "c2", lanyard.RankGrace, day.Add(-time.Second)),
			planned(a, "a1", lanyard.RankSoon, day), planned(a, "a2", lanyard.RankIdle, day.Add(time.Hour)),
			planned(b, "b1", lanyard.RankInUse, day.Add(time.Microsecond)),
			planned(d, "d1", lanyard.RankInUse, time.Time{}))
		same(t, "now", apps(day), []store.DueApp{{App: "app_a", Since: day}, {App: "app_c", Since: day.Add(-time.Hour)}})
		same(t, "later", apps(day.Add(time.Second)), []store.DueApp{{App: "app_a", Since: day}, {App: "app_b", Since: day.Add(time.Microsecond)},
			{App: "app_c", Since: day.Add(-time.Hour)}})
		same(t, "long ago", apps(day.Add(-24*time.Hour)), nil)
	})
}

func TestDueIsCountedUpToALimit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app := newWorld().app
		addGrants(t, db, planned(app, "a", lanyard.RankIdle, day), planned(app, "b", lanyard.RankGrace, day.Add(-time.Hour)),
			planned(app, "c", lanyard.RankInUse, day.Add(time.Hour)), planned(app, "d", lanyard.RankInUse, time.Time{}))
		for limit, want := range map[int]int{0: 0, 1: 1, 2: 2, 100: 2} {
			if got := view(t, db, func(q *store.Query) (int, error) { return q.CountDue(app.ID, day, limit) }); got != want {
				t.Errorf("got %d due of at most %d, want %d", got, limit, want)
			}
		}
		for limit, want := range map[int]int{3: 3, 100: 4} {
			if got := view(t, db, func(q *store.Query) (int, error) { return q.CountGrants(app.ID, limit) }); got != want {
				t.Errorf("got %d grants of at most %d, want %d", got, limit, want)
			}
		}
	})
}

// plan is what a test below looks at.
func plan(g lanyard.Grant) lanyard.Grant {
	return lanyard.Grant{Rank: g.Rank, RefreshAt: g.RefreshAt, UsedAt: g.UsedAt, NeededAt: g.NeededAt}
}

func TestUseBringsARenewalForwardAndNeverPutsItOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app := newWorld().app
		eager, far := day.Add(time.Hour), day.Add(20*24*time.Hour)
		for name, tc := range map[string]struct {
			change func(g *lanyard.Grant)
			want   lanyard.Grant
		}{
			"idle until now":                {func(*lanyard.Grant) {}, lanyard.Grant{Rank: lanyard.RankInUse, RefreshAt: eager}},
			"planned sooner":                {func(g *lanyard.Grant) { g.RefreshAt = day }, lanyard.Grant{Rank: lanyard.RankInUse, RefreshAt: day}},
			"needed soon":                   {func(g *lanyard.Grant) { g.Rank = lanyard.RankSoon }, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: eager}},
			"nothing to be eager about":     {func(g *lanyard.Grant) { g.EagerAt = time.Time{} }, lanyard.Grant{Rank: lanyard.RankIdle, RefreshAt: far}},
			"no renewal is planned":         {func(g *lanyard.Grant) { g.RefreshAt = time.Time{} }, lanyard.Grant{Rank: lanyard.RankInUse}},
			"dead: quiet tries stay rare":   {func(g *lanyard.Grant) { g.Health = lanyard.Dead }, lanyard.Grant{Rank: lanyard.RankIdle, RefreshAt: far}},
			"used again, later":             {func(g *lanyard.Grant) { g.UsedAt = day.Add(-time.Hour) }, lanyard.Grant{Rank: lanyard.RankInUse, RefreshAt: eager}},
			"a back-off is not cut short":   {func(g *lanyard.Grant) { g.EagerAt, g.RetryAt = day, far }, lanyard.Grant{Rank: lanyard.RankInUse, RefreshAt: far}},
			"a back-off shorter than eager": {func(g *lanyard.Grant) { g.RetryAt = day }, lanyard.Grant{Rank: lanyard.RankInUse, RefreshAt: eager}},
		} {
			g := planned(app, newID[string]("x"), lanyard.RankIdle, far)
			g.EagerAt = eager
			tc.change(&g)
			addGrants(t, db, g)
			done(t, db, func(tx *store.Tx) error { return tx.UseGrant(g.ID, day) })
			tc.want.UsedAt = day
			same(t, name, plan(grantOf(t, db, g)), tc.want)
			done(t, db, func(tx *store.Tx) error { return tx.UseGrant(g.ID, day.Add(-time.Minute)) })
			same(t, name+", and a use before that", plan(grantOf(t, db, g)), tc.want)
		}
		done(t, db, func(tx *store.Tx) error { return tx.UseGrant("grt_gone", day) })
	})
}

func TestAMeetingBringsARenewalForwardAndNeverPutsItOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app := newWorld().app
		meeting, want, far := day.Add(2*time.Hour), day.Add(time.Hour), day.Add(20*24*time.Hour)
		for name, tc := range map[string]struct {
			change func(g *lanyard.Grant)
			want   lanyard.Grant
		}{
			"planned later":           {func(*lanyard.Grant) {}, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: want, NeededAt: meeting}},
			"planned sooner":          {func(g *lanyard.Grant) { g.RefreshAt = day }, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: day, NeededAt: meeting}},
			"not planned":             {func(g *lanyard.Grant) { g.RefreshAt = time.Time{} }, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: want, NeededAt: meeting}},
			"in its grace period":     {func(g *lanyard.Grant) { g.Rank = lanyard.RankGrace }, lanyard.Grant{Rank: lanyard.RankGrace, RefreshAt: want, NeededAt: meeting}},
			"dead":                    {func(g *lanyard.Grant) { g.Health = lanyard.Dead }, lanyard.Grant{Rank: lanyard.RankIdle, RefreshAt: far, NeededAt: meeting}},
			"without a refresh":       {func(g *lanyard.Grant) { g.HasRefresh = false }, lanyard.Grant{Rank: lanyard.RankIdle, RefreshAt: far}},
			"a back-off is kept":      {func(g *lanyard.Grant) { g.RetryAt = far }, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: far, NeededAt: meeting}},
			"a back-off, no plan":     {func(g *lanyard.Grant) { g.RefreshAt, g.RetryAt = time.Time{}, far }, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: far, NeededAt: meeting}},
			"a back-off that is over": {func(g *lanyard.Grant) { g.RetryAt = day }, lanyard.Grant{Rank: lanyard.RankSoon, RefreshAt: want, NeededAt: meeting}},
		} {
			g := planned(app, newID[string]("x"), lanyard.RankIdle, far)
			tc.change(&g)
			addGrants(t, db, g)
			done(t, db, func(tx *store.Tx) error { return tx.NeedGrant(g.ID, meeting, want) })
			same(t, name, plan(grantOf(t, db, g)), tc.want)
		}
	})
}

func TestAPlanIsForItsGenerationOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		g := w.grant
		g.RefreshAt, g.EagerAt, g.Rank, g.RefreshExpires = day.Add(time.Hour), day.Add(time.Minute), lanyard.RankGrace, day.Add(30*24*time.Hour)
		at := func(g lanyard.Grant) func(tx *store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.PlanGrant(g) }
		}
		other, older := g, g
		other.Family, older.Generation = "fam0", 6
		swapped(t, db, "another family", false, at(other))
		swapped(t, db, "an older generation", false, at(older))
		same(t, "as it was", grantOf(t, db, g), w.grant)
		g.Health, g.Reason, g.Tokens = lanyard.Dead, lanyard.CodeUserRevoked, []byte("not written")
		swapped(t, db, "ours", true, at(g))
		want := w.grant
		want.RefreshAt, want.EagerAt, want.Rank, want.RefreshExpires = g.RefreshAt, g.EagerAt, g.Rank, g.RefreshExpires
		same(t, "the plan and nothing else", grantOf(t, db, g), want)
	})
}

func TestTheWholePlanIsWrittenWithTokensAndWithAVerdict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		g := w.grant
		g.Generation, g.RefreshAt, g.EagerAt, g.Rank, g.RefreshExpires, g.ExpiringAt, g.DeadAt = 8, day.Add(time.Hour), day.Add(time.Minute), lanyard.RankSoon,
			day.Add(90*24*time.Hour), day.Add(83*24*time.Hour), time.Time{}
		g.UsedAt, g.NeededAt = day.Add(48*time.Hour), day.Add(48*time.Hour) // noted by others meanwhile: not written here
		swapped(t, db, "tokens", true, func(tx *store.Tx) (bool, error) { return tx.CommitTokens(g, "fam1", 7) })
		want := g
		want.UsedAt, want.NeededAt = w.grant.UsedAt, w.grant.NeededAt
		same(t, "after tokens", grantOf(t, db, g), want, cmpopts.IgnoreFields(lanyard.Grant{}, "UpdatedAt"))

		g.Health, g.Reason, g.RefreshAt, g.Rank, g.DeadAt = lanyard.Dead, lanyard.CodeUserRevoked, day.Add(2*time.Hour), lanyard.RankIdle, day.Add(time.Hour)
		swapped(t, db, "a verdict", true, func(tx *store.Tx) (bool, error) { return tx.PutGrantHealth(g, "fam1", 8) })
		want.Health, want.Reason, want.RefreshAt, want.Rank, want.DeadAt = g.Health, g.Reason, g.RefreshAt, g.Rank, g.DeadAt
		same(t, "after a verdict", grantOf(t, db, g), want, cmpopts.IgnoreFields(lanyard.Grant{}, "UpdatedAt"))
	})
}

func TestAWokenGrantIsDueNowAndARefusedOneStaysAsleep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app, other := newWorld().app, newWorld().app
		far := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		waiting := func(app lanyard.App, name string, change func(g *lanyard.Grant)) lanyard.Grant {
			g := planned(app, name, lanyard.RankInUse, far)
			g.Health, g.Reason, g.RetryAt = lanyard.Degraded, lanyard.CodeAppMisconfigured, far
			change(&g)
			return g
		}
		asleep := []lanyard.Grant{
			waiting(app, "healthy", func(g *lanyard.Grant) { g.RetryAt, g.Health = time.Time{}, lanyard.Healthy }),
			waiting(app, "refused", func(g *lanyard.Grant) { g.RejectedAt = day }),
			waiting(app, "dead", func(g *lanyard.Grant) { g.Health = lanyard.Dead }),
			waiting(other, "another-app", func(*lanyard.Grant) {}),
		}
		awake := []lanyard.Grant{waiting(app, "w1", func(*lanyard.Grant) {}), waiting(app, "w2", func(*lanyard.Grant) {}),
			waiting(app, "w3", func(g *lanyard.Grant) { g.RefreshAt = time.Time{} })}
		addGrants(t, db, append(asleep, awake...)...)
		before := time.Now().Add(-time.Minute)
		wake := func() int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.WakeGrants(app.ID, 2) })
		}
		if got := []int{wake(), wake(), wake()}; !cmp.Equal(got, []int{2, 1, 0}) {
			t.Errorf("got %v woken, two at a time, want 2, 1 and 0", got)
		}
		for _, g := range asleep {
			same(t, string(g.ID), plan(grantOf(t, db, g)), plan(g))
		}
		for _, g := range awake {
			is := grantOf(t, db, g)
			if is.RefreshAt.Before(before) || is.RefreshAt.After(time.Now().Add(time.Minute)) || !is.RetryAt.IsZero() {
				t.Errorf("%s: got it planned at %s, no try before %s; want now", g.ID, is.RefreshAt, is.RetryAt)
			}
		}
	})
}

func TestRefusalsAreCountedSinceAMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app, other := newWorld().app, newWorld().app
		for i, at := range []time.Duration{-time.Hour, 0, time.Second, time.Minute} {
			g := planned(app, string(rune('a'+i)), lanyard.RankIdle, day)
			g.RejectedAt = day.Add(at)
			addGrants(t, db, g)
		}
		g := planned(other, "z", lanyard.RankIdle, day)
		g.RejectedAt = day.Add(time.Minute)
		addGrants(t, db, g, planned(app, "healthy", lanyard.RankIdle, day))
		for since, want := range map[time.Time]int{day: 2, day.Add(-time.Microsecond): 3, day.Add(time.Hour): 0, {}: 4} {
			if got := view(t, db, func(q *store.Query) (int, error) { return q.RejectedSince(app.ID, since) }); got != want {
				t.Errorf("since %s: got %d refused, want %d", since, got, want)
			}
		}
	})
}

func TestTokensOfTheDeadAreForgottenOnceTheyAreOldEnough(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app := newWorld().app
		dead := func(name string, at time.Time) lanyard.Grant {
			g := planned(app, name, lanyard.RankIdle, day.Add(time.Hour))
			g.Health, g.Reason, g.DeadAt, g.Previous = lanyard.Dead, lanyard.CodeUserRevoked, at, []byte("tp")
			if at.IsZero() {
				g.Health = lanyard.Healthy
			}
			return g
		}
		old, older, fresh, alive := dead("old", day), dead("older", day.Add(-time.Hour)), dead("fresh", day.Add(time.Hour)), dead("alive", time.Time{})
		addGrants(t, db, old, older, fresh, alive)
		drop := func() int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.DropDead(day.Add(time.Second), 1) })
		}
		if n := drop(); n != 1 || grantOf(t, db, older).Tokens != nil || grantOf(t, db, old).Tokens == nil {
			t.Errorf("got %d dropped, want the one that died first", n)
		}
		if got := []int{drop(), drop()}; !cmp.Equal(got, []int{1, 0}) {
			t.Errorf("got %v dropped, want one more and no other", got)
		}
		want := old
		want.Tokens, want.Previous, want.HasRefresh, want.RefreshAt, want.DeadAt = nil, nil, false, time.Time{}, time.Time{}
		same(t, "forgotten", grantOf(t, db, old), want)
		same(t, "not old enough", grantOf(t, db, fresh), fresh)
		same(t, "alive", grantOf(t, db, alive), alive)
	})
}
