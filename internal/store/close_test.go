package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestCloseLeavesNothingRunning(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		before := goleak.IgnoreCurrent()
		db, err := store.Open(context.Background(), cfg)
		must(t, err)
		w := newWorld()
		w.add(t, db)
		must(t, db.Close())
		goleak.VerifyNone(t, before)
	})
}

// Inside a bubble of fake time the store works, keeps its clock, and ends.
func TestInABubble(t *testing.T) {
	cfg := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		var first, second time.Time
		done(t, db, func(tx *store.Tx) error { first = tx.Now(); return tx.PutMeta("k", "v") })
		time.Sleep(24 * time.Hour)
		done(t, db, func(tx *store.Tx) error { second = tx.Now(); return tx.PutMeta("k", "w") })
		if got := second.Sub(first); got < 24*time.Hour || got > 24*time.Hour+time.Minute {
			t.Errorf("got %v between the two, want a day", got)
		}
		e := lanyard.NewEntry(lanyard.Principal{Project: "prj_b"}, lanyard.ActTokenRead)
		must(t, db.Read(t.Context(), func(*store.Query) (lanyard.Entry, error) { return e, nil }))
		if got := entries(t, db, "prj_b"); len(got) != 1 || got[0].At.Before(second) {
			t.Errorf("got %+v, want the entry by the bubble's clock", got)
		}
		must(t, db.Close())
	})
}

// An existing database is ready well within the 100 ms that a start may take.
func TestOpeningAnExistingDatabaseIsQuick(t *testing.T) {
	cfg := storetest.SQLite(t)
	best := time.Hour
	for range 5 {
		start := time.Now()
		db, err := store.Open(t.Context(), cfg)
		must(t, err)
		best = min(best, time.Since(start))
		must(t, db.Close())
	}
	t.Logf("%v", best)
	if best > 100*time.Millisecond {
		t.Errorf("got %v, want at most 100 ms", best)
	}
}
