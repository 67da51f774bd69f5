package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func breakerOf(t *testing.T, db *store.DB, app lanyard.AppID) lanyard.Breaker {
	t.Helper()
	b := view(t, db, func(q *store.Query) (lanyard.Breaker, error) { return q.Breaker(app) })
	b.UpdatedAt = time.Time{}
	return b
}

func moveBreaker(b lanyard.Breaker, from lanyard.BreakerState) func(*store.Tx) (bool, error) {
	return func(tx *store.Tx) (bool, error) { return tx.MoveBreaker(b, from) }
}

func TestABreakerMovesFromTheStateItWasSeenInOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := lanyard.Breaker{App: "app_a", Project: "prj_1", State: lanyard.BreakerOpen, Reason: lanyard.CodeAppMisconfigured, Error: "invalid_client",
			ConfigVersion: 3, OpenedAt: day, ProbeAt: day.Add(30 * time.Second), ProbeNode: "nod_1", Probes: 4}
		same(t, "none", breakerOf(t, db, b.App), lanyard.Breaker{App: b.App})
		swapped(t, db, "one that is not there, from open", false, moveBreaker(b, lanyard.BreakerOpen))
		swapped(t, db, "opened", true, moveBreaker(b, lanyard.BreakerClosed))
		same(t, "every column comes back", breakerOf(t, db, b.App), b)

		late := b
		late.Project, late.Reason, late.Probes = "prj_2", lanyard.CodeRefreshUnconfirmed, 0
		swapped(t, db, "opened by another node too", false, moveBreaker(late, lanyard.BreakerClosed))
		same(t, "the first one's stays", breakerOf(t, db, b.App), b)

		wary := b
		wary.State, wary.Reason, wary.Error, wary.ConfigVersion, wary.OpenedAt, wary.ProbeAt, wary.ProbeNode, wary.Probes =
			lanyard.BreakerWary, lanyard.CodeRefreshUnconfirmed, "invalid_grant", 4, day.Add(time.Hour), day.Add(2*time.Hour), "nod_2", 0
		swapped(t, db, "from a state it is not in", false, moveBreaker(wary, lanyard.BreakerStorm))
		swapped(t, db, "on", true, moveBreaker(wary, lanyard.BreakerOpen))
		same(t, "every column is written", breakerOf(t, db, b.App), wary)

		closed := lanyard.Breaker{App: b.App, State: lanyard.BreakerClosed}
		swapped(t, db, "closed from a state it is not in", false, moveBreaker(closed, lanyard.BreakerOpen))
		swapped(t, db, "closed", true, moveBreaker(closed, lanyard.BreakerWary))
		swapped(t, db, "closed again", false, moveBreaker(closed, lanyard.BreakerWary))
		same(t, "gone", breakerOf(t, db, b.App), lanyard.Breaker{App: b.App})
	})
}

func TestBreakersAreListedByProject(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var want []lanyard.Breaker
		for _, b := range []lanyard.Breaker{{App: "app_a", Project: "prj_1", State: lanyard.BreakerOpen}, {App: "app_b", Project: "prj_2", State: lanyard.BreakerStorm},
			{App: "app_c", Project: "prj_1", State: lanyard.BreakerWary}} {
			swapped(t, db, string(b.App), true, moveBreaker(b, lanyard.BreakerClosed))
			want = append(want, b)
		}
		list := func(p lanyard.ProjectID) []lanyard.Breaker {
			got := view(t, db, func(q *store.Query) ([]lanyard.Breaker, error) { return q.Breakers(p) })
			for i := range got {
				got[i].UpdatedAt = time.Time{}
			}
			return got
		}
		same(t, "all", list(""), want)
		same(t, "of a project", list("prj_1"), []lanyard.Breaker{want[0], want[2]})
		same(t, "of one that has none", list("prj_3"), nil)
	})
}

// One probe in its time, however many nodes would like to make it.
func TestOneNodeMakesTheProbe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := lanyard.Breaker{App: "app_a", Project: "prj_1", State: lanyard.BreakerOpen, ProbeAt: day}
		swapped(t, db, "open", true, moveBreaker(b, lanyard.BreakerClosed))
		claim := func(node string, life time.Duration) func(tx *store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.ClaimProbe("app_a", node, tx.Now().Add(life)) }
		}
		var won atomic.Int64
		var nodes sync.WaitGroup
		for _, node := range []string{"nod_1", "nod_2", "nod_3", "nod_4", "nod_5", "nod_6"} {
			nodes.Go(func() {
				if keep(t, db, claim(node, time.Hour)) {
					won.Add(1)
				}
			})
		}
		nodes.Wait()
		if won.Load() != 1 {
			t.Errorf("got %d nodes that may probe, want one", won.Load())
		}
		swapped(t, db, "before the next is due", false, claim("nod_1", time.Hour))
		is := breakerOf(t, db, "app_a")
		if is.Probes != 1 || is.ProbeNode == "" || !is.ProbeAt.After(time.Now().Add(50*time.Minute)) {
			t.Errorf("got %+v, want one probe noted, the next in an hour", is)
		}
		is.ProbeAt = day
		swapped(t, db, "moved on", true, moveBreaker(is, lanyard.BreakerOpen))
		swapped(t, db, "due again", true, claim("nod_2", -time.Second))
		swapped(t, db, "and again", true, claim("nod_3", time.Hour))
		if is := breakerOf(t, db, "app_a"); is.Probes != 3 || is.ProbeNode != "nod_3" {
			t.Errorf("got %d probes, the last by %s; want 3, by nod_3", is.Probes, is.ProbeNode)
		}
		if keep(t, db, func(tx *store.Tx) (bool, error) { return tx.ClaimProbe("app_none", "nod_1", tx.Now()) }) {
			t.Error("a closed breaker needs no probe")
		}
	})
}
