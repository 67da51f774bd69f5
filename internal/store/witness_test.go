package store_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestOneOtherGrantIsWokenToBearWitness(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mine, theirs := newWorld().app, newWorld().app
		later := func(name string, d time.Duration, change func(*lanyard.Grant)) lanyard.Grant {
			g := planned(mine, name, lanyard.RankIdle, time.Now().Add(d))
			if change != nil {
				change(&g)
			}
			return g
		}
		refused := later("refused", time.Hour, func(g *lanyard.Grant) { g.Health, g.RejectedAt = lanyard.Degraded, day })
		dead := later("dead", time.Hour, func(g *lanyard.Grant) { g.Health = lanyard.Dead })
		held := later("held-back", time.Hour, func(g *lanyard.Grant) { g.Health, g.RetryAt = lanyard.Degraded, time.Now().Add(time.Hour) })
		me, next, last := later("me", 2*time.Hour, nil), later("next", 5*time.Hour, nil), later("last", 9*time.Hour, func(g *lanyard.Grant) { g.Rank = lanyard.RankInUse })
		addGrants(t, db, refused, dead, held, me, next, last, planned(theirs, "theirs", lanyard.RankIdle, time.Now().Add(time.Hour)))
		wake := func() {
			done(t, db, func(tx *store.Tx) error { return tx.WakeWitness(mine.ID, me.ID) })
		}
		wake()
		is := func(g lanyard.Grant) bool { return !grantOf(t, db, g).RefreshAt.After(time.Now()) }
		if !is(next) {
			t.Errorf("got it due at %s, want the next of those that can bear witness due now", grantOf(t, db, next).RefreshAt)
		}
		wake() // it has not been yet
		for _, g := range []lanyard.Grant{refused, dead, held, me, last} {
			if is(g) {
				t.Errorf("%s: got it due, want it left alone", g.ID)
			}
		}
		others := func(app lanyard.AppID, than lanyard.GrantID) bool {
			return view(t, db, func(q *store.Query) (bool, error) { return q.Others(app, than) })
		}
		if !others(mine.ID, me.ID) || others(theirs.ID, "grt_theirs") || !others(theirs.ID, me.ID) {
			t.Error("got it wrong who is alone")
		}
	})
}

func TestTheDeadAndThoseWithoutARefreshTokenAreNoCompany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		app := newWorld().app
		me, dead, bare := planned(app, "me", lanyard.RankIdle, day), planned(app, "dead", lanyard.RankIdle, day), planned(app, "bare", lanyard.RankIdle, time.Time{})
		dead.Health, bare.HasRefresh = lanyard.Dead, false
		addGrants(t, db, me, dead, bare)
		if view(t, db, func(q *store.Query) (bool, error) { return q.Others(app.ID, me.ID) }) {
			t.Error("got others, want it alone")
		}
	})
}
