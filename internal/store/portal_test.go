package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A portal comes back as it was written, is moved by one of two who try at the same
// moment, and by nobody of another project, and goes when it is over.
func TestPortals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		until := time.Now().UTC().Add(time.Minute).Truncate(time.Microsecond)
		v := lanyard.Portal{ID: lanyard.NewID[lanyard.PortalID]("ptl_"), Project: "prj_1", Person: "per_1", Key: "lyk_1", Providers: []string{"zoom"},
			Labels: []string{"a, b", "c"}, ReturnURL: "https://app.example/x", LinkHash: []byte("link"), State: lanyard.PortalOffered,
			ExpiresAt: until, CreatedAt: until.Add(-time.Minute)}
		done(t, db, func(tx *store.Tx) error { return tx.AddPortal(v) })
		same(t, "by link", view(t, db, func(q *store.Query) (lanyard.Portal, error) { return q.PortalByLink([]byte("link")) }), v)

		open := v
		open.State, open.CookieHash, open.UsedAt, open.ExpiresAt = lanyard.PortalOpen, []byte("cookie"), until, until.Add(time.Hour)
		move := func(v lanyard.Portal, from lanyard.PortalState) bool {
			return keep(t, db, func(tx *store.Tx) (bool, error) { return tx.MovePortal(v, from) })
		}
		foreign := open
		foreign.Project = "prj_2"
		if move(foreign, lanyard.PortalOffered) {
			t.Error("another project's: moved")
		}
		if first, second := move(open, lanyard.PortalOffered), move(open, lanyard.PortalOffered); !first || second {
			t.Errorf("opened twice: got %v and %v, want the first only", first, second)
		}
		same(t, "by cookie", view(t, db, func(q *store.Query) (lanyard.Portal, error) { return q.PortalByCookie([]byte("cookie")) }), open)
		for _, hash := range [][]byte{nil, {}, []byte("Cookie")} {
			err := db.View(t.Context(), func(q *store.Query) error { _, err := q.PortalByCookie(hash); return err })
			if !errors.Is(err, lanyard.CodeNotFound) {
				t.Errorf("cookie %q: got %v, want not found", hash, err)
			}
		}

		purge := func(before time.Time) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgePortals(before, 10) })
		}
		if n := purge(until.Add(30 * time.Minute)); n != 0 {
			t.Errorf("still open: got %d removed, want none", n)
		}
		if n := purge(until.Add(2 * time.Hour)); n != 1 {
			t.Errorf("over: got %d removed, want 1", n)
		}
	})
}
