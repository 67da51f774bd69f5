package grant

import (
	"context"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/store"
)

// Reconcile looks at every grant of a database that was put back to an older state,
// after Offer: where this node remembers a renewal that the database does not, the
// refresh token in the row is spent, and the connection says so instead of waiting
// to be asked for (T14). It returns how many there were. What another node's spool
// brings later mends it.
func (s *Service) Reconcile(ctx context.Context) (behind int, err error) {
	rotates := map[lanyard.AppID]bool{}
	for after := lanyard.GrantID(""); ; {
		var some []lanyard.Grant
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			some, err = q.GrantsAfter(after, 1000)
			return err
		})
		if err != nil || len(some) == 0 {
			return behind, err
		}
		for _, g := range some {
			after = g.ID
			if !s.Spool.Marked(g.ID).After(g.RefreshedAt) {
				continue
			}
			back, err := s.reconcile(ctx, g, rotates)
			if err != nil {
				return behind, fmt.Errorf("grant %s: %w", g.ID, err)
			}
			if back {
				behind++
			}
		}
	}
}

// reconcile sets one of them back, unless it was mended meanwhile, or its refresh
// token is one that goes on working.
func (s *Service) reconcile(ctx context.Context, seen lanyard.Grant, rotates map[lanyard.AppID]bool) (back bool, err error) {
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		back = false
		if is, known := rotates[seen.App]; known && !is {
			return nil
		}
		g, err := tx.LockedGrant(seen.Project, seen.ID)
		if err != nil {
			return err
		}
		own, err := tx.App(g.Project, g.App)
		if err != nil {
			return err
		}
		if t, err := s.Apps.Providers.Target(own); err == nil { // one that cannot be resolved is taken for the worst
			rotates[g.App] = t.Class.Rotates()
			if !rotates[g.App] {
				return nil
			}
		}
		if !s.Spool.Marked(g.ID).After(g.RefreshedAt) || g.Health == lanyard.Dead {
			return nil
		}
		back = true
		if g.Health == lanyard.Degraded && g.Reason == lanyard.CodeRestored {
			return nil
		}
		r := &renewal{Service: s, g: g, by: Scheduled(g.Project)}
		return r.setBack(tx)
	})
	if errors.Is(err, lanyard.NotFound) { // it has gone
		return false, nil
	}
	return back, err
}
