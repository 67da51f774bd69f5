package grant

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/spool"
	"lanyard/internal/store"
)

// unsent are attempts that may be in the database although nothing was sent for them:
// the reply to the commit that wrote them was lost. A statement that is still on its way
// can write one afterwards, so that they are remembered for a while.
type unsent struct {
	mu  sync.Mutex
	ids map[lanyard.AttemptID]time.Time
}

// unsentFor is how long a statement can be on its way to the database at most.
const unsentFor = time.Hour

func (u *unsent) note(id lanyard.AttemptID) {
	if id == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil {
		u.ids = map[lanyard.AttemptID]time.Time{}
	}
	u.ids[id] = time.Now()
}

func (u *unsent) has(id lanyard.AttemptID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.ids[id]
	return ok
}

// forget drops those that cannot come any more.
func (u *unsent) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, at := range u.ids {
		if time.Since(at) > unsentFor {
			delete(u.ids, id)
		}
	}
}

// unheldFor is how long after its deadline an attempt that no call of this process has
// is left alone: the call may be about to begin, and sends nothing then.
const unheldFor = 10 * time.Second

// closeUnheld ends attempts of this node that nobody in it works at any more. Others
// wait for whoever may have an answer, and nobody has: nothing was sent, or what became
// of it could not be written for longer than is tried.
func (s *Service) closeUnheld(ctx context.Context) error {
	defer s.unsent.forget()
	var open []lanyard.Attempt
	var now time.Time
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if open, err = q.OpenAttempts(s.Node); err == nil {
			now, err = q.Now()
		}
		return err
	})
	if err != nil {
		return err
	}
	var unheld []lanyard.Attempt
	for _, a := range open {
		if !s.runs(a.ID) && (s.unsent.has(a.ID) || now.After(a.Deadline.Add(unheldFor))) {
			unheld = append(unheld, a)
		}
	}
	if len(unheld) == 0 {
		return nil
	}
	answered, err := s.answered()
	if err != nil {
		return err
	}
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		for _, a := range unheld {
			switch {
			case answered[a.ID]: // it is stored by who offers it
			case s.unsent.has(a.ID):
				// Its lease ends by itself: by now it may be that of a call which runs.
				a.EndedAt, a.Outcome, a.Error = tx.Now(), lanyard.OutcomeNotSent, "claim_unconfirmed"
				if _, err := tx.EndAttempt(a); err != nil {
					return err
				}
			default:
				if err := s.unknown(tx, a, "outcome_not_noted"); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// answered are the attempts whose answer is on this machine's disk, and may not be in
// the database.
func (s *Service) answered() (map[lanyard.AttemptID]bool, error) {
	ids := map[lanyard.AttemptID]bool{}
	err := s.Spool.Unsettled(func(r spool.Receipt) error {
		ids[r.Attempt] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("what is on the local disk: %w", err)
	}
	return ids, nil
}

// abandon ends an attempt that never reached the provider.
func (s *Service) abandon(ctx context.Context, a lanyard.Attempt, why string) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		a.Outcome, a.Error = lanyard.OutcomeNotSent, why
		return s.end(tx, a)
	})
}
