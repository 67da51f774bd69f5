package store_test

import (
	"errors"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// What is over goes when its time has come; what a verdict rests on, or what is not
// over, stays.
func TestPurge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.flow.State = lanyard.FlowParked
		w.attempt.EndedAt, w.attempt.Family, w.attempt.Generation = day, w.grant.Family, w.grant.Generation
		w.session.ExpiresAt = day
		w.add(t, db)
		purged := func(what string, want int, f func(*store.Tx) (int, error)) {
			t.Helper()
			if n := keep(t, db, f); n != want {
				t.Errorf("%s: got %d removed, want %d", what, n, want)
			}
		}
		past, now := time.Now().Add(-time.Hour), time.Now().Add(time.Minute)
		attempts := func(before time.Time) func(*store.Tx) (int, error) {
			return func(tx *store.Tx) (int, error) { return tx.PurgeAttempts(before, 10) }
		}
		flows := func(before time.Time) func(*store.Tx) (int, error) {
			return func(tx *store.Tx) (int, error) { return tx.PurgeFlows(before, 10) }
		}
		sessions := func(before time.Time) func(*store.Tx) (int, error) {
			return func(tx *store.Tx) (int, error) { return tx.PurgeSessions(before, 10) }
		}
		purged("an attempt on the grant's generation", 0, attempts(now))
		purged("a trip that is not over", 0, flows(now))
		purged("an invitation of a minute ago", 0, sessions(past))

		g, f := w.grant, w.flow
		g.Generation++
		done(t, db, func(tx *store.Tx) error {
			_, err := tx.CommitTokens(g, w.grant.Family, w.grant.Generation)
			f.State = lanyard.FlowDone
			_, err2 := tx.MoveFlow(f, lanyard.FlowParked)
			return errors.Join(err, err2)
		})
		purged("an attempt of the last hour", 0, attempts(past))
		purged("a trip of the last hour", 0, flows(past))
		purged("an attempt on a generation that is past", 1, attempts(now))
		purged("a trip that is over", 1, flows(now))
		purged("an invitation that expired", 1, sessions(now))
	})
}
