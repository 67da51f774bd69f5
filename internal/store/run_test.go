package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

var errMine = errors.New("mine")

// Of many changes at once, each third fails in its own way: by an error, by a
// panic, by ending its goroutine. The others are all there, and nothing of those is.
func TestAFailureUndoesItselfOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 120
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				fn := func(tx *store.Tx) (lanyard.Entry, error) {
					if err := tx.PutMeta(fmt.Sprint("k", i), "v"); err != nil {
						return lanyard.Entry{}, err
					}
					tx.AddEntry(lanyard.NewEntry(lanyard.Principal{Project: "prj_f", Name: "further"}, lanyard.ActAppChanged))
					switch i % 6 {
					case 1:
						return lanyard.Entry{}, errMine
					case 3:
						panic("a secret, perhaps")
					case 5:
						runtime.Goexit()
					}
					return lanyard.NewEntry(lanyard.Principal{Project: "prj_f", Name: "main"}, lanyard.ActAppChanged), nil
				}
				err := db.Update(context.Background(), fn)
				switch {
				case i%6 == 1 && err != errMine:
					t.Errorf("%d: got %v, want its own error", i, err)
				case i%6 == 3 && (err == nil || strings.Contains(err.Error(), "secret")):
					t.Errorf("%d: got %v, want an error without the value of the panic", i, err)
				case i%2 == 0 && err != nil:
					t.Errorf("%d: got %v, want none", i, err)
				}
			})
		}
		wg.Wait()
		must(t, db.View(t.Context(), func(q *store.Query) error {
			for i := range n {
				_, err := q.Meta(fmt.Sprint("k", i))
				if there := err == nil; there != (i%2 == 0) {
					t.Errorf("%d: got there %v (%v), want %v", i, there, err, i%2 == 0)
				}
			}
			entries, _, err := q.Entries("prj_f", lanyard.EntryFilter{}, lanyard.Page{Limit: 200})
			if len(entries) != n {
				t.Errorf("got %d entries, want two for each of the %d that went well", len(entries), n/2)
			}
			return err
		}))
	})
}

func entries(t *testing.T, db *store.DB, p lanyard.ProjectID) []lanyard.Entry {
	t.Helper()
	return view(t, db, func(q *store.Query) ([]lanyard.Entry, error) {
		e, _, err := q.Entries(p, lanyard.EntryFilter{}, lanyard.Page{Limit: 200})
		return e, err
	})
}

func TestARefusalIsOnRecordWithoutItsChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		refusal := lanyard.Errorf(lanyard.CodeKeyTooStrong, "")
		by := lanyard.Principal{Project: "prj_r", Name: "key:lyk_x"}
		err := db.Update(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
			must(t, tx.PutMeta("refused", "v"))
			tx.AddEntry(lanyard.NewEntry(by, lanyard.ActKeyCreated))
			return lanyard.NewEntry(by, lanyard.ActKeyCreated).Failed(refusal), refusal
		})
		if !errors.Is(err, lanyard.CodeKeyTooStrong) {
			t.Errorf("got %v, want the refusal", err)
		}
		if !lanyard.OnRecord(err) || lanyard.OnRecord(refusal) {
			t.Error("the refusal does not say that it is on record, or one says so that is not")
		}
		time.Sleep(2 * time.Millisecond) // ids are sorted by the millisecond
		err = db.Read(t.Context(), func(q *store.Query) (lanyard.Entry, error) {
			_, _, err := q.Connection("prj_r", "con_x")
			return lanyard.NewEntry(by, lanyard.ActTokenRead).Failed(err), err
		})
		if !errors.Is(err, lanyard.NotFound) {
			t.Errorf("got %v, want not found", err)
		}
		got := entries(t, db, "prj_r")
		if len(got) != 2 || got[0].What != lanyard.ActTokenRead || got[0].Outcome != "denied" || got[0].Code != lanyard.CodeNotFound ||
			got[1].Outcome != "denied" || got[1].Code != lanyard.CodeKeyTooStrong {
			t.Errorf("got %+v, want the two refusals", got)
		}
		if err := db.View(t.Context(), func(q *store.Query) error { _, err := q.Meta("refused"); return err }); !errors.Is(err, lanyard.NotFound) {
			t.Errorf("got %v, want the change undone", err)
		}
	})
}

// Much of what changes something ends in "return entry, tx.Put…": where that failed, the change
// was undone, and the log used to say "ok" of it all the same: that a key was revoked, for
// instance, which went on working.
func TestTheLogDoesNotSayThatWhatFailedWasDone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		by := lanyard.Principal{Project: "prj_h", Name: "key:lyk_x"}
		must(t, db.Update(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
			return lanyard.Entry{}, tx.AddKey(store.Key{ID: "lyk_h", Project: "prj_h", MAC: []byte{1}})
		}))
		again := db.Update(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
			return lanyard.NewEntry(by, lanyard.ActKeyCreated), tx.AddKey(store.Key{ID: "lyk_h", Project: "prj_h", MAC: []byte{1}})
		})
		if _, exists := errors.AsType[*store.ExistsError](again); !exists {
			t.Errorf("got %v, want that there is one", again)
		}
		if err := db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) {
			return lanyard.NewEntry(by, lanyard.ActTokenRead), errMine
		}); !errors.Is(err, errMine) {
			t.Errorf("got %v, want its error", err)
		}
		got := entries(t, db, "prj_h")
		for _, e := range got {
			if e.Outcome != "failed" || e.Code == "" {
				t.Errorf("got %s of %s, which did not happen", e.Outcome, e.What)
			}
		}
		if len(got) != 2 {
			t.Errorf("got %d entries, want the two tries", len(got))
		}
	})
}

