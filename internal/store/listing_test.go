package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// One lister at a time; who asks while a list is made gets another.
func TestListings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		l := listingOf(w)
		done(t, db, func(tx *store.Tx) error { return tx.AskListing(l) })
		read := func() (got lanyard.Listing) {
			t.Helper()
			must(t, db.View(t.Context(), func(q *store.Query) (err error) {
				got, err = q.Listing(l.Grant)
				return err
			}))
			return got
		}
		same(t, "asked for", read(), l)
		claim := func() []lanyard.Listing {
			return keep(t, db, func(tx *store.Tx) ([]lanyard.Listing, error) { return tx.ClaimListings(tx.Now().Add(time.Hour), 5) })
		}
		var got atomic.Int64
		var first lanyard.Listing
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 8 {
			wg.Go(func() {
				for _, c := range claim() {
					got.Add(1)
					mu.Lock()
					first = c
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if got.Load() != 1 || first.Grant != l.Grant {
			t.Fatalf("got %d leases for one list, want one", got.Load())
		}
		hold := func(c lanyard.Listing) bool {
			return keep(t, db, func(tx *store.Tx) (bool, error) { return tx.HoldListing(c) })
		}
		stale := first
		stale.LeaseUntil = stale.LeaseUntil.Add(time.Second)
		if !hold(first) || hold(stale) {
			t.Error("got the lease wrong: it is ours, and nobody else's")
		}
		end := func(c lanyard.Listing) bool {
			return keep(t, db, func(tx *store.Tx) (bool, error) {
				next := c
				next.ListedAt, next.Code, next.Tries, next.ListAt = day.Add(time.Minute), lanyard.CodeScopesMissing, 2, day.Add(24*time.Hour)
				return tx.EndListing(next, c.LeaseUntil, c.ListAt)
			})
		}
		soon := day.Add(-time.Hour)
		done(t, db, func(tx *store.Tx) error { return tx.ListSoon(l.Grant, soon) }) // while it is being made
		if end(stale) || !end(first) {
			t.Error("got the end of a lease that is not ours, or none of ours")
		}
		if is := read(); !is.ListAt.Equal(soon) || !is.LeaseUntil.IsZero() || is.Code != lanyard.CodeScopesMissing || is.Tries != 2 {
			t.Errorf("got %+v, want another list, as was asked", is)
		}
		if c := claim(); len(c) != 1 || !end(c[0]) {
			t.Fatalf("got %+v, want it made again", c)
		}
		if is := read(); !is.ListAt.Equal(day.Add(24 * time.Hour)) {
			t.Errorf("got %+v, want the next a day later", is)
		}
		done(t, db, func(tx *store.Tx) error { return tx.ListSoon(l.Grant, day.Add(48*time.Hour)) })
		if is := read(); !is.ListAt.Equal(day.Add(24 * time.Hour)) {
			t.Errorf("got %s, want it as early as it was", is.ListAt)
		}
		done(t, db, func(tx *store.Tx) error { return tx.AskListing(l) }) // connected again
		if is := read(); !is.ListAt.Equal(l.ListAt) || is.Tries != 0 || is.ListedAt.IsZero() {
			t.Errorf("got %+v, want it at once", is)
		}
		due := func(at time.Time) (is bool) {
			must(t, db.View(t.Context(), func(q *store.Query) (err error) {
				is, err = q.ListingDue(at)
				return err
			}))
			return is
		}
		if due(day.Add(-time.Second)) || !due(day) {
			t.Error("got a list due at another time than it is")
		}
	})
}

// A grant takes along what was known of its account's meetings, and of who was in them.
func TestAGrantTakesItsMeetingsAlong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		done(t, db, func(tx *store.Tx) error {
			errs := []error{}
			for _, x := range []world{w, other} {
				mine, strange := meetingOf(x, "mine"), meetingOf(x, "strange")
				strange.Host = []byte("stranger")
				errs = append(errs, tx.AskListing(listingOf(x)), tx.PutMeeting(mine), tx.PutMeeting(strange))
				for i, a := range []lanyard.Attendance{{Meeting: mine.Key, Account: []byte("guest")}, {Meeting: strange.Key, Account: []byte("host")}, {Meeting: strange.Key, Account: []byte("guest")}} {
					a.App, a.Project, a.Run, a.Here, a.At, a.Participant = x.app.ID, x.project.ID, mine.Run, true, day, []byte{byte(i)}
					errs = append(errs, tx.PutAttendance(a))
				}
			}
			return errors.Join(errs...)
		})
		done(t, db, func(tx *store.Tx) error { return tx.DeleteGrant(w.grant.ID) })
		left := func(x world) (meetings, stays int) {
			must(t, db.View(t.Context(), func(q *store.Query) error {
				for _, key := range []string{"mine", "strange"} {
					if _, err := q.Meeting(x.app.ID, []byte(key)); err == nil {
						meetings++
					}
					here, err := q.PresentIn(meetingOf(x, key), 10)
					must(t, err)
					stays += len(here)
				}
				return nil
			}))
			return meetings, stays
		}
		if meetings, stays := left(w); meetings != 1 || stays != 1 {
			t.Errorf("got %d meetings and %d stays, want the stranger's and the guest there", meetings, stays)
		}
		if meetings, stays := left(other); meetings != 2 || stays != 3 {
			t.Errorf("another app: got %d meetings and %d stays, want all", meetings, stays)
		}
		must(t, db.View(t.Context(), func(q *store.Query) error {
			_, err := q.Listing(w.grant.ID)
			if !errors.Is(err, lanyard.NotFound) {
				t.Errorf("got %v, want its list gone", err)
			}
			return nil
		}))
	})
}
