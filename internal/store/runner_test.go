package store_test

import (
	"errors"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestRunners(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other, w := newWorld(), newWorld()
		other.add(t, db)
		w.add(t, db)
		p := w.project.ID
		read := func(id lanyard.RunnerID) lanyard.Runner {
			return view(t, db, func(q *store.Query) (lanyard.Runner, error) { return q.Runner(p, id) })
		}
		same(t, "every column", read(w.runner.ID), w.runner)
		for _, id := range []lanyard.RunnerID{other.runner.ID, "run_none"} {
			for what, fn := range map[string]func(tx *store.Tx) error{
				"read":   func(tx *store.Tx) error { _, err := tx.Runner(p, id); return err },
				"lock":   func(tx *store.Tx) error { _, err := tx.LockRunner(p, id); return err },
				"put":    func(tx *store.Tx) error { r := w.runner; r.ID = id; return tx.PutRunner(r) },
				"delete": func(tx *store.Tx) error { return tx.DeleteRunner(p, id) },
			} {
				if err := db.Bookkeep(t.Context(), fn); !errors.Is(err, lanyard.CodeNotFound) {
					t.Errorf("%s %s: got %v, want not found", what, id, err)
				}
			}
		}

		// There is one default, whoever became it last; another project's is none of ours.
		second := w.runner
		second.ID, second.Name = newID[lanyard.RunnerID]("run_"), "second"
		done(t, db, func(tx *store.Tx) error { return tx.AddRunner(second) })
		first := w.runner
		first.Default = false
		same(t, "the default first", view(t, db, func(q *store.Query) ([]lanyard.Runner, error) { return q.AllRunners(p) }), []lanyard.Runner{second, first})
		first.Default, first.Name, first.URL, first.Key = true, "renamed", "https://s.example", []byte("other")
		done(t, db, func(tx *store.Tx) error { return tx.PutRunner(first) })
		second.Default = false
		same(t, "put", read(first.ID), first)
		same(t, "no longer the default", read(second.ID), second)
		list, next, err := func() (l []lanyard.Runner, n string, err error) {
			err = db.View(t.Context(), func(q *store.Query) error { l, n, err = q.Runners(p, lanyard.Page{Limit: 1}); return err })
			return l, n, err
		}()
		must(t, err)
		same(t, "newest first", list, []lanyard.Runner{second})
		same(t, "and a cursor", next, string(second.ID))
		if n := view(t, db, func(q *store.Query) (int, error) { return q.CountRunners(p) }); n != 2 {
			t.Errorf("got %d counted, want 2", n)
		}
		done(t, db, func(tx *store.Tx) error { return tx.DeleteRunner(p, second.ID) })
		same(t, "left", view(t, db, func(q *store.Query) ([]lanyard.Runner, error) { return q.AllRunners(p) }), []lanyard.Runner{first})
		theirs := view(t, db, func(q *store.Query) ([]lanyard.Runner, error) { return q.AllRunners(other.project.ID) })
		same(t, "the other project's", theirs, []lanyard.Runner{other.runner})
	})
}
