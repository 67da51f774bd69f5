package grant

import (
	"context"
	"maps"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// DueApps returns the apps that have grants to renew now. One that is stopped is
// not among them: it is probed.
func (s *Service) DueApps(ctx context.Context) (due []store.DueApp, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		all, err := q.DueApps(now)
		if err != nil || len(all) == 0 {
			return err
		}
		breakers, err := q.Breakers("")
		if err != nil {
			return err
		}
		held := map[lanyard.AppID]bool{}
		for _, b := range breakers {
			held[b.App] = stopped(b)
		}
		for _, d := range all {
			if !held[d.App] {
				due = append(due, d)
			}
		}
		return nil
	})
	return due, err
}

// Due returns up to limit grants of an app that are to be renewed now, the most
// urgent first; as store.Query.Due.
func (s *Service) Due(ctx context.Context, app lanyard.AppID, limit int) (due []lanyard.Grant, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err == nil {
			due, err = q.Due(app, now, limit)
		}
		return err
	})
	return due, err
}

// uses are grants of which a token was read, until they are written.
type uses struct {
	mu sync.Mutex
	at map[lanyard.GrantID]time.Time
}

// usesMost is how many are remembered between two writes; what is beyond is
// noted at its next use.
const usesMost = 100_000

// Used notes that a token of a grant was read: it is renewed eagerly from now on.
// Without an id nothing happens.
func (s *Service) Used(id lanyard.GrantID) {
	if id == "" {
		return
	}
	s.uses.mu.Lock()
	defer s.uses.mu.Unlock()
	if s.uses.at == nil {
		s.uses.at = map[lanyard.GrantID]time.Time{}
	}
	if _, known := s.uses.at[id]; known || len(s.uses.at) < usesMost {
		s.uses.at[id] = s.Store.Clock()
	}
}

// Need notes that a meeting needs a token of a grant at a time, and plans its
// renewal for shortly before if the token would not last.
func (s *Service) Need(tx *store.Tx, g lanyard.Grant, at time.Time) error {
	own, err := tx.App(g.Project, g.App)
	if err != nil {
		return err
	}
	t, err := s.Apps.Providers.Target(own)
	if err != nil {
		return err
	}
	g.NeededAt = at
	return tx.NeedGrant(g.ID, at, s.pace.plan(t, g, tx.Now()).RefreshAt)
}

// noteUses writes them, some hundred in a transaction.
func (s *Service) noteUses(ctx context.Context) error {
	s.uses.mu.Lock()
	at := s.uses.at
	s.uses.at = nil
	s.uses.mu.Unlock()
	const some = 300
	for len(at) > 0 {
		batch := make(map[lanyard.GrantID]time.Time, some)
		for id, t := range at {
			if batch[id] = t; len(batch) == some {
				break
			}
		}
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			for id, t := range batch {
				if err := tx.UseGrant(id, t); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		maps.DeleteFunc(at, func(id lanyard.GrantID, _ time.Time) bool { _, done := batch[id]; return done })
	}
	return nil
}

// planned plans what an earlier version of the program has left without a plan.
func (s *Service) planned(ctx context.Context) error {
	const some = 500
	for {
		n := 0
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			left, err := tx.Unplanned(some)
			if err != nil {
				return err
			}
			n = len(left)
			apps := map[lanyard.AppID]*provider.Target{}
			for _, g := range left {
				t, known := apps[g.App]
				if !known {
					own, err := tx.App(g.Project, g.App)
					if err != nil {
						return err
					}
					if t, err = s.Apps.Providers.Target(own); err != nil { // cannot be resolved: kept alive as what is least known
						t = &provider.Target{Class: provider.ClassReuseKill}
					}
					apps[g.App] = t
				}
				g.UsedAt = latest(g.UsedAt, g.UpdatedAt)
				if _, err := tx.PlanGrant(s.pace.plan(t, g, tx.Now())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < some {
			return err
		}
	}
}
