package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A key has leaked, and with it all token URLs that it made are in strange hands. They are
// found and ended by the key: those for bots too, those of another key or project not.
func TestTokenURLsOfAKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		key := newID[lanyard.KeyID]("lyk_")
		add := func(project lanyard.ProjectID, by lanyard.KeyID, bot lanyard.BotID, until time.Time) lanyard.TokenURLID {
			u := lanyard.TokenURL{ID: newID[lanyard.TokenURLID]("tu_"), Project: project, Types: []string{"zak"}, Contract: lanyard.ContractPlain,
				Bot: bot, Key: by, ExpiresAt: until, CreatedAt: day}
			u.SecretHash = hash(string(u.ID))
			done(t, db, func(tx *store.Tx) error { return tx.AddTokenURL(u) })
			return u.ID
		}
		p := w.project.ID
		ours, bots := add(p, key, "", time.Time{}), add(p, key, w.tokenURL.Bot, time.Now().Add(time.Hour))
		over := add(p, key, "", day)
		theirs, operators := add(other.project.ID, key, "", time.Time{}), add(p, "", "", time.Time{})

		list := func(by lanyard.KeyID) (ids []lanyard.TokenURLID) {
			made := view(t, db, func(q *store.Query) ([]lanyard.TokenURL, error) {
				out, _, err := q.TokenURLsOfKey(p, by, lanyard.Page{})
				return out, err
			})
			for _, u := range made {
				ids = append(ids, u.ID)
			}
			return ids
		}
		same(t, "made by the key, newest first", list(key), []lanyard.TokenURLID{over, bots, ours})
		same(t, "made by the operator, whom no key is", list(""), nil)
		inForce := func() []store.MadeByKey {
			return view(t, db, func(q *store.Query) ([]store.MadeByKey, error) { return q.TokenURLsInForce(key) })
		}
		both := []store.MadeByKey{{Project: p, Count: 2}, {Project: other.project.ID, Count: 1}}
		if p > other.project.ID {
			both[0], both[1] = both[1], both[0]
		}
		same(t, "in force", inForce(), both)

		end := func(by lanyard.KeyID) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.RevokeTokenURLsOfKey(p, by) })
		}
		if n := end(""); n != 0 {
			t.Errorf("of no key: %d ended, want none", n)
		}
		if n := end(key); n != 2 || end(key) != 0 {
			t.Errorf("got %d ended, want the two in force, once", n)
		}
		for id, want := range map[lanyard.TokenURLID]bool{ours: true, bots: true, over: false, operators: false} {
			u := view(t, db, func(q *store.Query) (lanyard.TokenURL, error) { return q.TokenURL(p, id) })
			if !u.RevokedAt.IsZero() != want {
				t.Errorf("%s: got revoked %s, want revoked: %v", id, u.RevokedAt, want)
			}
		}
		same(t, "still in force", inForce(), []store.MadeByKey{{Project: other.project.ID, Count: 1}})
		if u := view(t, db, func(q *store.Query) (lanyard.TokenURL, error) { return q.TokenURL(other.project.ID, theirs) }); !u.RevokedAt.IsZero() {
			t.Error("another project's was ended")
		}
	})
}

// Whoever has the leaked key makes a token URL at the very moment at which it is revoked
// with all that it made: the URL must be ended too, or not be made. On PostgreSQL the two
// transactions used to pass each other by.
func TestAKeyThatIsBeingRevokedLeavesNoTokenURLBehind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		k := w.key
		k.ID, k.RevokedAt = newID[lanyard.KeyID]("lyk_"), time.Time{}
		u := lanyard.TokenURL{ID: newID[lanyard.TokenURLID]("tu_"), Project: w.project.ID, SecretHash: hash("race"), Types: []string{"zak"},
			Contract: lanyard.ContractPlain, Key: k.ID, CreatedAt: day}
		done(t, db, func(tx *store.Tx) error { return tx.AddKey(k) })

		inside, revoked := make(chan struct{}, 1), make(chan error, 1)
		go func() {
			<-inside
			revoked <- db.Bookkeep(t.Context(), func(tx *store.Tx) error {
				if err := tx.RevokeKey(w.project.ID, k.ID); err != nil {
					return err
				}
				_, err := tx.RevokeTokenURLsOfKey(w.project.ID, k.ID)
				return err
			})
		}()
		var early error
		finished := false
		done(t, db, func(tx *store.Tx) error {
			if _, err := tx.LockKey(k.ID); err != nil {
				return err
			}
			select {
			case inside <- struct{}{}:
			default: // tried again
			}
			select { // the other is let in as far as it gets
			case early = <-revoked:
				finished = true
			case <-time.After(300 * time.Millisecond):
			}
			return tx.AddTokenURL(u)
		})
		if !finished {
			early = <-revoked
		}
		must(t, early)
		if got := view(t, db, func(q *store.Query) (lanyard.TokenURL, error) { return q.TokenURL(w.project.ID, u.ID) }); got.RevokedAt.IsZero() {
			t.Error("the token URL lives on")
		}
		if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { _, err := tx.LockKey(k.ID); return err }); !errors.Is(err, lanyard.NotFound) {
			t.Errorf("a revoked key: got %v, want not found", err)
		}
	})
}
