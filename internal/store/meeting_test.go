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

func meetingOf(w world, key string) lanyard.Meeting {
	return lanyard.Meeting{App: w.app.ID, Key: []byte(key), Project: w.project.ID, Host: []byte("host"), Listed: true, SaidAt: day,
		State: lanyard.RunStarted, Run: []byte("run"), RunAt: day.Add(time.Minute), ToldAt: day.Add(time.Second), KeepUntil: day.Add(72 * time.Hour)}
}

func listingOf(w world) lanyard.Listing {
	return lanyard.Listing{Grant: w.grant.ID, Project: w.project.ID, App: w.app.ID, Account: []byte("host"), ListAt: day}
}

func TestMeetings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, other := newWorld(), newWorld()
		w.add(t, db)
		other.add(t, db)
		m := meetingOf(w, "a")
		theirs := meetingOf(other, "a")
		done(t, db, func(tx *store.Tx) error { return errors.Join(tx.PutMeeting(m), tx.PutMeeting(theirs)) })
		read := func(app lanyard.AppID, key string) (got lanyard.Meeting) {
			t.Helper()
			must(t, db.View(t.Context(), func(q *store.Query) (err error) {
				got, err = q.Meeting(app, []byte(key))
				return err
			}))
			return got
		}
		same(t, "a meeting", read(w.app.ID, "a"), m)
		same(t, "another app's, of the same number", read(other.app.ID, "a"), theirs)
		must(t, db.View(t.Context(), func(q *store.Query) error {
			mine, err := q.AppsOf(w.project.ID, w.app.Provider)
			must(t, err)
			same(t, "the project's apps", mine, []lanyard.App{w.app})
			_, err = q.Meeting(w.app.ID, []byte("b"))
			if !errors.Is(err, lanyard.NotFound) {
				t.Errorf("got %v, want not_found", err)
			}
			return nil
		}))

		m.Host, m.Personal, m.Listed, m.Gone, m.State, m.Run, m.KeepUntil = []byte("another"), true, false, true, lanyard.RunEnded, []byte("run 2"), day.Add(time.Hour)
		done(t, db, func(tx *store.Tx) error { return tx.PutMeeting(m) })
		same(t, "written again", read(w.app.ID, "a"), m)

		// A whole list loses what it does not have, of this host, said before.
		for _, key := range []string{"old", "new", "noticed", "personal"} {
			x := meetingOf(w, key)
			x.Listed, x.Personal = key != "noticed", key == "personal"
			if key == "new" {
				x.SaidAt = day.Add(time.Hour)
			}
			done(t, db, func(tx *store.Tx) error { return tx.PutMeeting(x) })
		}
		lose := func(personal bool) int {
			return keep(t, db, func(tx *store.Tx) (int, error) {
				return tx.LoseMeetings(w.app.ID, []byte("host"), day.Add(time.Hour), day.Add(2*time.Hour), personal)
			})
		}
		if a, b, c := lose(true), lose(false), lose(false); a != 1 || b != 1 || c != 0 {
			t.Errorf("got %d, %d, %d lost, want the personal one, the old one, none", a, b, c)
		}
		if x := read(w.app.ID, "old"); !x.Gone || !x.SaidAt.Equal(day.Add(time.Hour)) || !x.KeepUntil.Equal(day.Add(2*time.Hour)) {
			t.Errorf("got %+v, want it gone as of the list", x)
		}
		if read(w.app.ID, "new").Gone || read(w.app.ID, "noticed").Gone || read(other.app.ID, "a").Gone {
			t.Error("got more lost than the list speaks of")
		}
	})
}

// Of two things said about one stay the later holds, in whatever order they come.
func TestAttendances(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		m := meetingOf(w, "a")
		put := func(stay, account string, here bool, minute int) {
			t.Helper()
			done(t, db, func(tx *store.Tx) error {
				return tx.PutAttendance(lanyard.Attendance{App: m.App, Meeting: m.Key, Run: m.Run, Participant: []byte(stay), Project: m.Project,
					Account: []byte(account), Here: here, At: day.Add(time.Duration(minute) * time.Minute)})
			})
		}
		stays := func(account string) (s store.Stays) {
			t.Helper()
			must(t, db.View(t.Context(), func(q *store.Query) (err error) {
				s, err = q.Stays(m, []byte(account))
				return err
			}))
			return s
		}
		put("1", "ana", false, 5) // left, before coming is told
		put("1", "ana", true, 1)
		put("2", "ana", true, 2)
		put("3", "", true, 3)
		put("3", "", false, 3) // of the same moment: gone
		put("3", "", true, 3)
		put("4", "", true, 4)
		put("5", "ben", true, 6)
		put("5", "", false, 7) // unnamed now, and named before
		for account, want := range map[string]store.Stays{"ana": {Here: 1, Left: 1}, "": {Here: 1, Left: 1}, "ben": {Left: 1}, "chidi": {}} {
			same(t, account, stays(account), want)
		}
		must(t, db.View(t.Context(), func(q *store.Query) error {
			here, err := q.PresentIn(m, 10)
			must(t, err)
			if len(here) != 1 || string(here[0]) != "ana" {
				t.Errorf("got %q, want ana", here)
			}
			return nil
		}))
		if n := keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeAttendances(day.Add(3*time.Minute), 10) }); n != 1 {
			t.Errorf("got %d forgotten, want the one of minute two", n)
		}
		done(t, db, func(tx *store.Tx) error { return tx.EndRun(m.App, m.Key, []byte("another run")) })
		if got := stays("ana"); got.Left != 1 {
			t.Errorf("another run's end: got %+v", got)
		}
		done(t, db, func(tx *store.Tx) error { return tx.EndRun(m.App, m.Key, m.Run) })
		if got := stays(""); got != (store.Stays{}) {
			t.Errorf("after the end: got %+v, want nobody", got)
		}
	})
}

func TestPurgeMeetings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		for i, until := range []time.Time{day, day, time.Now().Add(time.Hour)} {
			m := meetingOf(w, string(rune('a'+i)))
			m.KeepUntil = until
			done(t, db, func(tx *store.Tx) error { return tx.PutMeeting(m) })
		}
		purge := func() int {
			return keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeMeetings(1) })
		}
		if got := []int{purge(), purge(), purge()}; !slices.Equal(got, []int{1, 1, 0}) {
			t.Errorf("got %v forgotten, want two and not the third", got)
		}
		orphan := listingOf(w)
		orphan.Grant = "grt_none"
		done(t, db, func(tx *store.Tx) error { return errors.Join(tx.AskListing(listingOf(w)), tx.AskListing(orphan)) })
		if n := keep(t, db, func(tx *store.Tx) (int, error) { return tx.PurgeListings(10) }); n != 1 {
			t.Errorf("got %d lists forgotten, want that of the grant that is not there", n)
		}
	})
}
