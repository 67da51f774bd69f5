package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A token URL comes back as it was written, is found by its secret alone, and is listed
// and ended by its own project only.
func TestTokenURLs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other, w := newWorld(), newWorld()
		other.add(t, db)
		w.add(t, db)
		u := w.tokenURL
		plain := lanyard.TokenURL{ID: newID[lanyard.TokenURLID]("tu_"), Project: u.Project, SecretHash: hash("plain"), Types: []string{"zak"},
			Contract: lanyard.ContractPlain, CreatedAt: day}
		done(t, db, func(tx *store.Tx) error { return tx.AddTokenURL(plain) })
		bySecret := func(h []byte) (lanyard.TokenURL, error) {
			var found lanyard.TokenURL
			err := db.View(t.Context(), func(q *store.Query) (err error) { found, err = q.TokenURLBySecret(h); return err })
			return found, err
		}
		for _, want := range []lanyard.TokenURL{u, plain} {
			got, err := bySecret(want.SecretHash)
			must(t, err)
			same(t, "by secret", got, want)
		}
		for _, none := range [][]byte{nil, {}, hash("another")} {
			if _, err := bySecret(none); !errors.Is(err, lanyard.CodeNotFound) {
				t.Errorf("secret %x: got %v, want not found", none, err)
			}
		}
		list := func(project lanyard.ProjectID, bot lanyard.BotID) []lanyard.TokenURL {
			return view(t, db, func(q *store.Query) ([]lanyard.TokenURL, error) {
				out, _, err := q.TokenURLs(project, bot, lanyard.Page{})
				return out, err
			})
		}
		same(t, "those of no bot", list(u.Project, ""), []lanyard.TokenURL{plain})
		same(t, "those of a bot", list(u.Project, u.Bot), []lanyard.TokenURL{u})

		if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.RevokeTokenURL(other.project.ID, plain.ID) }); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("revoked by another project: got %v, want not found", err)
		}
		done(t, db, func(tx *store.Tx) error { return tx.RevokeTokenURL(u.Project, plain.ID) })
		first, err := bySecret(plain.SecretHash)
		must(t, err)
		done(t, db, func(tx *store.Tx) error { return tx.RevokeTokenURL(u.Project, plain.ID) })
		again, err := bySecret(plain.SecretHash)
		must(t, err)
		if first.RevokedAt.IsZero() || !again.RevokedAt.Equal(first.RevokedAt) {
			t.Errorf("got revoked at %s, then %s, want the first time to stay", first.RevokedAt, again.RevokedAt)
		}
		ofBot := func(project lanyard.ProjectID, bot lanyard.BotID) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.RevokeTokenURLsOf(project, bot) })
		}
		if n := ofBot(u.Project, ""); n != 0 {
			t.Errorf("of no bot: %d revoked, want none", n)
		}
		if n := ofBot(u.Project, u.Bot); n != 1 || ofBot(u.Project, u.Bot) != 0 {
			t.Errorf("of a bot: %d revoked, want one, once", n)
		}
		if got, err := bySecret(other.tokenURL.SecretHash); err != nil || !got.RevokedAt.IsZero() {
			t.Errorf("another project's, of a bot with that id: got revoked %s (%v), want it in force", got.RevokedAt, err)
		}

		later := day.Add(time.Hour)
		for _, at := range []time.Time{later, day} {
			done(t, db, func(tx *store.Tx) error {
				return tx.TouchTokenURLs(map[lanyard.TokenURLID]time.Time{plain.ID: at, "tu_gone": at})
			})
		}
		if got, err := bySecret(plain.SecretHash); err != nil || !got.LastUsedAt.Equal(later) {
			t.Errorf("got last used %s (%v), want the later time", got.LastUsedAt, err)
		}
		purge := func(before time.Time) int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeTokenURLs(before, 10) })
		}
		if n := purge(day); n != 0 {
			t.Errorf("before anything has ended: %d removed, want none", n)
		}
		if n := purge(time.Now().Add(time.Hour)); n != 3 {
			t.Errorf("revoked and expired: %d removed, want all three", n)
		}
	})
}
