package store_test

import (
	"testing"
	"time"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// A process whose clock is wrong knows PostgreSQL's; SQLite has none but the process's.
func TestAWrongClockGoesByThatOfTheDatabase(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		for _, offset := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
			mine := cfg
			mine.ClockOffset = offset
			db, err := store.Open(t.Context(), mine)
			must(t, err)
			now := keep(t, db, func(tx *store.Tx) (time.Time, error) { return tx.Now(), nil })
			right, skew := time.Now(), -offset
			if cfg.URL == "" {
				right, skew = right.Add(offset), 0
			}
			for name, got := range map[string]time.Time{"in a transaction": now, "without asking": db.Clock(),
				"reading": view(t, db, (*store.Query).Now)} {
				if d := got.Sub(right); d.Abs() > 2*time.Second {
					t.Errorf("%s, a clock that is %s ahead: got %s away from the database's", name, offset, d)
				}
			}
			if d := db.Skew() - skew; d.Abs() > 2*time.Second {
				t.Errorf("a clock that is %s ahead: got the database's %s ahead", offset, db.Skew())
			}
			must(t, db.Close())
		}
	})
}
