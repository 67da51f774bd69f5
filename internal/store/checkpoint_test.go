package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// While commits go on without a pause, the log of SQLite is moved into the
// database behind them and begins anew. It used to be that it did not: some of
// it was always left, and it grew for as long as there was work.
func TestTheWriteAheadLogStaysSmall(t *testing.T) {
	cfg := storetest.SQLite(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	size := func() int64 {
		st, err := os.Stat(filepath.Join(cfg.DataDir, "lanyard.db-wal"))
		must(t, err)
		return st.Size()
	}
	var all sync.WaitGroup
	detail := map[string]string{"filler": strings.Repeat("x", 200)}
	for range 8 {
		all.Go(func() {
			for range 5000 {
				err := db.Read(t.Context(), func(q *store.Query) (lanyard.Entry, error) {
					if _, err := q.Project("prj_w"); !errors.Is(err, lanyard.NotFound) { // readers stay inside transactions meanwhile
						t.Errorf("got %v, want %s", err, lanyard.NotFound)
					}
					e := lanyard.NewEntry(lanyard.Principal{Project: "prj_w", Name: "w"}, lanyard.ActTokenRead)
					e.Detail = detail
					return e, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	// It is about 11 MB, and 114 if it does not.
	if got := size(); got > 40<<20 {
		t.Errorf("got %d MB of log, want it to have begun anew", got>>20)
	}
	must(t, db.Close())
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "lanyard.db-wal")); err == nil && size() > 0 {
		t.Errorf("got %d bytes of log after Close, want none", size())
	}
}
