package grant

import (
	"lanyard"
	"lanyard/internal/store"
)

// Bar calls a grant dead in the caller's transaction, which holds its lock, because the
// provider itself has said that the account cannot be used, and tells everybody who
// holds it. That may be for a while only, so the refresh token stays, and is tried
// quietly as after any verdict. False: it was dead before.
func (s *Service) Bar(tx *store.Tx, a lanyard.App, g lanyard.Grant, reason lanyard.Code) (bool, error) {
	if g.Health == lanyard.Dead {
		return false, nil
	}
	t, err := s.Apps.Providers.Target(a)
	if err != nil {
		return false, err
	}
	next := g
	next.Health, next.Reason, next.DeadAt = lanyard.Dead, reason, tx.Now()
	next = s.pace.plan(t, next, tx.Now())
	if ok, err := tx.PutGrantHealth(next, g.Family, g.Generation); err != nil || !ok {
		return false, err
	}
	return true, s.tell(tx, g, next, "")
}

// TryNow plans a renewal for now, in the caller's transaction: the provider hints that
// something has changed, and what it says to a renewal is the truth. A verdict stands
// until then. False: there is nothing to try with.
func (s *Service) TryNow(tx *store.Tx, g lanyard.Grant) (bool, error) {
	if !g.HasRefresh || g.Reason == lanyard.CodeRestored {
		return false, nil
	}
	g.RefreshAt = tx.Now()
	return tx.PlanGrant(g)
}
