package grant

import (
	"context"

	"lanyard"
	"lanyard/internal/store"
)

// ended notes that a grant without a refresh token has come to its end: with its
// access token, and by nobody's fault. It is told once; what still lives is planned
// for its end. The error is CodeNoRefreshToken.
func (r *renewal) ended(ctx context.Context) (next lanyard.Grant, err error) {
	died := false
	err = r.insist(ctx, func() error {
		return r.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
			died = false
			g, err := tx.LockedGrant(r.seen.Project, r.seen.ID)
			if next = g; err != nil || moved(g, r.seen) || g.HasRefresh || g.Health == lanyard.Dead {
				return lanyard.Entry{}, err
			}
			own, err := tx.App(g.Project, g.App)
			if err != nil {
				return lanyard.Entry{}, err
			}
			t, err := r.Apps.Providers.Target(own)
			if err != nil {
				return lanyard.Entry{}, err
			}
			now := tx.Now()
			if g.AccessExpires.IsZero() || g.AccessExpires.After(now) {
				_, err := tx.PlanGrant(r.pace.plan(t, g, now))
				return lanyard.Entry{}, err
			}
			next.Health, next.Reason, next.DeadAt = lanyard.Dead, lanyard.CodeNoRefreshToken, now
			next = r.pace.plan(t, next, now)
			died, err = tx.PutGrantHealth(next, g.Family, g.Generation)
			if err != nil || !died {
				return lanyard.Entry{}, err
			}
			by := r.by
			by.Project = g.Project
			e := lanyard.NewEntry(by, lanyard.ActTokenRefreshFailed)
			e.App, e.Grant, e.Outcome, e.Code = g.App, g.ID, "failed", lanyard.CodeNoRefreshToken
			return e, r.tell(tx, g, next, "")
		})
	})
	if err != nil {
		return next, err
	}
	if died && r.Lost != nil {
		r.Lost(next.Reason)
	}
	if moved(next, r.seen) {
		return next, nil
	}
	return next, lanyard.Errorf(lanyard.CodeNoRefreshToken, "")
}
