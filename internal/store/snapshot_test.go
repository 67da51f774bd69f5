package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// While so many read that readers stay inside their transactions, what was
// changed is seen by the next read, by whomever: a connection that was paused is
// paused, a token that was renewed is the new one.
func TestAReadSeesTheChangeBeforeIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		done(t, db, func(tx *store.Tx) error { return errors.Join(tx.AddGrant(w.grant), tx.AddConnection(w.connection)) })
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		defer all.Wait()
		defer stop()
		for range 32 {
			all.Go(func() {
				for ctx.Err() == nil {
					err := db.Read(ctx, func(q *store.Query) (lanyard.Entry, error) {
						c, _, err := q.ForToken(w.project.ID, w.connection.ID)
						e := lanyard.NewEntry(lanyard.Principal{Project: w.project.ID, Name: "w"}, lanyard.ActTokenRead)
						e.Connection = c.ID
						return e, err
					})
					if err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for until := time.Now().Add(2 * time.Second); db.Stats().Largest < 4; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("no commit had four entries")
			}
		}
		for i := range 300 {
			c := w.connection
			c.Label = fmt.Sprint("label ", i)
			done(t, db, func(tx *store.Tx) error { return tx.PutConnection(c) })
			for range 3 {
				must(t, db.View(t.Context(), func(q *store.Query) error {
					got, _, err := q.ForToken(w.project.ID, w.connection.ID)
					if got.Label != c.Label {
						t.Errorf("got %q after %q was written", got.Label, c.Label)
					}
					return err
				}))
			}
		}
	})
}

// A single row that is asked for after Close is answered, and not waited for.
func TestASingleRowAfterClose(t *testing.T) {
	db := storetest.Open(t)
	must(t, db.Close())
	for range 5 {
		err := db.View(t.Context(), func(q *store.Query) error {
			_, err := q.Project("prj_x")
			return err
		})
		if !errors.Is(err, lanyard.CodeStoreUnavailable) {
			t.Errorf("got %v, want %s", err, lanyard.CodeStoreUnavailable)
		}
	}
}
