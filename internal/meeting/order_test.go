package meeting

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

var (
	ana, ben = []byte("ana"), []byte("ben") // both connected
	began    = time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
)

// history is what happens to a meeting, in order, a second apart.
func history(r *rand.Rand) (out []told) {
	tell := func(change provider.MeetingChange, run, stay string, person []byte) {
		at := began.Add(time.Duration(len(out)) * time.Second)
		v := told{at: at, change: change, run: []byte(run), stay: []byte(stay), person: person,
			meeting: fact{at: at, host: ana, gone: change == provider.MeetingDeleted, keep: at.Add(overFor)}}
		if len(out) > 0 && r.IntN(12) == 0 {
			v.meeting.host = ben // for this once; what comes later says otherwise
		}
		out = append(out, v)
	}
	tell(provider.MeetingPlanned, "", "", nil)
	for i := range 1 + r.IntN(3) {
		run := fmt.Sprint("run", i)
		tell(provider.MeetingStarted, run, "", nil)
		here := []string{}
		people := map[string][]byte{}
		for j := range r.IntN(8) {
			if len(here) > 0 && r.IntN(2) == 0 {
				k := r.IntN(len(here))
				tell(provider.MeetingLeft, run, here[k], people[here[k]])
				here = slices.Delete(here, k, k+1)
				continue
			}
			stay := fmt.Sprint(run, "-", j)
			people[stay] = [][]byte{ana, ben, nil}[r.IntN(3)]
			tell(provider.MeetingJoined, run, stay, people[stay])
			here = append(here, stay)
		}
		if r.IntN(4) > 0 {
			tell(provider.MeetingEnded, run, "", nil)
		}
		switch r.IntN(4) {
		case 0:
			tell(provider.MeetingChanged, "", "", nil)
		case 1:
			tell(provider.MeetingDeleted, "", "", nil)
		}
	}
	return out
}

// Notices come in any order, and some twice; what is known in the end is the same.
func TestNoticesInAnyOrderSayTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := lanyard.App{ID: "app_1", Project: "prj_1"}
		s := New(Config{Store: db, Pace: 1})
		keep := func(f func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Bookkeep(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		keep(func(tx *store.Tx) error {
			for i, account := range [][]byte{ana, ben} {
				if err := tx.AskListing(lanyard.Listing{Grant: lanyard.GrantID(fmt.Sprint("grt_", i)), Project: a.Project, App: a.ID, Account: account}); err != nil {
					return err
				}
			}
			return nil
		})
		after := func(name string, notices []told) (out string) {
			t.Helper()
			keep(func(tx *store.Tx) error {
				for _, v := range notices {
					v.app, v.key = a, []byte(name)
					if err := s.apply(tx, v); err != nil {
						return err
					}
				}
				m, err := tx.Meeting(a.ID, []byte(name))
				if err != nil {
					return err
				}
				out = fmt.Sprintf("host %s gone %v state %q run %s told %v", m.Host, m.Gone, m.State, m.Run, m.State == lanyard.RunStarted && !m.ToldAt.IsZero())
				unnamed, err := tx.Stays(m, nil)
				if err != nil {
					return err
				}
				for _, who := range [][]byte{ana, ben} {
					mine, err := tx.Stays(m, who)
					if err != nil {
						return err
					}
					out += fmt.Sprintf(" %s %s", who, where(m, true, mine.Here, unnamed.Here, mine.Left > 0, began.Add(2*time.Hour)))
				}
				return nil
			})
			return out
		}
		const rounds = 40
		seen := map[lanyard.Presence]bool{}
		for seed := range uint64(rounds) {
			r := rand.New(rand.NewPCG(seed, 1))
			happened := history(r)
			want := after(fmt.Sprint("in order ", seed), happened)
			for i := range 4 {
				shuffled := append(slices.Clone(happened), happened[r.IntN(len(happened))], happened[r.IntN(len(happened))])
				r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				if got := after(fmt.Sprint("shuffled ", seed, " ", i), shuffled); got != want {
					t.Fatalf("seed %d: got %s, want %s as in order; it came as %v", seed, got, want, changesOf(shuffled))
				}
			}
			for _, p := range []lanyard.Presence{lanyard.Present, lanyard.Absent, lanyard.NotKnowable} {
				seen[p] = seen[p] || slices.Contains(strings.Fields(want), string(p))
			}
		}
		if !seen[lanyard.Present] || !seen[lanyard.Absent] || !seen[lanyard.NotKnowable] {
			t.Errorf("got only %v, want histories that end in each way", seen)
		}
	})
}

func changesOf(all []told) (out []string) {
	for _, v := range all {
		out = append(out, fmt.Sprintf("%s@%d/%s/%s", v.change, int(v.at.Sub(began).Seconds()), v.run, v.stay))
	}
	return out
}