func TestNoEntryWhereNoneIsMade(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		before := db.Stats()
		must(t, db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return lanyard.Entry{}, nil }))
		if err := db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return lanyard.Entry{}, errMine }); err != errMine {
			t.Errorf("got %v, want its error", err)
		}
		if got := db.Stats(); got != before {
			t.Errorf("got %+v after %+v, want nothing committed", got, before)
		}
		if err := db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return lanyard.Entry{What: "x.y"}, nil }); err == nil {
			t.Error("an entry without an id: got no error")
		}
	})
}

// What Read returns is visible to a second process, and entries of many readers
// go together.
func TestReadReturnsAfterItsEntryIsCommitted(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		defer db.Close()
		second := secondConnection(t, cfg)
		defer second.Close()
		const n = 200
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				e := lanyard.NewEntry(lanyard.Principal{Project: "prj_d", Name: "key:lyk_x"}, lanyard.ActTokenRead)
				if err := db.Read(context.Background(), func(*store.Query) (lanyard.Entry, error) { return e, nil }); err != nil {
					t.Error(err)
				}
				var found int
				if err := second.QueryRow(`SELECT count(*) FROM entries WHERE id = $1`, string(e.ID)).Scan(&found); err != nil || found != 1 {
					t.Errorf("got %d, %v, want the entry visible elsewhere", found, err)
				}
			})
		}
		wg.Wait()
		if s := db.Stats(); s.Entries != n || s.Largest < 2 || s.Commits >= n {
			t.Errorf("got %+v, want %d entries in fewer commits", s, n)
		}
	})
}

// A context that ends in the queue keeps the function from running; one that
// ends while it runs does not.
func TestCancelledWhileQueued(t *testing.T) {
	db := storetest.Open(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	first, cancelFirst := context.WithCancel(t.Context())
	wg.Go(func() {
		if err := db.Bookkeep(first, func(tx *store.Tx) error {
			close(inside)
			<-leave
			return tx.PutMeta("first", "v") // its context has ended meanwhile
		}); err != nil {
			t.Errorf("got %v, want what runs to complete", err)
		}
	})
	<-inside
	cancelFirst()
	ctx, cancel := context.WithCancel(t.Context())
	var ran bool
	wg.Go(func() {
		if err := db.Bookkeep(ctx, func(tx *store.Tx) error { ran = true; return tx.PutMeta("second", "v") }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want cancelled", err)
		}
	})
	wg.Go(func() {
		e := lanyard.NewEntry(lanyard.Principal{Project: "prj_c"}, lanyard.ActTokenRead)
		if err := db.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want cancelled", err)
		}
	})
	time.Sleep(20 * time.Millisecond)
	cancel()
	time.Sleep(20 * time.Millisecond)
	close(leave)
	wg.Wait()
	done(t, db, func(tx *store.Tx) error { return tx.PutMeta("third", "v") })
	if ran || len(entries(t, db, "prj_c")) != 0 {
		t.Error("what was cancelled in the queue has run")
	}
	if got := view(t, db, func(q *store.Query) (string, error) { return q.Meta("first") }); got != "v" {
		t.Errorf("got %q, want v", got)
	}
	if err := db.Bookkeep(ctx, func(*store.Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("got %v, ran %v, want a dead context refused", err, ran)
	}
}

func TestClosed(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		var wg sync.WaitGroup
		for range 50 { // under way while it closes: done or refused, never stuck
			wg.Go(func() {
				for {
					if err := db.Bookkeep(context.Background(), func(tx *store.Tx) error { return tx.PutMeta("k", "v") }); err != nil {
						if !errors.Is(err, lanyard.CodeStoreUnavailable) {
							t.Errorf("got %v, want store_unavailable", err)
						}
						return
					}
				}
			})
		}
		time.Sleep(30 * time.Millisecond)
		must(t, db.Close())
		must(t, db.Close())
		wg.Wait()
		e := lanyard.NewEntry(lanyard.Principal{}, lanyard.ActTokenRead)
		if err := db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return e, nil }); !errors.Is(err, lanyard.CodeStoreUnavailable) {
			t.Errorf("got %v, want store_unavailable", err)
		}
	})
}

func TestNowIsTheClockAndStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		start := time.Now().Add(-time.Second)
		done(t, db, func(tx *store.Tx) error {
			a := tx.Now()
			time.Sleep(time.Millisecond)
			if b := tx.Now(); !a.Equal(b) || a.Before(start) || a.After(time.Now().Add(time.Second)) || a != a.Truncate(time.Microsecond) {
				t.Errorf("got %v, then %v", a, b)
			}
			return nil
		})
		now := view(t, db, func(q *store.Query) (time.Time, error) { return q.Now() })
		if now.Before(start) {
			t.Errorf("got %v, want now", now)
		}
	})
}
