package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// Which refresh tokens are told to be dying, and when it is too early, done, or over.
func TestWhatExpiresIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		now := day.Add(100 * 24 * time.Hour)
		hours := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour) }
		// near for an hour, six days to live, renewed before that, and to be renewed again
		base := func() lanyard.Grant {
			g := w.grant
			g.ID, g.SubjectHash = newID[lanyard.GrantID]("grt_"), hash(newID[string]("sub"))
			g.Health, g.Reason = lanyard.Healthy, ""
			g.RefreshExpires, g.ExpiringAt, g.RefreshedAt, g.RefreshAt = hours(6*24), hours(-1), hours(-100), hours(20)
			return g
		}
		for name, tc := range map[string]struct {
			change func(*lanyard.Grant)
			want   bool
		}{
			"a renewal is still to come":   {func(*lanyard.Grant) {}, false},
			"renewed, and it did not help": {func(g *lanyard.Grant) { g.RefreshedAt = hours(0) }, true},
			"half of the time is over":     {func(g *lanyard.Grant) { g.ExpiringAt, g.RefreshExpires = hours(-24*4), hours(24*3) }, true},
			"nearly half of it":            {func(g *lanyard.Grant) { g.ExpiringAt, g.RefreshExpires = hours(-24*3), hours(24*4) }, false},
			"no renewal is planned":        {func(g *lanyard.Grant) { g.RefreshAt = time.Time{} }, true},
			"none before the end":          {func(g *lanyard.Grant) { g.RefreshAt = g.RefreshExpires }, true},
			"not near yet":                 {func(g *lanyard.Grant) { g.ExpiringAt, g.RefreshAt = hours(1), time.Time{} }, false},
			"told":                         {func(g *lanyard.Grant) { g.ExpiringAt, g.RefreshAt = time.Time{}, time.Time{} }, false},
			"renewing fails": {func(g *lanyard.Grant) {
				g.Health, g.ExpiringAt, g.RefreshExpires = lanyard.Degraded, hours(-24*4), hours(24*3)
			}, true},
			"renewing failed a moment ago":    {func(g *lanyard.Grant) { g.Health = lanyard.Degraded }, false},
			"dead, which was told":            {func(g *lanyard.Grant) { g.Health, g.RefreshAt = lanyard.Dead, time.Time{} }, false},
			"over":                            {func(g *lanyard.Grant) { g.RefreshExpires, g.RefreshAt = hours(0), time.Time{} }, false},
			"without a refresh token":         {func(g *lanyard.Grant) { g.HasRefresh, g.RefreshAt = false, time.Time{} }, false},
			"moved by a node that knows less": {func(g *lanyard.Grant) { g.RefreshExpires, g.RefreshedAt = hours(90*24), hours(0) }, false},
		} {
			g := base()
			tc.change(&g)
			must(t, db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddGrant(g) }))
			found := view(t, db, func(q *store.Query) ([]lanyard.Grant, error) { return q.Expiring(now, hours(7*24), 10) })
			if got := len(found) > 0; got != tc.want {
				t.Errorf("%s: found %v, want %v", name, got, tc.want)
			}
			for _, is := range found {
				told := func(tx *store.Tx) (bool, error) { return tx.ToldExpiring(is) }
				swapped(t, db, name, true, told)
				swapped(t, db, name+", a second time", false, told)
			}
			if found = view(t, db, func(q *store.Query) ([]lanyard.Grant, error) { return q.Expiring(now, hours(7*24), 10) }); len(found) > 0 {
				t.Errorf("%s: found again", name)
			}
			must(t, db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.DeleteGrant(g.ID) }))
		}

		g := base()
		g.RefreshAt = time.Time{}
		must(t, db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddGrant(g) }))
		for name, change := range map[string]func(*lanyard.Grant){
			"another project":   func(g *lanyard.Grant) { g.Project = "prj_other" },
			"another consent":   func(g *lanyard.Grant) { g.Family = "fam0" },
			"renewed since":     func(g *lanyard.Grant) { g.Generation-- },
			"its end has moved": func(g *lanyard.Grant) { g.ExpiringAt = hours(-2) },
		} {
			other := g
			change(&other)
			swapped(t, db, name, false, func(tx *store.Tx) (bool, error) { return tx.ToldExpiring(other) })
		}
	})
}

// One transaction reads a grant to change it; what another has written meanwhile is not
// lost upon it.
func TestALockedGrantIsReadAsItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		const writers = 8
		done := make(chan error, writers)
		for range writers {
			go func() {
				done <- db.Bookkeep(t.Context(), func(tx *store.Tx) error {
					g, err := tx.LockedGrant(w.project.ID, w.grant.ID)
					if err != nil {
						return err
					}
					time.Sleep(5 * time.Millisecond)
					g.DeadAt = g.DeadAt.Add(time.Second)
					if g.DeadAt.Year() < 1970 {
						g.DeadAt = time.Unix(1, 0)
					}
					_, err = tx.PutGrantHealth(g, g.Family, g.Generation)
					return err
				})
			}()
		}
		for range writers {
			must(t, <-done)
		}
		if got := grantOf(t, db, w.grant).DeadAt.Unix(); got != writers {
			t.Errorf("got %d, want %d: each sees what the one before has written", got, writers)
		}
		must(t, db.Bookkeep(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.LockedGrant("prj_other", w.grant.ID); !errors.Is(err, lanyard.NotFound) {
				t.Errorf("another project's: got %v, want not found", err)
			}
			return nil
		}))
	})
}
