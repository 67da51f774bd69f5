package store_test

import (
	"testing"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// While the same server runs, every connection to it tells the same.
func TestTheIncarnationStaysWhileTheServerRuns(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		seen := map[string]bool{}
		for range 2 {
			db, err := store.Open(t.Context(), cfg)
			must(t, err)
			seen[view(t, db, (*store.Query).Incarnation)] = true
			must(t, db.Bookkeep(t.Context(), func(tx *store.Tx) error {
				is, err := tx.Incarnation()
				seen[is] = true
				return err
			}))
			must(t, db.Close())
		}
		if len(seen) != 1 || seen[""] {
			t.Errorf("got %v, want one that is not empty", seen)
		}
	})
}
