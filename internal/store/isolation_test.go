package store_test

import (
	"errors"
	"testing"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// T22: whatever takes a project's id finds another project's row as little as
// one that is not there, and changes it as little; the error is the same text.
func TestAnotherProjectsRowIsAbsent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mine, theirs := newWorld(), newWorld()
		mine.add(t, db)
		theirs.add(t, db)
		p := mine.project.ID
		absent := newWorld()

		reads := map[string]func(q *store.Query, w world) error{
			"App":         func(q *store.Query, w world) error { _, err := q.App(p, w.app.ID); return err },
			"Person":      func(q *store.Query, w world) error { _, err := q.Person(p, w.person.ID); return err },
			"PersonByRef": func(q *store.Query, w world) error { _, err := q.PersonByRef(p, w.person.RefHash); return err },
			"Session":     func(q *store.Query, w world) error { _, err := q.Session(p, w.session.ID); return err },
			"Grant":       func(q *store.Query, w world) error { _, err := q.Grant(p, w.grant.ID); return err },
			"Endpoint":    func(q *store.Query, w world) error { _, err := q.Endpoint(p, w.endpoint.ID); return err },
			"Delivery":    func(q *store.Query, w world) error { _, err := q.Delivery(p, w.delivery.ID); return err },
			"Event":       func(q *store.Query, w world) error { _, err := q.Event(p, w.event.ID); return err },
			"Connection":  func(q *store.Query, w world) error { _, _, err := q.Connection(p, w.connection.ID); return err },
		}
		for name, read := range reads {
			foreign := db.View(t.Context(), func(q *store.Query) error { return read(q, theirs) })
			none := db.View(t.Context(), func(q *store.Query) error { return read(q, absent) })
			own := db.View(t.Context(), func(q *store.Query) error { return read(q, mine) })
			if !errors.Is(foreign, lanyard.CodeNotFound) || !errors.Is(none, lanyard.CodeNotFound) || foreign.Error() != none.Error() || own != nil {
				t.Errorf("%s: got %v for another project's, %v for none, %v for ours", name, foreign, none, own)
			}
		}

		writes := map[string]func(tx *store.Tx, w world) error{
			"RevokeKey":     func(tx *store.Tx, w world) error { return tx.RevokeKey(p, w.key.ID) },
			"PutApp":        func(tx *store.Tx, w world) error { w.app.Project = p; return tx.PutApp(w.app, nil) },
			"RefuteApp":     func(tx *store.Tx, w world) error { return tx.RefuteApp(p, w.app.ID, "63") },
			"DeleteApp":     func(tx *store.Tx, w world) error { return tx.DeleteApp(p, w.app.ID) },
			"PutPerson":     func(tx *store.Tx, w world) error { w.person.Project = p; return tx.PutPerson(w.person) },
			"PutSession":    func(tx *store.Tx, w world) error { w.session.Project = p; return tx.PutSession(w.session) },
			"PutConnection": func(tx *store.Tx, w world) error { w.connection.Project = p; return tx.PutConnection(w.connection) },
			"FinishIdempotency": func(tx *store.Tx, w world) error {
				w.claim.Project, w.claim.Status = p, 200
				return tx.FinishIdempotency(w.claim)
			},
			"MoveFlow": func(tx *store.Tx, w world) error {
				w.flow.Project = p
				return moved(tx.MoveFlow(w.flow, lanyard.FlowStarted))
			},
			"CommitTokens": func(tx *store.Tx, w world) error {
				w.grant.Project = p
				return moved(tx.CommitTokens(w.grant, "fam1", 7))
			},
			"PutGrantHealth": func(tx *store.Tx, w world) error {
				w.grant.Project = p
				return moved(tx.PutGrantHealth(w.grant, "fam1", 7))
			},
			"EndAttempt":     func(tx *store.Tx, w world) error { w.attempt.Project = p; return moved(tx.EndAttempt(w.attempt)) },
			"PutEndpoint":    func(tx *store.Tx, w world) error { w.endpoint.Project = p; return tx.PutEndpoint(w.endpoint) },
			"LockEndpoint":   func(tx *store.Tx, w world) error { _, err := tx.LockEndpoint(p, w.endpoint.ID); return err },
			"DeleteEndpoint": func(tx *store.Tx, w world) error { return tx.DeleteEndpoint(p, w.endpoint.ID) },
			"Requeue":        func(tx *store.Tx, w world) error { return tx.Requeue(p, w.delivery.ID) },
			"DropIdempotency": func(tx *store.Tx, w world) error {
				w.claim.Project = p
				if err := tx.DropIdempotency(w.claim); err != nil {
					return err
				}
				w.claim.ID = "idm_new"
				w.claim.Project = w.project.ID
				if there, err := tx.ClaimIdempotency(w.claim); err != nil || there == nil {
					return err // dropped, or never there
				}
				return lanyard.Errorf(lanyard.CodeNotFound, "")
			},
		}
		for name, write := range writes {
			foreign := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return write(tx, theirs) })
			if !errors.Is(foreign, lanyard.CodeNotFound) {
				t.Errorf("%s: got %v for another project's, want not found", name, foreign)
			}
		}
		{
			w := theirs
			app := view(t, db, func(q *store.Query) (lanyard.App, error) { return q.App(w.project.ID, w.app.ID) })
			same(t, "their app", app, w.app)
			held := view(t, db, func(q *store.Query) ([]lanyard.Connection, error) { return q.ConnectionsOf(w.grant.ID) })
			same(t, "their connection", held, []lanyard.Connection{w.connection})
			same(t, "their flow", view(t, db, func(q *store.Query) (lanyard.Flow, error) { return q.Flow(w.flow.ID) }), w.flow)
			same(t, "their key", view(t, db, func(q *store.Query) (store.Key, error) { return q.Key(w.key.ID) }), w.key)
		}

		// Lists: their rows do not show by filter, and their ids as a cursor give nothing away.
		type lists struct{ Connections, Entries, Attempts, Events, Apps, Keys, Persons, Sessions int }
		count := func(f lanyard.ConnectionFilter, e lanyard.EntryFilter, grant lanyard.GrantID) (n lists) {
			must(t, db.View(t.Context(), func(q *store.Query) error {
				c, _, err1 := q.Connections(p, f, lanyard.Page{})
				en, _, err2 := q.Entries(p, e, lanyard.Page{})
				a, _, err3 := q.Attempts(p, grant, lanyard.Page{})
				ev, _, err4 := q.Events(p, lanyard.Page{})
				ap, _, err5 := q.Apps(p, lanyard.Page{})
				k, _, err6 := q.Keys(p, lanyard.Page{})
				pe, _, err7 := q.Persons(p, lanyard.Page{})
				s, _, err8 := q.Sessions(p, lanyard.Page{})
				n = lists{len(c), len(en), len(a), len(ev), len(ap), len(k), len(pe), len(s)}
				return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8)
			}))
			return n
		}
		same(t, "theirs by filter", count(lanyard.ConnectionFilter{Person: theirs.person.ID}, lanyard.EntryFilter{Connection: theirs.connection.ID}, theirs.grant.ID),
			lists{0, 0, 0, 1, 1, 1, 1, 1})
		same(t, "their app by filter", count(lanyard.ConnectionFilter{App: theirs.app.ID}, lanyard.EntryFilter{Session: theirs.session.ID}, theirs.grant.ID),
			lists{0, 0, 0, 1, 1, 1, 1, 1})
		same(t, "ours", count(lanyard.ConnectionFilter{}, lanyard.EntryFilter{}, mine.grant.ID), lists{1, 1, 1, 1, 1, 1, 1, 1})
	})
}

func moved(ok bool, err error) error {
	if err == nil && !ok {
		return lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	return err
}

// What a caller sends as an id may be anything.
func TestIdsThatAreNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, id := range []string{"", "'", "con_' OR 1=1 --", "\x00", "\xff\xfe", string(make([]byte, 10000))} {
			err := db.View(t.Context(), func(q *store.Query) error {
				_, _, err := q.Connection("prj_x", lanyard.ConnectionID(id))
				return err
			})
			if !errors.Is(err, lanyard.NotFound) && !errors.Is(err, lanyard.Invalid) {
				t.Errorf("%.20q: got %v, want not found or invalid", id, err)
			}
			err = db.View(t.Context(), func(q *store.Query) error {
				_, _, err := q.Connections("prj_x", lanyard.ConnectionFilter{Label: id}, lanyard.Page{Cursor: id})
				return err
			})
			if err != nil && !errors.Is(err, lanyard.Invalid) {
				t.Errorf("cursor %.20q: got %v, want nothing or invalid", id, err)
			}
		}
	})
}
