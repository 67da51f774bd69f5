package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestANodeIsSeenByTheClockOfTheDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		nodes := func() []lanyard.Node {
			return view(t, db, func(q *store.Query) ([]lanyard.Node, error) { return q.Nodes() })
		}
		same(t, "none", nodes(), nil)
		see := func(n lanyard.Node) func(tx *store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.SeeNode(n) }
		}
		before := time.Now().Add(-time.Minute)
		swapped(t, db, "with a start", true, see(lanyard.Node{ID: "nod_2", Version: "v1", StartedAt: day, SeenAt: day}))
		swapped(t, db, "without", true, see(lanyard.Node{ID: "nod_1", Version: "v1"}))
		got := nodes()
		if len(got) != 2 || got[0].ID != "nod_1" || got[1].ID != "nod_2" {
			t.Fatalf("got %+v, want both, by id", got)
		}
		for _, n := range got {
			if n.SeenAt.Before(before) || n.SeenAt.After(time.Now().Add(time.Minute)) || !n.LostAt.IsZero() || n.Version != "v1" {
				t.Errorf("got %+v, want it seen now", n)
			}
		}
		if !got[1].StartedAt.Equal(day) || got[0].StartedAt.Before(before) {
			t.Errorf("got them started at %s and %s, want now and what was said", got[0].StartedAt, got[1].StartedAt)
		}

		done(t, db, func(tx *store.Tx) error { return tx.LoseNode("nod_2") })
		if got := nodes()[1]; got.LostAt.Before(before) || !got.StartedAt.Equal(day) {
			t.Errorf("got %+v, want it lost now", got)
		}
		if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.LoseNode("nod_9") }); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("an unknown node: got %v, want not found", err)
		}
		swapped(t, db, "back again", true, see(lanyard.Node{ID: "nod_2", Version: "v2", StartedAt: day.Add(time.Hour)}))
		want := nodes()[1]
		if !want.LostAt.IsZero() || want.Version != "v2" || !want.StartedAt.Equal(day.Add(time.Hour)) {
			t.Errorf("back again: got %+v, want it found, with its new version and start", want)
		}
		swapped(t, db, "a process that began earlier, under the same name", false, see(lanyard.Node{ID: "nod_2", Version: "v1", StartedAt: day}))
		same(t, "the later one's row", nodes()[1], want)
		same(t, "one of them", view(t, db, func(q *store.Query) (lanyard.Node, error) { return q.Node("nod_2") }), want)

		done(t, db, func(tx *store.Tx) error { return tx.LeaveNode(lanyard.Node{ID: "nod_2", StartedAt: day}) })
		same(t, "left by the earlier one", len(nodes()), 2)
		done(t, db, func(tx *store.Tx) error { return tx.LeaveNode(want) })
		if err := db.View(t.Context(), func(q *store.Query) error { _, err := q.Node("nod_2"); return err }); !errors.Is(err, lanyard.NotFound) {
			t.Errorf("left: got %v, want not found", err)
		}
	})
}

// What began long ago and has no end is to be looked into, whichever node began it.
func TestSilentAttemptsAreThoseWithoutAnEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var want []lanyard.Attempt
		done(t, db, func(tx *store.Tx) error {
			for i, at := range []time.Duration{-time.Hour, -time.Minute, 0, time.Minute} {
				a := newWorld().attempt
				a.ID, a.StartedAt, a.Node = lanyard.AttemptID("att_"+string(rune('a'+i))), day.Add(at), []string{"nod_1", "nod_2"}[i%2]
				ended := newWorld().attempt
				ended.StartedAt, ended.EndedAt = day.Add(at), day
				if err := errors.Join(tx.AddAttempt(a), tx.AddAttempt(ended)); err != nil {
					return err
				}
				if at < 0 {
					want = append(want, a)
				}
			}
			return nil
		})
		silent := func(limit int) []lanyard.Attempt {
			return view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) { return q.SilentAttempts(day, limit) })
		}
		same(t, "silent", silent(10), want)
		same(t, "silent, one", silent(1), want[:1])
	})
}
