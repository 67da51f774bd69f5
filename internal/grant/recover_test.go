package grant

import (
	"slices"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/vault"
)

// node is a Service of its own on a database with one grant, and a spool.
func nodeOn(t *testing.T, db *store.DB) (*Service, lanyard.Grant) {
	t.Helper()
	sp, err := spool.Open(spool.Config{Dir: t.TempDir(), Floor: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sp.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	project := lanyard.Project{ID: lanyard.NewID[lanyard.ProjectID]("prj_"), Name: "Acme", CreatedAt: now, UpdatedAt: now}
	own := lanyard.App{ID: lanyard.NewID[lanyard.AppID]("app_"), Project: project.ID, Provider: "zoom", State: lanyard.AppReady, CreatedAt: now, UpdatedAt: now}
	g := lanyard.Grant{ID: lanyard.NewID[lanyard.GrantID]("grt_"), Project: project.ID, App: own.ID, Issuer: "https://zoom.us", Kind: "user",
		SubjectHash: []byte("who"), Family: "f", Generation: 1, Tokens: []byte("sealed"), HasRefresh: true, Health: lanyard.Healthy, CreatedAt: now, UpdatedAt: now}
	err = db.Update(t.Context(), func(tx *store.Tx) (lanyard.Entry, error) {
		ks := vault.SealedKeyset{Level: "project", Owner: string(project.ID), Sealed: []byte("k"), WrappedBy: "0a1b2c3d", Version: 1, CreatedAt: now, UpdatedAt: now}
		if err := tx.AddProject(project, ks); err != nil {
			return lanyard.Entry{}, err
		}
		if err := tx.AddApp(own, []byte("client")); err != nil {
			return lanyard.Entry{}, err
		}
		return lanyard.Entry{}, tx.AddGrant(g)
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Store: db, Spool: sp, Node: "nod_1"}), g
}

// attempt adds one that has no end.
func (s *Service) attempt(t *testing.T, g lanyard.Grant, kind lanyard.AttemptKind) lanyard.Attempt {
	t.Helper()
	a := lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Kind: kind, Node: s.Node,
		Family: g.Family, Generation: g.Generation, StartedAt: time.Now(), Deadline: time.Now().Add(20 * time.Second)}
	if a.Grant = g.ID; kind == lanyard.AttemptCode {
		a.Grant, a.Flow = "", lanyard.NewID[lanyard.FlowID]("flw_")
	}
	if err := s.Store.Bookkeep(t.Context(), func(tx *store.Tx) error { return tx.AddAttempt(a) }); err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *Service) openOf(t *testing.T, node string) (ids []lanyard.AttemptID) {
	t.Helper()
	err := s.Store.View(t.Context(), func(q *store.Query) error {
		open, err := q.OpenAttempts(node)
		for _, a := range open {
			ids = append(ids, a.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// An answer that is on this disk, and could not be stored because Offer failed, keeps
// its attempt open: closed as unknown, others would believe that there is none, and
// might send the refresh token again or call the grant dead.
func TestAnAttemptWhoseAnswerIsOnDiskStaysOpenUntilItIsStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, g := nodeOn(t, db)
		answered, lost := s.attempt(t, g, lanyard.AttemptCode), s.attempt(t, g, lanyard.AttemptCode)
		room, err := s.Spool.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := room.Keep(spool.Receipt{Attempt: answered.ID, Project: g.Project, App: g.App, Flow: answered.Flow, Kind: answered.Kind, Sealed: []byte("sealed")}); err != nil {
			t.Fatal(err)
		}
		flows, err := s.Recover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if open := s.openOf(t, s.Node); !slices.Equal(open, []lanyard.AttemptID{answered.ID}) {
			t.Errorf("got %v open, want %v, whose answer is there", open, answered.ID)
		}
		if !slices.Equal(flows, []lanyard.FlowID{lost.Flow}) {
			t.Errorf("got %v lost, want %v", flows, lost.Flow)
		}
		s.Spool.Settle(answered.ID)
		if _, err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if open := s.openOf(t, s.Node); len(open) != 0 {
			t.Errorf("got %v open after it was stored, want none", open)
		}
	})
}

// A receipt of long ago that is offered again must not give back the lease of the call
// that runs now: another node would send the same refresh token.
func TestAnAttemptThatHasEndedGivesNoLeaseBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, g := nodeOn(t, db)
		a := s.attempt(t, g, lanyard.AttemptRefresh)
		a.Outcome = lanyard.OutcomeOK
		end := func() {
			t.Helper()
			if err := db.Bookkeep(t.Context(), func(tx *store.Tx) error { return s.end(tx, a) }); err != nil {
				t.Fatal(err)
			}
		}
		claim := func() (ok bool) {
			t.Helper()
			err := db.Bookkeep(t.Context(), func(tx *store.Tx) (err error) {
				ok, err = tx.ClaimGrant(g.ID, s.Node, tx.Now().Add(time.Minute))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if !claim() {
			t.Fatal("the lease is not free")
		}
		end()
		if !claim() {
			t.Error("an attempt that ended did not give its lease back")
		}
		end() // it has ended: the lease is another's
		if claim() {
			t.Error("an attempt that had ended long ago gave the lease of another back")
		}
	})
}
