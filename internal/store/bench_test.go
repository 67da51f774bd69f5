package store_test

import (
	"context"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// BenchmarkRead is a token read's share of the store, at 32 callers: the row
// alone, and the row with its entry durable.
func BenchmarkRead(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *store.DB{"sqlite": storetest.Open, "postgres": storetest.Postgres} {
		db := open(b)
		w := newWorld()
		done(b, db, func(tx *store.Tx) error {
			if err := tx.AddGrant(w.grant); err != nil {
				return err
			}
			return tx.AddConnection(w.connection)
		})
		p := lanyard.Principal{Project: w.project.ID, Name: "key:lyk_06h1wa0grhv7da7ndymrvh4krm", Key: "lyk_06h1wa0grhv7da7ndymrvh4krm", RequestID: "rq_12345678"}
		b.Run(name+"/row", func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				ctx, stop := context.WithCancel(context.Background()) // as a request's is
				defer stop()
				for pb.Next() {
					if err := db.View(ctx, func(q *store.Query) error {
						_, _, err := q.Connection(w.project.ID, w.connection.ID)
						return err
					}); err != nil {
						b.Error(err)
					}
				}
			})
		})
		b.Run(name+"/row+entry", func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				ctx, stop := context.WithCancel(context.Background())
				defer stop()
				for pb.Next() {
					if err := db.Read(ctx, func(q *store.Query) (lanyard.Entry, error) {
						c, g, err := q.Connection(w.project.ID, w.connection.ID)
						e := lanyard.NewEntry(p, lanyard.ActTokenRead)
						e.App, e.Connection, e.Grant, e.Person = c.App, c.ID, g.ID, c.Person
						e.Sealed = make([]byte, 120)
						return e, err
					}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
