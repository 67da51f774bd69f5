package grant

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/egress"
	"lanyard/internal/provider"
	"lanyard/internal/provider/catalog"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A server of the database that has taken another's place may have lost attempts. What
// was due then is treated as if somebody had taken it; what was not is left alone.
func TestAServerThatWasReplacedMayHaveForgottenAttempts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, g := nodeOn(t, db)
		s.withProviders(t)
		do := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Bookkeep(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		replaced := func(by string) (open []lanyard.Attempt) {
			t.Helper()
			do(func(tx *store.Tx) (err error) {
				if err = s.replaced(tx, by); err == nil {
					open, err = tx.OpenAttempts(nobodyKnows)
				}
				return err
			})
			return open
		}
		due := func(at time.Time) {
			g.RefreshAt = at
			do(func(tx *store.Tx) error { _, err := tx.PlanGrant(g); return err })
		}
		due(time.Now().Add(-time.Minute))
		if open := replaced("one"); len(open) != 0 {
			t.Errorf("the first server: got %v, want nothing forgotten", open)
		}
		due(time.Now().Add(time.Hour))
		if open := replaced("two"); len(open) != 0 {
			t.Errorf("not due: got %v, want nothing forgotten", open)
		}
		due(time.Now().Add(-time.Minute))
		if open := replaced("two"); len(open) != 0 {
			t.Errorf("the same server: got %v, want nothing forgotten", open)
		}
		open := replaced("three")
		if len(open) != 1 || open[0].Grant != g.ID || open[0].Generation != g.Generation {
			t.Fatalf("got %v, want an attempt on the grant that was due", open)
		}
		now := time.Now()
		if at := MayTryAt(provider.ClassStrict, 0, History{Attempts: open}, time.Time{}, now); !at.After(now.Add(time.Minute)) {
			t.Errorf("got another try in %s, want a lease first", at.Sub(now))
		}
		if !(History{Attempts: open}).holding() {
			t.Error("got nobody who may have an answer")
		}
		do(func(tx *store.Tx) error { return s.remembered(tx) })
		if ids := s.openOf(t, nobodyKnows); len(ids) != 1 {
			t.Errorf("got %v open while it has time, want it", ids)
		}
		on := func(generation int64) (n int) {
			t.Helper()
			do(func(tx *store.Tx) error {
				list, err := tx.AttemptsOn(g.ID, g.Family, generation)
				n = len(list)
				return err
			})
			return n
		}
		next := g // as a receipt has brought it
		next.Generation++
		next.RefreshAt = now.Add(time.Hour)
		do(func(tx *store.Tx) error { return s.goesOn(tx, g, next, now) })
		if n := on(next.Generation); n != 0 {
			t.Errorf("got %d attempts on a generation that was not due, want none", n)
		}
		next.RefreshAt = now
		do(func(tx *store.Tx) error { return s.goesOn(tx, g, next, now) })
		if n := on(next.Generation); n != 1 {
			t.Errorf("got %d attempts on a generation that was due as well, want it", n)
		}

		// Its node comes back when everybody has stopped waiting for it: what the receipt
		// brings was called dead for another cause than that an answer was lost.
		do(func(tx *store.Tx) error { return s.unknown(tx, open[0], "node_silent") })
		last := next
		last.Generation++
		do(func(tx *store.Tx) error { return s.goesOn(tx, next, last, now) })
		if n := on(last.Generation); n != 1 {
			t.Errorf("got %d attempts that ended unknown on the next generation, want it", n)
		}
	})
}

// It has ended when every node has offered what it has.
func TestWhatWasForgottenIsUnknownWhenEveryNodeHasOffered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, g := nodeOn(t, db)
		s.withProviders(t)
		a := lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Grant: g.ID, Kind: lanyard.AttemptRefresh,
			Node: nobodyKnows, Family: g.Family, Generation: g.Generation, StartedAt: time.Now().Add(-time.Minute), Deadline: time.Now().Add(-time.Second)}
		other := lanyard.Node{ID: "nod_2", StartedAt: time.Now()}
		step := func(fn func(tx *store.Tx) error) int {
			t.Helper()
			err := db.Bookkeep(t.Context(), func(tx *store.Tx) error {
				if err := fn(tx); err != nil {
					return err
				}
				return s.remembered(tx)
			})
			if err != nil {
				t.Fatal(err)
			}
			return len(s.openOf(t, nobodyKnows))
		}
		if n := step(func(tx *store.Tx) error {
			if _, err := tx.SeeNode(other); err != nil {
				return err
			}
			return tx.AddAttempt(a)
		}); n != 1 {
			t.Error("it has ended although another node was there lately and has not offered its receipts")
		}
		if n := step(func(tx *store.Tx) error {
			is, err := tx.Incarnation()
			if err != nil {
				return err
			}
			return tx.NodeOffered(other.ID, is)
		}); n != 0 {
			t.Error("it has not ended although everybody has offered what there is")
		}
		err := db.View(t.Context(), func(q *store.Query) (err error) {
			g, err = q.Grant(g.Project, g.ID)
			return err
		})
		if err != nil || g.Health != lanyard.Degraded {
			t.Errorf("got %s, %v, want it degraded: its refresh token may be spent", g.Health, err)
		}
	})
}

// A call that was under way when the database was replaced knows what became of it,
// although the database does not know that it was made.
func TestACallRemembersItsAttempt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, g := nodeOn(t, db)
		a := lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Grant: g.ID, Kind: lanyard.AttemptRefresh,
			Node: s.Node, Family: g.Family, Generation: g.Generation, StartedAt: time.Now(), Deadline: time.Now().Add(time.Minute), Outcome: lanyard.OutcomeUnknown}
		var list []lanyard.Attempt
		err := db.Bookkeep(t.Context(), func(tx *store.Tx) (err error) {
			for range 2 { // and once more: a reply was lost
				if err := s.remember(tx, a); err != nil {
					return err
				}
				if err := s.end(tx, a); err != nil {
					return err
				}
			}
			list, err = tx.AttemptsOn(g.ID, g.Family, g.Generation)
			return err
		})
		if err != nil || len(list) != 1 || list[0].ID != a.ID || list[0].Outcome != lanyard.OutcomeUnknown || list[0].EndedAt.IsZero() {
			t.Errorf("got %v, %v, want the attempt, ended unknown", list, err)
		}
	})
}

func (s *Service) withProviders(t *testing.T) {
	t.Helper()
	out, err := egress.New(egress.Config{UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	set, err := provider.NewSet(out, entries...)
	if err != nil {
		t.Fatal(err)
	}
	s.Apps = app.New(app.Config{Store: s.Store, Providers: set, PublicURL: "https://lanyard.example"})
}
