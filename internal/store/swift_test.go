package store_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// ordinary is a grant in which nothing is out of the ordinary, and a claim of it.
func ordinary(run string) (world, store.Swift) {
	w := newWorld()
	w.grant.Health, w.grant.Reason, w.grant.Lease = lanyard.Healthy, "", lanyard.Lease{}
	w.attempt.Generation, w.attempt.EndedAt, w.attempt.Outcome = 6, day, lanyard.OutcomeOK
	a := w.attempt
	a.ID, a.Node, a.Generation, a.Outcome, a.Error, a.Status, a.RequestID, a.Flow = newID[lanyard.AttemptID]("att_"), "n1", 7, lanyard.OutcomeOpen, "", 0, "", ""
	a.StartedAt, a.Deadline, a.EndedAt = time.Time{}, time.Time{}, time.Time{}
	return w, store.Swift{Grant: w.grant, Renewed: w.grant.RefreshedAt, ConfigVersion: w.app.ConfigVersion, Incarnation: run,
		Life: time.Hour, Patience: time.Minute, Attempt: a}
}

func runOfServer(t *testing.T, db *store.DB) string {
	t.Helper()
	return view(t, db, func(q *store.Query) (string, error) { return q.Incarnation() })
}

func TestASwiftClaimWritesLeaseAndAttempt(t *testing.T) {
	db := storetest.Postgres(t)
	w, c := ordinary(runOfServer(t, db))
	w.add(t, db)
	ok, g, began, err := db.SwiftClaim(t.Context(), c)
	if err != nil || !ok {
		t.Fatalf("got %v, %v, want it claimed", ok, err)
	}
	if d := time.Since(began).Abs(); d > time.Minute {
		t.Errorf("it began %s away from now", d)
	}
	if g.Lease != (lanyard.Lease{Owner: "n1", Until: began.Add(time.Hour)}) {
		t.Errorf("got lease %+v, want an hour of n1", g.Lease)
	}
	g.Lease = lanyard.Lease{}
	same(t, "the grant", g, w.grant)
	want := c.Attempt
	want.StartedAt, want.Deadline = began, began.Add(time.Minute)
	open := view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) { return q.OpenAttempts("n1") })
	same(t, "the attempt", open, []lanyard.Attempt{want})
	if ok, _, _, err := db.SwiftClaim(t.Context(), c); ok || err != nil {
		t.Errorf("got %v, %v, want it claimed once", ok, err)
	}
}

// Each of these is for Claim to find out about.
func TestASwiftClaimOfWhatIsOutOfTheOrdinaryWritesNothing(t *testing.T) {
	db := storetest.Postgres(t)
	run := runOfServer(t, db)
	for what, spoil := range map[string]func(*world, *store.Swift){
		"leased": func(w *world, _ *store.Swift) {
			w.grant.Lease = lanyard.Lease{Owner: "n2", Until: time.Now().Add(time.Hour)}
		},
		"renewed meanwhile":  func(w *world, _ *store.Swift) { w.grant.Generation = 8 },
		"connected anew":     func(w *world, _ *store.Swift) { w.grant.Family = "fam2" },
		"degraded":           func(w *world, _ *store.Swift) { w.grant.Health = lanyard.Degraded },
		"dead":               func(w *world, _ *store.Swift) { w.grant.Health = lanyard.Dead },
		"no refresh token":   func(w *world, _ *store.Swift) { w.grant.HasRefresh = false },
		"not before later":   func(w *world, _ *store.Swift) { w.grant.RetryAt = time.Now().Add(time.Hour) },
		"put back":           func(w *world, _ *store.Swift) { w.grant.RefreshedAt = day.Add(-time.Microsecond) },
		"another config":     func(_ *world, c *store.Swift) { c.ConfigVersion++ },
		"another app":        func(_ *world, c *store.Swift) { c.Grant.App = "app_other" },
		"another project":    func(_ *world, c *store.Swift) { c.Grant.Project = "prj_other" },
		"another run":        func(_ *world, c *store.Swift) { c.Incarnation += "0" },
		"a run of no server": func(_ *world, c *store.Swift) { c.Incarnation = "" },
		"tried before":       func(w *world, _ *store.Swift) { w.attempt.Generation = 7 },
	} {
		w, c := ordinary(run)
		spoil(&w, &c)
		w.add(t, db)
		claimsNothing(t, db, what, w, c)
	}
	for _, state := range []lanyard.BreakerState{lanyard.BreakerOpen, lanyard.BreakerStorm, lanyard.BreakerWary} {
		w, c := ordinary(run)
		w.add(t, db)
		swapped(t, db, string(state), true, moveBreaker(lanyard.Breaker{App: w.app.ID, Project: w.project.ID, State: state, OpenedAt: day, ProbeAt: day}, lanyard.BreakerClosed))
		claimsNothing(t, db, "breaker "+string(state), w, c)
	}
}

