package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A notice has its effect once, per app, until it is forgotten; and what is rolled
// back with its effect may come again.
func TestNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		undone := errors.New("undone")
		add := func(app lanyard.AppID, digest string, then error) (fresh bool) {
			t.Helper()
			err := db.Bookkeep(t.Context(), func(tx *store.Tx) (err error) {
				fresh, err = tx.AddNotice(store.Notice{App: app, Digest: []byte(digest), Project: "prj_1", Event: "app_deauthorized"})
				return errors.Join(err, then)
			})
			if !errors.Is(err, then) {
				t.Fatal(err)
			}
			return fresh
		}
		for i, c := range []struct {
			app    lanyard.AppID
			digest string
			then   error
			fresh  bool
		}{{"app_1", "a", undone, true}, {"app_1", "a", nil, true}, {"app_1", "a", nil, false}, {"app_2", "a", nil, true}, {"app_1", "b", nil, true}} {
			if got := add(c.app, c.digest, c.then); got != c.fresh {
				t.Errorf("%d: got fresh %v, want %v", i, got, c.fresh)
			}
		}
		purge := func(before time.Time) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeNotices(before, 2) })
		}
		if n := purge(time.Now().Add(-time.Hour)); n != 0 {
			t.Errorf("got %d forgotten too early", n)
		}
		later := time.Now().Add(time.Hour)
		if a, b, c := purge(later), purge(later), purge(later); a != 2 || b != 1 || c != 0 {
			t.Errorf("got %d, %d, %d forgotten, want 2, 1, 0", a, b, c)
		}
		if !add("app_1", "a", nil) {
			t.Error("a forgotten notice is not fresh")
		}
	})
}

// Only apps with a webhook secret have a door.
func TestDoors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		err := db.View(t.Context(), func(q *store.Query) error {
			doors, err := q.Doors()
			if err != nil {
				return err
			}
			one, err := q.Door(w.app.ID)
			if err != nil {
				return err
			}
			if len(doors) != 1 || doors[0].App != w.app.ID || doors[0].Project != w.app.Project || string(one.WebhookSecret) != string(w.app.WebhookSecret) {
				t.Errorf("got %+v and %+v, want the door of %s", doors, one, w.app.ID)
			}
			_, err = q.Door("app_none")
			if lanyard.CodeOf(err) != lanyard.CodeNotFound {
				t.Errorf("got %v, want not_found", err)
			}
			return nil
		})
		must(t, err)
	})
}
