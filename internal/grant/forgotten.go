package grant

import (
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// A server of the database that takes another's place may have lost the last
// commits: renewals, whose answers come again from the nodes' disks (Offer); and
// attempts, which nobody else remembers. A refresh token that was sent in those
// seconds looks as if it never was. So every grant that could have been renewed then
// gets an attempt of a node that nobody knows: it has a lease like any other, and has
// ended unknown when every node has offered what it has, or none has come back. What
// may be done meanwhile, and what the cause is if it was lost, follow from the rules
// for attempts (I7, I8, I17).

const (
	metaServer  = "server" // the run of the database server (store.Query.Incarnation) that this was last done for
	nobodyKnows = "-"      // the node of such an attempt
)

// replaced does it once for each server.
func (s *Service) replaced(tx *store.Tx, incarnation string) error {
	if err := tx.LockMeta(metaServer); err != nil {
		return err
	}
	was, err := tx.Meta(metaServer)
	switch {
	case errors.Is(err, lanyard.NotFound): // the first there is
	case err != nil || was == incarnation:
		return err
	default:
		if err := s.suspect(tx); err != nil {
			return err
		}
	}
	return tx.PutMeta(metaServer, incarnation)
}

func (s *Service) suspect(tx *store.Tx) error {
	const some = 1000
	targets := map[lanyard.AppID]*provider.Target{}
	for after, n := lanyard.GrantID(""), some; n == some; {
		list, err := tx.Suspects(tx.Now(), after, some)
		if err != nil {
			return err
		}
		for _, g := range list {
			after = g.ID
			t, known := targets[g.App]
			if !known {
				own, err := tx.App(g.Project, g.App)
				if err != nil {
					return err
				}
				if t, err = s.Apps.Providers.Target(own); err != nil { // it cannot be resolved, so it was not called
					t = nil
				}
				targets[g.App] = t
			}
			if t == nil {
				continue
			}
			err := tx.AddAttempt(lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Grant: g.ID,
				Kind: lanyard.AttemptRefresh, Family: g.Family, Generation: g.Generation, Node: nobodyKnows,
				StartedAt: tx.Now(), Deadline: tx.Now().Add(lease(t)), Class: string(t.Class)})
			if err != nil {
				return err
			}
		}
		n = len(list)
	}
	return nil
}

// remembered ends those attempts when their time is over and there is nobody left who
// may have an answer.
func (s *Service) remembered(tx *store.Tx) error {
	open, err := tx.OpenAttempts(nobodyKnows)
	if err != nil || len(open) == 0 {
		return err
	}
	incarnation, err := tx.Incarnation()
	if err != nil {
		return err
	}
	n, err := tx.NodesBehind(incarnation, tx.Now().Add(-silentFor))
	if err != nil || n > 0 {
		return err
	}
	for _, a := range open {
		if a.Deadline.After(tx.Now()) {
			continue
		}
		if err := s.unknown(tx, a, "database_replaced"); err != nil {
			return err
		}
	}
	return nil
}

// remember writes an attempt that ends without tokens again if the database has
// forgotten it: what may be sent next, and the cause, follow from it.
func (s *Service) remember(tx *store.Tx, a lanyard.Attempt) error {
	a.EndedAt = tx.Now()
	return tx.RememberAttempt(a)
}

// goesOn moves such an attempt to the generation that a receipt has brought, where
// that was due itself, so that its refresh token may have been sent as well: also one
// that has ended, since its node may come back after more than a day.
func (s *Service) goesOn(tx *store.Tx, was, is lanyard.Grant, now time.Time) error {
	if is.RefreshAt.IsZero() || is.RefreshAt.After(now) {
		return nil
	}
	return tx.MoveAttempts(was.ID, nobodyKnows, was.Family, was.Generation, is.Generation)
}
