package connection

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

const (
	tellFirst = 2 * time.Minute // whoever deleted it tells the provider; after that somebody else does
	tellFor   = 24 * time.Hour  // and tries for so long
)

// superseded is the outcome where the same account has connected again meanwhile.
const superseded = "superseded"

// Tasks are what connections need done in the background.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{{Name: "connection.revocations", Every: 20 * time.Second, Run: s.revocations}, s.forgetNotices(), s.forgetConsents(), s.erase()}
}

// owed keeps the tokens of a grant that is about to be deleted, until the provider
// has been told.
func owed(tx *store.Tx, c lanyard.Connection, g lanyard.Grant) error {
	return tx.AddRevocation(store.Revocation{Grant: g, Connection: c.ID, TryAt: tx.Now().Add(tellFirst)})
}

// revocations tells providers what a process that has ended could not tell them, or
// what they would not hear at the time.
func (s *Service) revocations(ctx context.Context) error {
	var due []store.Revocation
	err := s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err == nil {
			due, err = q.DueRevocations(now, 50)
		}
		return err
	})
	for _, v := range due {
		if err != nil || ctx.Err() != nil {
			return err
		}
		err = s.revokeLate(ctx, v)
	}
	return err
}

func (s *Service) revokeLate(ctx context.Context, v store.Revocation) error {
	c := lanyard.Connection{ID: v.Connection, Project: v.Grant.Project, App: v.Grant.App}
	var won, again bool
	err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
		wait := min(time.Minute<<min(v.Tries, 10), 2*time.Hour)
		if won, err = tx.ClaimRevocation(v, tx.Now().Add(wait)); err != nil || !won {
			return err
		}
		// The same account has connected again: telling the provider now could end that.
		_, err = tx.GrantBySubject(v.Grant.App, v.Grant.Issuer, v.Grant.Kind, v.Grant.SubjectHash)
		again = err == nil
		if errors.Is(err, lanyard.NotFound) {
			err = nil
		}
		return err
	})
	if err != nil || !won {
		return err
	}
	r := Revocation{Outcome: superseded}
	if !again {
		r = s.giveBack(ctx, c, v.Grant)
	}
	return s.told(ctx, lanyard.Principal{Project: c.Project, Name: "lanyard"}, c, v.Grant.ID, r, time.Since(v.CreatedAt) > tellFor)
}

// told notes what the provider said, and forgets the tokens unless another try makes sense.
func (s *Service) told(ctx context.Context, p lanyard.Principal, c lanyard.Connection, id lanyard.GrantID, r Revocation, last bool) error {
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e := About(lanyard.NewEntry(p, lanyard.ActConnectionRevoked), c)
		e.Detail["at_provider"] = r.Outcome
		if r.Outcome == provider.RevokeFailed {
			e.Outcome = "failed"
		}
		if err := answered(tx, c, id, r, r.Again && !last); err != nil {
			return e, err
		}
		if r.Again && !last {
			return e, nil
		}
		return e, tx.DropRevocation(id)
	})
}
