package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestWhatExistsAlready(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		app, person, grant := w.app, w.person, w.grant
		app.ID, person.ID, grant.ID = newID[lanyard.AppID]("app_"), newID[lanyard.PersonID]("per_"), newID[lanyard.GrantID]("grt_")
		err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddApp(app, hash("client"+string(w.project.ID))) })
		if !errors.Is(err, lanyard.CodeClientInUse) {
			t.Errorf("client: got %v, want client_in_use", err)
		}
		done(t, db, func(tx *store.Tx) error { return tx.AddApp(app, nil) })
		draft := app
		draft.ID = newID[lanyard.AppID]("app_")
		done(t, db, func(tx *store.Tx) error { return tx.AddApp(draft, nil) }) // drafts have no client to be unique
		err = db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.PutApp(app, hash("client"+string(w.project.ID))) })
		if !errors.Is(err, lanyard.CodeClientInUse) {
			t.Errorf("client, put: got %v, want client_in_use", err)
		}
		for name, fn := range map[string]func(tx *store.Tx) error{
			"person": func(tx *store.Tx) error { return tx.AddPerson(person, keyset("person", "x")) },
			"grant":  func(tx *store.Tx) error { return tx.AddGrant(grant) },
			"id":     func(tx *store.Tx) error { return tx.AddConnection(w.connection) },
		} {
			err := db.Bookkeep(t.Context(), fn)
			exists, ok := errors.AsType[*store.ExistsError](err)
			if !ok || exists.Constraint == "" || !errors.Is(err, lanyard.Unavailable) {
				t.Errorf("%s: got %v (%+v), want an ExistsError that can be tried again", name, err, exists)
			}
			if e, ok := errors.AsType[*lanyard.Error](err); !ok || e.RetryAfter == 0 {
				t.Errorf("%s: got %v, want it to say when", name, err)
			}
		}
	})
}

// One entry that cannot be written does not take the others of its batch along.
func TestOneBadEntryFailsAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				e := w.entry
				if i%10 != 0 {
					e.ID = newID[lanyard.EntryID]("aud_")
				}
				err := db.Read(context.Background(), func(*store.Query) (lanyard.Entry, error) { return e, nil })
				if (err != nil) != (i%10 == 0) {
					t.Errorf("%d: got %v", i, err)
				}
			})
		}
		wg.Wait()
		if got := len(entries(t, db, w.project.ID)); got != 55 {
			t.Errorf("got %d entries, want 55", got)
		}
	})
}

// When PostgreSQL drops every connection, what follows works or says that the
// database cannot be reached; nothing else, and not for long.
func TestLostConnections(t *testing.T) {
	cfg := storetest.PostgreSQL(t)
	db, err := store.Open(t.Context(), cfg)
	must(t, err)
	defer db.Close()
	second := secondConnection(t, cfg)
	defer second.Close()
	inside, killed := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Update(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
			close(inside)
			<-killed
			return lanyard.NewEntry(lanyard.Principal{}, lanyard.ActAppChanged), tx.PutMeta("k", "v")
		})
		if !errors.Is(err, lanyard.CodeStoreUnavailable) {
			t.Errorf("in a transaction: got %v, want store_unavailable", err)
		}
	})
	<-inside
	_, err = second.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	must(t, err)
	close(killed)
	wg.Wait()
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.PutMeta("k", "v") })
		if err == nil {
			break
		}
		if !errors.Is(err, lanyard.CodeStoreUnavailable) || time.Now().After(deadline) {
			t.Fatalf("afterwards: got %v", err)
		}
	}
}

// The refusal of a transaction that conflicts says when to try again.
func TestDeadlock(t *testing.T) {
	db := storetest.Postgres(t)
	done(t, db, func(tx *store.Tx) error { return errors.Join(tx.PutMeta("a", "0"), tx.PutMeta("b", "0")) })
	var wg, met sync.WaitGroup
	met.Add(2)
	errs := make([]error, 2)
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			errs[i] = db.Bookkeep(context.Background(), func(tx *store.Tx) error {
				if err := tx.PutMeta(order[0], "1"); err != nil {
					return err
				}
				met.Done()
				met.Wait()
				return tx.PutMeta(order[1], "1")
			})
		})
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("got %v and %v, want one to give way", errs[0], errs[1])
	}
	e, ok := errors.AsType[*lanyard.Error](errors.Join(errs...))
	if !ok || e.Code != lanyard.CodeStoreUnavailable || e.RetryAfter == 0 {
		t.Errorf("got %+v, want store_unavailable with a time", e)
	}
}

// Behind a pooler the driver prepares nothing and goes by Go types alone.
func TestWithoutPreparedStatements(t *testing.T) {
	for _, mode := range []string{"exec", "simple_protocol", "describe_exec"} {
		t.Run(mode, func(t *testing.T) {
			cfg := storetest.PostgreSQL(t)
			cfg.URL += "&default_query_exec_mode=" + mode
			db, err := store.Open(t.Context(), cfg)
			must(t, err)
			defer db.Close()
			w := newWorld()
			w.add(t, db)
			e := w.entry
			e.ID = newID[lanyard.EntryID]("aud_")
			must(t, db.Read(t.Context(), func(q *store.Query) (lanyard.Entry, error) {
				c, g, err := q.Connection(w.project.ID, w.connection.ID)
				same(t, "connection", c, w.connection)
				same(t, "grant", g, w.grant)
				return e, err
			}))
			if got := entries(t, db, w.project.ID); len(got) != 2 || string(got[0].Sealed) != string(e.Sealed) {
				t.Errorf("got %d entries, want two", len(got))
			}
			swapped(t, db, "tokens", true, func(tx *store.Tx) (bool, error) { return tx.CommitTokens(w.grant, "fam1", 7) })
			if fields := sealedOf(t, db, w, 100); len(fields) != 16 {
				t.Errorf("got %d sealed fields, want 16", len(fields))
			}
		})
	}
}

// What the log of a server has of a failure names no value.
func TestErrorsHoldNoValues(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.person.RefHash = []byte("personal@example.com")
		w.add(t, db)
		w.person.ID = newID[lanyard.PersonID]("per_")
		err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddPerson(w.person, keyset("person", "x")) })
		if text := fmt.Sprintf("%v %v", err, errors.Unwrap(err)); err == nil || strings.Contains(text, "personal") || strings.Contains(text, "7065") {
			t.Errorf("got %q, want no value in it", text)
		}
	})
}
