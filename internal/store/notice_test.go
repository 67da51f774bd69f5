package store_test

import (
	"errors"
	"slices"
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

// An app has a door when it is ready, or has a secret for it.
func TestDoors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		draft, secret, next := w.app, w.app, w.app
		for i, a := range []*lanyard.App{&draft, &secret, &next} {
			a.ID, a.State = lanyard.AppID("app_draft"+string(rune('1'+i))), lanyard.AppDraft
			a.WebhookSecret, a.NextWebhookSecret = nil, nil
		}
		secret.WebhookSecret, next.NextWebhookSecret = []byte("s"), []byte("n")
		for _, a := range []lanyard.App{draft, secret, next} {
			keep(t, db, func(tx *store.Tx) (int, error) { return 0, tx.AddApp(a, nil) })
		}
		err := db.View(t.Context(), func(q *store.Query) error {
			doors, err := q.Doors()
			if err != nil {
				return err
			}
			var ids []lanyard.AppID
			for _, d := range doors {
				ids = append(ids, d.ID)
			}
			if !slices.Contains(ids, w.app.ID) || slices.Contains(ids, draft.ID) || !slices.Contains(ids, secret.ID) || !slices.Contains(ids, next.ID) {
				t.Errorf("got %v, want all but the bare draft", ids)
			}
			return nil
		})
		must(t, err)
	})
}

// A notice that names an account without its organisation, or an organisation alone,
// finds the grants of one app.
func TestGrantsOfAnAccountAndOfAnOrganization(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		g := w.grant
		for i, kind := range []string{"x", "y"} {
			g.ID, g.Kind = lanyard.GrantID("grt_of"+kind), kind
			g.AccountHash, g.OrganizationHash = []byte("ana"), []byte("org")
			if i == 1 {
				g.AccountHash, g.OrganizationHash = []byte("ben"), []byte("org")
			}
			keep(t, db, func(tx *store.Tx) (int, error) { return 0, tx.AddGrant(g) })
		}
		for _, c := range []struct {
			find func(q *store.Query) ([]lanyard.Grant, error)
			want int
		}{
			{func(q *store.Query) ([]lanyard.Grant, error) { return q.GrantsOfAccount(w.app.ID, []byte("ana")) }, 1},
			{func(q *store.Query) ([]lanyard.Grant, error) { return q.GrantsOfAccount(w.app.ID, []byte("org")) }, 0},
			{func(q *store.Query) ([]lanyard.Grant, error) { return q.GrantsOfAccount("app_other", []byte("ana")) }, 0},
			{func(q *store.Query) ([]lanyard.Grant, error) { return q.GrantsOfOrganization(w.app.ID, []byte("org")) }, 2},
			{func(q *store.Query) ([]lanyard.Grant, error) {
				return q.GrantsOfOrganization("app_other", []byte("org"))
			}, 0},
		} {
			if got := view(t, db, c.find); len(got) != c.want {
				t.Errorf("got %d grants, want %d", len(got), c.want)
			}
		}
	})
}

// What was read of an account goes when its time has come, once.
func TestErasure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		c := w.connection
		due := time.Now().Add(time.Hour)
		keep(t, db, func(tx *store.Tx) (int, error) { return 0, tx.EraseAt(c.Project, c.ID, due) })
		find := func(at time.Time) int {
			return len(view(t, db, func(q *store.Query) ([]lanyard.Connection, error) { return q.ToErase(at, 10) }))
		}
		if before, then := find(due.Add(-time.Second)), find(due); before != 0 || then != 1 {
			t.Errorf("got %d before its time and %d then, want 0 and 1", before, then)
		}
		erase := func(project lanyard.ProjectID) bool {
			return keep(t, db, func(tx *store.Tx) (bool, error) { return tx.EraseAccount(project, c.ID) })
		}
		if erase("prj_other") || !erase(c.Project) || erase(c.Project) {
			t.Error("want it erased once, by its project")
		}
		is, _, err := func() (c2 lanyard.Connection, g lanyard.Grant, err error) {
			err = db.View(t.Context(), func(q *store.Query) error { c2, g, err = q.Connection(c.Project, c.ID); return err })
			return
		}()
		if err != nil || len(is.Account) > 0 || find(due) != 0 {
			t.Errorf("got %q, %v, want nothing left of the account", is.Account, err)
		}
	})
}
