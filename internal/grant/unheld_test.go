package grant

import (
	"slices"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// Found by cmd/crash -scenario network: the database had written an attempt, and its reply
// was lost. Nobody worked at it, and for 25 hours nobody was sure of that: what the provider
// had ended was shown as degraded for so long.
func TestAnAttemptThatNobodyWorksAtIsEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, g := nodeOn(t, db)
		s.withProviders(t)
		add := func(node string, deadline time.Duration) lanyard.AttemptID {
			a := lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Grant: g.ID, Kind: lanyard.AttemptRefresh,
				Node: node, Family: g.Family, Generation: g.Generation, StartedAt: time.Now(), Deadline: time.Now().Add(deadline)}
			if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddAttempt(a) }); err != nil {
				t.Fatal(err)
			}
			return a.ID
		}
		sweep := func() {
			t.Helper()
			if err := s.closeUnheld(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		over := -time.Minute
		held, answered, young, theirs := add(s.Node, over), add(s.Node, over), add(s.Node, 20*time.Second), add("nod_2", over)
		release := s.hold(held)
		room, err := s.Spool.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := room.Keep(spool.Receipt{Attempt: answered, Project: g.Project, App: g.App, Grant: g.ID, Kind: lanyard.AttemptRefresh, Sealed: []byte("sealed")}); err != nil {
			t.Fatal(err)
		}
		sweep()
		if got, want := s.openOf(t, s.Node), []lanyard.AttemptID{held, answered, young}; !slices.Equal(got, sorted(want)) {
			t.Errorf("got %v open, want %v: a call has it, its answer is on disk, its time is not over", got, want)
		}
		if got := s.openOf(t, "nod_2"); !slices.Equal(got, []lanyard.AttemptID{theirs}) {
			t.Errorf("got %v open of another node, want %v", got, theirs)
		}
		outcome := func(id lanyard.AttemptID) (a lanyard.Attempt) {
			t.Helper()
			err := db.View(t.Context(), func(q *store.Query) error {
				list, err := q.AttemptsOn(g.ID, g.Family, g.Generation)
				if i := slices.IndexFunc(list, func(a lanyard.Attempt) bool { return a.ID == id }); i >= 0 {
					a = list[i]
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}

		s.unsent.note(young)
		late := lanyard.NewID[lanyard.AttemptID]("att_") // its statement is still on its way
		s.unsent.note(late)
		release()
		sweep()
		if got := outcome(young); got.Outcome != lanyard.OutcomeNotSent || got.EndedAt.IsZero() {
			t.Errorf("got %q, want not_sent at once: it is known that nothing was", got.Outcome)
		}
		if got := outcome(held); got.Outcome != lanyard.OutcomeUnknown {
			t.Errorf("got %q after its call has gone without a word, want unknown", got.Outcome)
		}
		if !s.unsent.has(late) {
			t.Error("one that the database may yet get is forgotten")
		}
	})
}

func sorted(ids []lanyard.AttemptID) []lanyard.AttemptID {
	return slices.Sorted(slices.Values(ids))
}
