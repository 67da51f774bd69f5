package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// What a renewal reads in one statement is what the rows say one by one.
func TestARenewalSeesTheGrantTheAppAndItsBreaker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.grant.Lease = lanyard.Lease{}
		w.add(t, db)
		look := func() store.Renewable {
			before := db.Clock().Add(-time.Minute)
			return view(t, db, func(q *store.Query) (store.Renewable, error) {
				x, err := q.Renewable(w.project.ID, w.grant.ID)
				if now, late := q.Now(); late != nil || now.Before(before) {
					t.Errorf("got the time %v, %v; want now", now, late)
				}
				return x, err
			})
		}
		want := store.Renewable{Grant: w.grant, App: w.app, Breaker: lanyard.Breaker{App: w.app.ID}}
		same(t, "without a breaker", look(), want)
		b := lanyard.Breaker{App: w.app.ID, Project: w.project.ID, State: lanyard.BreakerOpen, Reason: lanyard.CodeAppMisconfigured, Error: "invalid_client",
			ConfigVersion: 3, OpenedAt: day, ProbeAt: day.Add(30 * time.Second), ProbeNode: "nod_1", Probes: 4}
		swapped(t, db, "open", true, moveBreaker(b, lanyard.BreakerClosed))
		got := look()
		if got.Breaker.UpdatedAt.IsZero() {
			t.Error("got a breaker that was never written")
		}
		got.Breaker.UpdatedAt, want.Breaker = time.Time{}, b
		same(t, "with one", got, want)

		claim := func(owner string) (bool, store.Claimed) {
			var ok bool
			var c store.Claimed
			err := db.Claim(t.Context(), w.project.ID, w.grant.ID, owner, time.Hour, func(tx *store.Tx, claimed bool, is store.Claimed) error {
				if left := is.Grant.Lease.Until.Sub(tx.Now()); claimed && (left < 59*time.Minute || left > 61*time.Minute) {
					t.Errorf("claimed for %s, want an hour by the clock of the database", left)
				}
				ok, c = claimed, is
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return ok, c
		}
		ok, c := claim("n1")
		if !ok || c.Grant.Lease.Owner != "n1" || c.ConfigVersion != w.app.ConfigVersion || c.Breaker != lanyard.BreakerOpen {
			t.Errorf("got %v, %+v; want it claimed, and the app as it is", ok, c)
		}
		c.Grant.Lease = lanyard.Lease{}
		same(t, "claimed", c.Grant, w.grant)
		if !c.Tried {
			t.Error("got an attempt on this generation overlooked")
		}
		if ok, c = claim("n2"); ok || c.Grant.Lease.Owner != "n1" {
			t.Errorf("got %v, %+v; want it left to the first", ok, c.Grant.Lease)
		}
		for what, other := range map[string]lanyard.Grant{"another generation": {Family: "fam1", Generation: 8}, "another family": {Family: "fam2", Generation: 7}} {
			g := w.grant
			g.Family, g.Generation = other.Family, other.Generation
			swapped(t, db, what, true, func(tx *store.Tx) (bool, error) { return tx.CommitTokens(g, w.grant.Family, w.grant.Generation) })
			if _, c = claim("n2"); c.Tried {
				t.Errorf("%s: got it tried, want not", what)
			}
			swapped(t, db, "back", true, func(tx *store.Tx) (bool, error) { return tx.CommitTokens(w.grant, g.Family, g.Generation) })
		}
		for name, project := range map[string]lanyard.ProjectID{"another project's": "prj_other", "nobody's": ""} {
			err := db.View(t.Context(), func(q *store.Query) error { _, err := q.Renewable(project, w.grant.ID); return err })
			if !errors.Is(err, lanyard.NotFound) {
				t.Errorf("%s: got %v, want not found", name, err)
			}
			err = db.Claim(t.Context(), project, w.grant.ID, "n3", time.Hour, func(*store.Tx, bool, store.Claimed) error {
				t.Errorf("%s: got a claim", name)
				return nil
			})
			if !errors.Is(err, lanyard.NotFound) {
				t.Errorf("%s, claimed: got %v, want not found", name, err)
			}
		}
	})
}

// What goes wrong after a claim undoes it.
func TestAClaimThatFailsLeavesNoLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.grant.Lease = lanyard.Lease{}
		w.add(t, db)
		wrong := errors.New("something else")
		err := db.Claim(t.Context(), w.project.ID, w.grant.ID, "n1", time.Hour, func(_ *store.Tx, claimed bool, _ store.Claimed) error {
			if !claimed {
				t.Error("got it taken, want it claimed")
			}
			return wrong
		})
		if !errors.Is(err, wrong) {
			t.Errorf("got %v, want what the function returned", err)
		}
		swapped(t, db, "claim", true, func(tx *store.Tx) (bool, error) { return tx.ClaimGrant(w.grant.ID, "n2", tx.Now().Add(time.Hour)) })
	})
}