func claimsNothing(t *testing.T, db *store.DB, what string, w world, c store.Swift) {
	t.Helper()
	if ok, _, _, err := db.SwiftClaim(t.Context(), c); ok || err != nil {
		t.Errorf("%s: got %v, %v, want it left alone", what, ok, err)
	}
	g := view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, w.grant.ID) })
	if g.Lease.Owner != w.grant.Lease.Owner {
		t.Errorf("%s: got a lease of %q", what, g.Lease.Owner)
	}
	if open := view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) { return q.OpenAttempts("n1") }); len(open) != 0 {
		t.Errorf("%s: got an attempt", what)
	}
}

func TestASwiftRenewalIsKeptAsAWhole(t *testing.T) {
	db := storetest.Postgres(t)
	w, c := ordinary(runOfServer(t, db))
	w.add(t, db)
	ok, g, began, err := db.SwiftClaim(t.Context(), c)
	if err != nil || !ok {
		t.Fatalf("got %v, %v, want it claimed", ok, err)
	}
	next, ended := g, c.Attempt
	next.Generation, next.Tokens, next.Previous, next.Lease = 8, []byte("t8"), g.Tokens, lanyard.Lease{}
	ended.StartedAt, ended.Deadline, ended.EndedAt, ended.Outcome, ended.Status = began, began.Add(time.Minute), began.Add(time.Second), lanyard.OutcomeOK, 200
	keep := func(next, was lanyard.Grant) (bool, lanyard.EntryID) {
		t.Helper()
		e := lanyard.NewEntry(lanyard.Principal{Project: w.project.ID, Name: "test"}, lanyard.ActTokenRefreshed)
		e.Grant = g.ID
		ok, err := db.SwiftKeep(t.Context(), next, was, ended, "n1", e)
		if err != nil {
			t.Fatal(err)
		}
		return ok, e.ID
	}
	row := func() lanyard.Grant {
		return view(t, db, func(q *store.Query) (lanyard.Grant, error) { return q.Grant(w.project.ID, g.ID) })
	}
	entries := func() []lanyard.Entry {
		return view(t, db, func(q *store.Query) ([]lanyard.Entry, error) {
			all, _, err := q.Entries(w.project.ID, lanyard.EntryFilter{What: lanyard.ActTokenRefreshed}, lanyard.Page{Limit: 9})
			return all, err
		})
	}
	older, wider := g, next
	older.Generation, wider.Scopes = 6, []string{"a", "z"}
	breaker := func(to, from lanyard.BreakerState) {
		t.Helper()
		swapped(t, db, "breaker", true, moveBreaker(lanyard.Breaker{App: w.app.ID, Project: w.project.ID, State: to, OpenedAt: day, ProbeAt: day}, from))
	}
	for what, try := range map[string]func() bool{
		"moved on":     func() bool { ok, _ := keep(next, older); return ok },
		"other scopes": func() bool { ok, _ := keep(wider, g); return ok },
		"a breaker": func() bool {
			breaker(lanyard.BreakerWary, lanyard.BreakerClosed)
			defer breaker(lanyard.BreakerClosed, lanyard.BreakerWary)
			ok, _ := keep(next, g)
			return ok
		},
	} {
		if try() || row().Generation != 7 || len(entries()) != 0 {
			t.Errorf("%s: got it kept, want it left to who looks closely", what)
		}
	}
	ok, id := keep(next, g)
	got := row()
	got.UpdatedAt = next.UpdatedAt
	if same(t, "kept", got, next); !ok {
		t.Error("got it not kept")
	}
	if e := entries(); len(e) != 1 || e[0].ID != id {
		t.Errorf("got entries %v, want the one", e)
	}
	all := view(t, db, func(q *store.Query) ([]lanyard.Attempt, error) { return q.AttemptsOn(g.ID, g.Family, 7) })
	same(t, "its attempt", all, []lanyard.Attempt{ended})
	if ok, _ := keep(next, g); ok || len(entries()) != 1 {
		t.Error("got it kept twice")
	}
}
