package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A leaked key's token URLs are revoked while they are in use, which is noted of many at once:
// the one went by where the rows lie, the other by their ids, and on PostgreSQL the two used to
// wait for each other, until the database ended one. That was the revocation, as often as not.
func TestRevokingTheURLsOfAKeyWaitsForNobodyWhoWaitsForIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		for range 20 {
			key, used := newID[lanyard.KeyID]("lyk_"), map[lanyard.TokenURLID]time.Time{}
			ids := make([]lanyard.TokenURLID, 150)
			for i := range ids {
				ids[i] = newID[lanyard.TokenURLID]("tu_")
				used[ids[i]] = day.Add(time.Hour)
			}
			slices.Sort(ids)
			slices.Reverse(ids)
			done(t, db, func(tx *store.Tx) error { // they lie the other way round
				for _, id := range ids {
					if err := tx.AddTokenURL(lanyard.TokenURL{ID: id, Project: w.project.ID, SecretHash: hash(string(id)), Types: []string{"zak"},
						Contract: lanyard.ContractPlain, Key: key, CreatedAt: day}); err != nil {
						return err
					}
				}
				return nil
			})
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.TouchTokenURLs(used) }); err != nil {
					t.Errorf("note when they were used: %v", err)
				}
			})
			wg.Go(func() {
				if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error {
					time.Sleep(5 * time.Millisecond) // in the midst of it, or not: it has to go well
					n, err := tx.RevokeTokenURLsOfKey(w.project.ID, key)
					if err == nil && n != len(ids) {
						t.Errorf("got %d revoked, want all", n)
					}
					return err
				}); err != nil {
					t.Errorf("revoke them: %v", err)
				}
			})
			wg.Wait()
			if t.Failed() {
				return
			}
		}
	})
}
