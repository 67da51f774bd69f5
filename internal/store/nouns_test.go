package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// same compares what was written with what is read.
func same[T any](t *testing.T, what string, got, want T, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEveryColumnComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newer := newWorld() // another project beside it, which must not show
		newer.add(t, db)
		w := newWorld()
		w.add(t, db)
		p := w.project.ID
		must(t, db.View(t.Context(), func(q *store.Query) error {
			project, err := q.Project(p)
			must(t, err)
			same(t, "project", project, w.project)
			key, err := q.Key(w.key.ID)
			must(t, err)
			same(t, "key", key, w.key)
			app, err := q.App(p, w.app.ID)
			must(t, err)
			same(t, "app", app, w.app)
			byID, err := q.AppByID(w.app.ID)
			must(t, err)
			same(t, "app by id", byID, w.app)
			person, err := q.Person(p, w.person.ID)
			must(t, err)
			same(t, "person", person, w.person)
			person, err = q.PersonByRef(p, w.person.RefHash)
			must(t, err)
			same(t, "person by ref", person, w.person)
			session, err := q.Session(p, w.session.ID)
			must(t, err)
			same(t, "session", session, w.session)
			session, err = q.SessionByLink(w.session.LinkHash)
			must(t, err)
			same(t, "session by link", session, w.session)
			flow, err := q.Flow(w.flow.ID)
			must(t, err)
			same(t, "flow", flow, w.flow)
			flow, err = q.FlowByState(w.flow.StateHash)
			must(t, err)
			same(t, "flow by state", flow, w.flow)
			flow, err = q.FlowByCompletion(w.flow.CompletionHash)
			must(t, err)
			same(t, "flow by completion", flow, w.flow)
			grant, err := q.Grant(p, w.grant.ID)
			must(t, err)
			same(t, "grant", grant, w.grant)
			grant, err = q.GrantBySubject(w.app.ID, w.grant.Issuer, w.grant.Kind, w.grant.SubjectHash)
			must(t, err)
			same(t, "grant by subject", grant, w.grant)
			connection, grant, err := q.Connection(p, w.connection.ID)
			must(t, err)
			same(t, "connection", connection, w.connection)
			same(t, "its grant", grant, w.grant)
			held, err := q.ConnectionsOf(w.grant.ID)
			must(t, err)
			same(t, "connections of the grant", held, []lanyard.Connection{w.connection})
			n, err := q.CountConnections(w.app.ID)
			must(t, err)
			same(t, "connections of the app", n, 1)
			return nil
		}))
		list := func(what string, got, want any, next string, err error) {
			t.Helper()
			must(t, err)
			same(t, what, got, want)
			same(t, what+", cursor", next, "")
		}
		must(t, db.View(t.Context(), func(q *store.Query) error {
			projects, next, err := q.Projects(lanyard.Page{})
			list("projects", projects, []lanyard.Project{newer.project, w.project}, next, err)
			keys, next, err := q.Keys(p, lanyard.Page{})
			list("keys", keys, []store.Key{w.key}, next, err)
			apps, next, err := q.Apps(p, lanyard.Page{})
			list("apps", apps, []lanyard.App{w.app}, next, err)
			persons, next, err := q.Persons(p, lanyard.Page{})
			list("persons", persons, []lanyard.Person{w.person}, next, err)
			sessions, next, err := q.Sessions(p, lanyard.Page{})
			list("sessions", sessions, []lanyard.Session{w.session}, next, err)
			connections, next, err := q.Connections(p, lanyard.ConnectionFilter{}, lanyard.Page{})
			list("connections", connections, []store.Held{{Connection: w.connection, Grant: w.grant}}, next, err)
			attempts, next, err := q.Attempts(p, w.grant.ID, lanyard.Page{})
			list("attempts", attempts, []lanyard.Attempt{w.attempt}, next, err)
			entries, next, err := q.Entries(p, lanyard.EntryFilter{}, lanyard.Page{})
			list("entries", entries, []lanyard.Entry{w.entry}, next, err)
			events, next, err := q.Events(p, lanyard.Page{})
			list("events", events, []lanyard.Event{w.event}, next, err)
			return nil
		}))
	})
}