// What this process knows of the database's clock is the time of a change that does
// not ask, and its entry is as durable as any.
func TestAChangeByTheClockThatIsKnown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		var at time.Time
		e := lanyard.NewEntry(lanyard.Principal{Project: w.project.ID, Name: "test"}, lanyard.ActTokenRefreshed)
		err := db.UpdateByClock(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
			at = tx.Now()
			ok, err := tx.CommitTokens(w.grant, w.grant.Family, w.grant.Generation)
			if err == nil && !ok {
				err = errors.New("not at this generation")
			}
			return e, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(at).Abs(); d > time.Minute {
			t.Errorf("its time is %s away from ours", d)
		}
		got := view(t, db, func(q *store.Query) ([]lanyard.Entry, error) {
			all, _, err := q.Entries(w.project.ID, lanyard.EntryFilter{What: lanyard.ActTokenRefreshed}, lanyard.Page{Limit: 9})
			return all, err
		})
		if len(got) != 1 || got[0].ID != e.ID || !got[0].At.Equal(at) {
			t.Errorf("got %v, want the entry, at %s", got, at)
		}
	})
}

// A renewal that is kept ends its attempt and its lease; one that is not, neither.
func TestARenewalIsKeptAsAWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.grant.Lease = lanyard.Lease{Owner: "n1", Until: day.Add(time.Hour)}
		w.attempt.Outcome, w.attempt.EndedAt = lanyard.OutcomeOpen, time.Time{}
		w.add(t, db)
		b := lanyard.Breaker{App: w.app.ID, Project: w.project.ID, State: lanyard.BreakerWary, OpenedAt: day, ProbeAt: day}
		swapped(t, db, "wary", true, moveBreaker(b, lanyard.BreakerClosed))
		next, ended := w.grant, w.attempt
		next.Generation, next.Tokens, next.Previous, next.Lease = 8, []byte("t8"), w.grant.Tokens, lanyard.Lease{}
		ended.Outcome, ended.EndedAt, ended.Status = lanyard.OutcomeOK, day.Add(time.Minute), 200

		keepIt := func(g, was lanyard.Grant, node string) (kept bool, state lanyard.BreakerState) {
			done(t, db, func(tx *store.Tx) (err error) {
				kept, state, err = tx.KeepRenewal(g, was, ended, node)
				return err
			})
			return kept, state
		}
		row := func() lanyard.Grant {
			g := view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, w.grant.ID) })
			g.UpdatedAt = w.grant.UpdatedAt
			return g
		}
		open := func() int {
			return len(view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) { return q.OpenAttempts(w.attempt.Node) }))
		}
		for what, was := range map[string]lanyard.Grant{"an older generation": {ID: w.grant.ID, Family: "fam1", Generation: 6}, "another family": {ID: w.grant.ID, Family: "fam0", Generation: 7}} {
			if kept, _ := keepIt(next, was, "n1"); kept || open() != 1 {
				t.Errorf("%s: got kept %v and %d attempts open, want nothing changed", what, kept, open())
			}
		}
		same(t, "as it was", row(), w.grant)
		if kept, state := keepIt(next, w.grant, "n1"); !kept || state != lanyard.BreakerWary || open() != 0 {
			t.Errorf("got kept %v, breaker %q, %d attempts open; want it kept, wary, none", kept, state, open())
		}
		same(t, "kept", row(), next)
		if kept, _ := keepIt(next, w.grant, "n1"); kept {
			t.Error("got it kept twice")
		}

		// The attempt was closed by somebody meanwhile, and the lease has gone to another:
		// the tokens are kept all the same (I5), and the lease is the other's.
		swapped(t, db, "claim", true, func(tx *store.Tx) (bool, error) { return tx.ClaimGrant(w.grant.ID, "n2", day.Add(1e6*time.Hour)) })
		was, last := next, next
		last.Generation, last.Tokens, last.Scopes, last.Health, last.Reason = 9, []byte("t9"), []string{"other"}, lanyard.Healthy, ""
		if kept, state := keepIt(last, was, "n1"); !kept || state != lanyard.BreakerWary {
			t.Errorf("got kept %v, breaker %q; want it kept, wary", kept, state)
		}
		last.Lease = lanyard.Lease{Owner: "n2", Until: day.Add(1e6 * time.Hour)}
		same(t, "kept, with another's lease", row(), last)
		lack := view(t, db, func(q *store.Query) (c []store.Held, err error) {
			c, _, err = q.Connections(w.project.ID, lanyard.ConnectionFilter{Status: lanyard.StatusPartial}, lanyard.Page{})
			return c, err
		})
		if len(lack) != 1 {
			t.Errorf("got %d connections that lack a scope, want the one", len(lack))
		}
	})
}
