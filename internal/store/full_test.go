package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"lanyard"
)

// A full disk ends a batch: SQLite may undo the whole transaction on its own,
// and everybody in it is told. Afterwards, with room again, writing goes on.
func TestFullDisk(t *testing.T) {
	db, err := Open(t.Context(), Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	limit := func(pages int) {
		t.Helper()
		rows, err := db.back.(*writer).conn.query(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() { // the pragma takes effect as its answer is read
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite takes the number of pages that there are
	var wg sync.WaitGroup
	big := strings.Repeat("x", 1<<20)
	for i := range 20 {
		wg.Go(func() {
			err := db.Update(context.Background(), func(tx *Tx) (lanyard.Entry, error) {
				return lanyard.Entry{}, tx.PutMeta(fmt.Sprint("big", i), big)
			})
			if !errors.Is(err, lanyard.CodeStoreUnavailable) {
				t.Errorf("got %v, want store_unavailable", err)
			}
			e := lanyard.NewEntry(lanyard.Principal{Project: "prj_x", Name: big}, lanyard.ActTokenRead)
			err = db.Read(context.Background(), func(*Query) (lanyard.Entry, error) { return e, nil })
			if !errors.Is(err, lanyard.CodeStoreUnavailable) {
				t.Errorf("got %v, want store_unavailable", err)
			}
		})
	}
	wg.Wait()
	limit(1 << 30)
	if err := db.Bookkeep(t.Context(), func(tx *Tx) error { return tx.PutMeta("after", "v") }); err != nil {
		t.Errorf("with room again: got %v", err)
	}
	if err := db.View(t.Context(), func(q *Query) error { _, err := q.Meta("big0"); return err }); !errors.Is(err, lanyard.CodeNotFound) {
		t.Errorf("got %v, want nothing of what failed", err)
	}
}