func TestPuts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		w.project.Name, w.project.Settings.DisplayName = "Acme 2", ""
		w.app.Name, w.app.Scopes, w.app.NextSecret, w.app.State, w.app.ConfigVersion = "Zoom 2", nil, nil, lanyard.AppDraft, 4
		w.app.Published, w.app.PublishedAt = lanyard.PublishedNo, day.Add(time.Hour)
		w.person.Kind, w.person.Sealed = "organization", []byte("p2")
		w.session.State, w.session.LinkHash, w.session.Connection, w.session.LastError = lanyard.SessionConnected, nil, "con_2", ""
		w.connection.State, w.connection.Label, w.connection.Account, w.connection.Metadata = lanyard.Paused, "home", nil, nil
		before := time.Now().Add(-time.Minute)
		done(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.PutProject(w.project), tx.PutApp(w.app, nil), tx.PutPerson(w.person), tx.PutSession(w.session), tx.PutConnection(w.connection))
		})
		must(t, db.View(t.Context(), func(q *store.Query) error {
			project, err := q.Project(w.project.ID)
			must(t, err)
			app, err := q.App(w.project.ID, w.app.ID)
			must(t, err)
			person, err := q.Person(w.project.ID, w.person.ID)
			must(t, err)
			session, err := q.Session(w.project.ID, w.session.ID)
			must(t, err)
			connection, _, err := q.Connection(w.project.ID, w.connection.ID)
			must(t, err)
			for what, at := range map[string]*time.Time{"project": &project.UpdatedAt, "app": &app.UpdatedAt,
				"session": &session.UpdatedAt, "connection": &connection.UpdatedAt} {
				if at.Before(before) {
					t.Errorf("%s: got updated_at %v, want now", what, at)
				}
			}
			project.UpdatedAt, app.UpdatedAt, session.UpdatedAt, connection.UpdatedAt =
				w.project.UpdatedAt, w.app.UpdatedAt, w.session.UpdatedAt, w.connection.UpdatedAt
			same(t, "project", project, w.project)
			same(t, "app", app, w.app)
			same(t, "person", person, w.person)
			same(t, "session", session, w.session)
			same(t, "connection", connection, w.connection)
			return nil
		}))
		done(t, db, func(tx *store.Tx) error { return tx.DeleteApp(w.project.ID, w.app.ID) })
		if err := db.View(t.Context(), func(q *store.Query) error { _, err := q.AppByID(w.app.ID); return err }); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("got %v, want the app gone", err)
		}
	})
}

func TestKeysAreRevokedOnceAndTouchedForward(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		later := day.Add(time.Hour)
		done(t, db, func(tx *store.Tx) error {
			return tx.TouchKeys(map[lanyard.KeyID]time.Time{w.key.ID: later, "lyk_gone": later})
		})
		done(t, db, func(tx *store.Tx) error { return tx.TouchKeys(map[lanyard.KeyID]time.Time{w.key.ID: day}) })
		done(t, db, func(tx *store.Tx) error { return tx.RevokeKey(w.project.ID, w.key.ID) })
		first := view(t, db, func(q *store.Query) (store.Key, error) { return q.Key(w.key.ID) })
		done(t, db, func(tx *store.Tx) error { return tx.RevokeKey(w.project.ID, w.key.ID) })
		second := view(t, db, func(q *store.Query) (store.Key, error) { return q.Key(w.key.ID) })
		if !first.LastUsedAt.Equal(later) || first.RevokedAt.IsZero() || !second.RevokedAt.Equal(first.RevokedAt) {
			t.Errorf("got last used %v, revoked %v then %v", first.LastUsedAt, first.RevokedAt, second.RevokedAt)
		}
	})
}

func TestFlowMovesOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		f := w.flow
		f.State, f.StateHash, f.Parked = lanyard.FlowParked, nil, []byte("code")
		move := func(f lanyard.Flow, from lanyard.FlowState) func(*store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.MoveFlow(f, from) }
		}
		swapped(t, db, "first callback", true, move(f, lanyard.FlowStarted))
		swapped(t, db, "second callback", false, move(f, lanyard.FlowStarted))
		foreign := f
		foreign.Project = "prj_other"
		swapped(t, db, "another project's", false, move(foreign, lanyard.FlowParked))
		same(t, "moved", view(t, db, func(q *store.Query) (lanyard.Flow, error) { return q.Flow(f.ID) }), f)
		if err := db.View(t.Context(), func(q *store.Query) error { _, err := q.FlowByState(w.flow.StateHash); return err }); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("spent state: got %v, want not found", err)
		}
		// An empty hash is "none" and not a value that finds spent rows.
		if err := db.View(t.Context(), func(q *store.Query) error { _, err := q.FlowByState(nil); return err }); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("empty state: got %v, want not found", err)
		}
		// A code is remembered by its flow, however that ends, and makes no second one.
		same(t, "by its code", view(t, db, func(q *store.Query) (lanyard.Flow, error) { return q.FlowByCode(w.flow.CodeHash) }), f)
		twice := w.flow
		twice.ID, twice.StateHash, twice.CompletionHash = newID[lanyard.FlowID]("flw_"), nil, nil
		err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddFlow(twice) })
		if _, exists := errors.AsType[*store.ExistsError](err); !exists {
			t.Errorf("a code in a second flow: got %v, want ExistsError", err)
		}
		over := view(t, db, func(q *store.Query) ([]lanyard.Flow, error) { return q.OverdueFlows(10) })
		same(t, "overdue", over, []lanyard.Flow{f})
		f.State = lanyard.FlowReceived
		swapped(t, db, "received", true, move(f, lanyard.FlowParked))
		same(t, "received", view(t, db, func(q *store.Query) ([]lanyard.Flow, error) { return q.ReceivedFlows(day.Add(time.Second), 10) }), []lanyard.Flow{f})
	})
}

func TestTokensAreCommittedForTheirGenerationOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		g := w.grant
		g.Generation, g.Tokens, g.Previous, g.Health, g.Reason, g.Scopes = 8, []byte("t8"), w.grant.Tokens, lanyard.Healthy, "", []string{"a", "b"}
		commit := func(g lanyard.Grant, family string, parent int64) func(*store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.CommitTokens(g, family, parent) }
		}
		swapped(t, db, "wrong family", false, commit(g, "fam0", 7))
		swapped(t, db, "wrong generation", false, commit(g, "fam1", 6))
		foreign := g
		foreign.Project = "prj_other"
		swapped(t, db, "another project's", false, commit(foreign, "fam1", 7))
		swapped(t, db, "ours", true, commit(g, "fam1", 7))
		swapped(t, db, "again", false, commit(g, "fam1", 7))
		got := view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, g.ID) })
		got.UpdatedAt = g.UpdatedAt
		same(t, "committed; the lease is as it was (I5)", got, g)

		verdict := g
		verdict.Health, verdict.Reason = lanyard.Dead, lanyard.CodeUserRevoked
		health := func(generation int64) func(*store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.PutGrantHealth(verdict, "fam1", generation) }
		}
		swapped(t, db, "verdict on an old generation (I8)", false, health(7))
		swapped(t, db, "verdict", true, health(8))
		for before, want := range map[time.Time]int{g.RefreshedAt: 0, g.RefreshedAt.Add(time.Second): 1} {
			if n := keep(t, db, func(tx *store.Tx) (int, error) { return tx.DropPrevious(before, 10) }); n != want {
				t.Errorf("previous tokens of those renewed before %s: got %d dropped, want %d", before, n, want)
			}
		}
		swapped(t, db, "lock", true, func(tx *store.Tx) (bool, error) { return tx.LockGrant(w.project.ID, g.ID) })
		swapped(t, db, "lock, another project's", false, func(tx *store.Tx) (bool, error) { return tx.LockGrant("prj_other", g.ID) })
		got = view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, g.ID) })
		if got.Health != lanyard.Dead || got.Reason != lanyard.CodeUserRevoked || got.Previous != nil || string(got.Tokens) != "t8" {
			t.Errorf("got %+v, want dead, without previous, tokens kept", got)
		}

		done(t, db, func(tx *store.Tx) error { return tx.DeleteGrant(g.ID) })
		c, gone, err := func() (c lanyard.Connection, g lanyard.Grant, err error) {
			err = db.View(t.Context(), func(q *store.Query) error {
				c, g, err = q.Connection(w.project.ID, w.connection.ID)
				return err
			})
			return
		}()
		must(t, err)
		if c.ID != w.connection.ID || gone.ID != "" {
			t.Errorf("got connection %q with grant %q, want it without one", c.ID, gone.ID)
		}
		swapped(t, db, "tokens that come after the deletion (I13)", false, commit(g, "fam1", 8))
	})
}

func TestLeaseHasOneOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.grant.Lease = lanyard.Lease{}
		w.add(t, db)
		claim := func(owner string, life time.Duration) func(*store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) { return tx.ClaimGrant(w.grant.ID, owner, tx.Now().Add(life)) }
		}
		swapped(t, db, "free", true, claim("n1", time.Hour))
		swapped(t, db, "taken", false, claim("n2", time.Hour))
		swapped(t, db, "taken, by oneself", false, claim("n1", time.Hour))
		done(t, db, func(tx *store.Tx) error { return tx.ReleaseGrant(w.grant.ID, "n2") })
		swapped(t, db, "another's release", false, claim("n2", time.Hour))
		done(t, db, func(tx *store.Tx) error { return tx.ReleaseGrant(w.grant.ID, "n1") })
		swapped(t, db, "released", true, claim("n2", -time.Second))
		swapped(t, db, "run out", true, claim("n3", time.Hour))
		done(t, db, func(tx *store.Tx) error {
			a := w.attempt
			a.ID, a.Node, a.EndedAt, a.Outcome = lanyard.NewID[lanyard.AttemptID]("att_"), "n3", time.Time{}, lanyard.OutcomeOpen
			return tx.AddAttempt(a)
		})
		done(t, db, func(tx *store.Tx) error { return tx.ReleaseGrants("n2") })
		swapped(t, db, "another's start", false, claim("n4", time.Hour))
		done(t, db, func(tx *store.Tx) error { return tx.ReleaseGrants("n3") })
		swapped(t, db, "released at start", true, claim("n4", time.Hour))
	})
}

func TestAttemptEndsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.attempt.Outcome = lanyard.OutcomeOpen
		w.add(t, db)
		open := func() []lanyard.Attempt {
			return view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) { return q.OpenAttempts(w.attempt.Node) })
		}
		same(t, "open", open(), []lanyard.Attempt{w.attempt})
		a := w.attempt
		a.EndedAt, a.Outcome, a.Status = day.Add(time.Second), lanyard.OutcomeOK, 200
		end := func(tx *store.Tx) (bool, error) { return tx.EndAttempt(a) }
		swapped(t, db, "end", true, end)
		swapped(t, db, "end again", false, end)
		if got := open(); len(got) != 0 {
			t.Errorf("got %d open, want none", len(got))
		}
		same(t, "of the generation", view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) {
			return q.AttemptsOn(w.grant.ID, "fam1", 7)
		}), []lanyard.Attempt{a})
		success := func(except lanyard.GrantID, from, to time.Time) bool {
			return view(t, db, func(q *store.Query) (bool, error) { return q.SuccessBetween(w.app.ID, except, from, to) })
		}
		begun, ended := a.StartedAt, a.EndedAt
		if !success("grt_other", begun, ended) || success(w.grant.ID, begun, ended) {
			t.Error("SuccessBetween does not look at the other grants")
		}
		if success("grt_other", begun.Add(time.Microsecond), ended) || success("grt_other", begun, ended.Add(-time.Microsecond)) {
			t.Error("SuccessBetween takes a renewal that was under way before, or still after")
		}
	})
}

func TestIdempotencyIsClaimedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		w.add(t, db)
		claim := func(i store.Idempotency) *store.Idempotency {
			return keep(t, db, func(tx *store.Tx) (*store.Idempotency, error) { return tx.ClaimIdempotency(i) })
		}
		second := w.claim
		second.ID, second.BodyHash = newID[string]("idm_"), hash("other body")
		same(t, "running", claim(second), &w.claim)
		w.claim.Status, w.claim.Answer = 201, []byte("sealed")
		done(t, db, func(tx *store.Tx) error { return tx.FinishIdempotency(w.claim) })
		same(t, "finished", claim(second), &w.claim)
		done(t, db, func(tx *store.Tx) error { return tx.DropIdempotency(w.claim) })
		same(t, "what is finished is not dropped", claim(second), &w.claim)
		if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.FinishIdempotency(w.claim) }); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("finished twice: got %v, want not found", err)
		}

		short := w.claim
		short.ID, short.KeyHash, short.ExpiresAt, short.Status, short.Answer = newID[string]("idm_"), hash("short"), day, 0, nil
		if got := claim(short); got != nil {
			t.Fatalf("got %+v, want a new claim", got)
		}
		again := short
		again.ID, again.ExpiresAt = newID[string]("idm_"), w.claim.ExpiresAt
		if got := claim(again); got != nil {
			t.Errorf("expired: got %+v, want it replaced", got)
		}
		done(t, db, func(tx *store.Tx) error { return tx.DropIdempotency(again) })
		if got := claim(short); got != nil {
			t.Errorf("dropped: got %+v, want a new claim", got)
		}
		if n := keep(t, db, func(tx *store.Tx) (int, error) { return tx.SweepIdempotency(10) }); n != 1 {
			t.Errorf("got %d swept, want the expired one", n)
		}
	})
}

func TestMeta(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		read := func() (v string, err error) {
			err = db.View(t.Context(), func(q *store.Query) error { v, err = q.Meta("public_url"); return err })
			return v, err
		}
		if _, err := read(); !errors.Is(err, lanyard.CodeNotFound) {
			t.Errorf("got %v, want not found", err)
		}
		for _, want := range []string{"https://a.example", "https://b.example"} {
			done(t, db, func(tx *store.Tx) error { return tx.PutMeta("public_url", want) })
			if got, err := read(); err != nil || got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
		first, err := db.InstanceID(t.Context())
		must(t, err)
		if !lanyard.ValidID("ins_", first) {
			t.Errorf("got instance id %q", first)
		}
	})
}
