package store_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// More than one statement asks about, of which some are there, some have ended, and
// some are nobody's.
func TestStandingOfMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		open, ended := newWorld(), newWorld()
		open.attempt.Outcome, open.attempt.EndedAt = lanyard.OutcomeOpen, time.Time{}
		ended.grant.Family, ended.grant.Generation = "fam9", 12
		ended.attempt.Outcome, ended.attempt.EndedAt = lanyard.OutcomeOK, day
		open.add(t, db)
		ended.add(t, db)
		about := []store.Receipted{{Attempt: open.attempt.ID, Grant: open.grant.ID}}
		for range 450 {
			about = append(about, store.Receipted{Attempt: newID[lanyard.AttemptID]("att_"), Grant: newID[lanyard.GrantID]("grt_")})
		}
		about = append(about, store.Receipted{Attempt: ended.attempt.ID, Grant: ended.grant.ID})
		got := view(t, db, func(q *store.Query) (store.Standing, error) { return q.Standing(about) })
		same(t, "standing", got, store.Standing{
			Grants: map[lanyard.GrantID]lanyard.Grant{
				open.grant.ID:  {ID: open.grant.ID, Family: "fam1", Generation: 7},
				ended.grant.ID: {ID: ended.grant.ID, Family: "fam9", Generation: 12}},
			Open: map[lanyard.AttemptID]bool{open.attempt.ID: true}})
		none := view(t, db, func(q *store.Query) (store.Standing, error) { return q.Standing(nil) })
		if len(none.Grants)+len(none.Open) != 0 {
			t.Errorf("got %v of nothing", none)
		}
	})
}
