package grant

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// expiringEarly is how long before the death of a refresh token it is told; a quarter
// of its life where that is less.
const expiringEarly = 7 * 24 * time.Hour

// dies sets when the refresh token that a grant now has dies unused, and when that is
// to be told. was is the grant before. What the consent itself lives (ConsentTTL) no
// renewal moves; nor what an answer has said of a refresh token that stays.
//
// A renewal moves the end, as a rule, and with it when it is told. One that does not
// leaves that time where it is, and so does one that was told before: once is enough.
func (s *Service) dies(t *provider.Target, was lanyard.Grant, g *lanyard.Grant, tokens lanyard.TokenSet, now time.Time) {
	if !tokens.Refresh.Empty() || was.Family != g.Family {
		g.RefreshExpires = refreshExpires(t, tokens, now)
	} else if said, idle := tokens.RefreshExpires, now.Add(t.RefreshIdle); !said.IsZero() || t.RefreshIdle > 0 {
		if bound := was.RefreshExpires; said.IsZero() && bound.Before(was.RefreshedAt.Add(t.RefreshIdle-time.Minute)) {
			said = bound // idleness alone would have left it longer
		}
		if t.RefreshIdle > 0 && (said.IsZero() || idle.Before(said)) {
			said = idle
		}
		g.RefreshExpires = said
	}
	if end := g.ConsentedAt.Add(t.ConsentTTL); t.ConsentTTL > 0 && !g.ConsentedAt.IsZero() && (g.RefreshExpires.IsZero() || end.Before(g.RefreshExpires)) {
		g.RefreshExpires = end
	}
	switch {
	case g.RefreshExpires.IsZero():
		g.ExpiringAt = time.Time{}
	case was.Family != g.Family || g.RefreshExpires.Sub(was.RefreshExpires) > s.pace.short(time.Minute):
		g.ExpiringAt = g.RefreshExpires.Add(-min(s.pace.short(expiringEarly), g.RefreshExpires.Sub(now)/4))
	}
}

// refreshExpires is when a refresh token that was just given dies unused; zero: not known.
func refreshExpires(t *provider.Target, tokens lanyard.TokenSet, now time.Time) time.Time {
	at := tokens.RefreshExpires
	for _, d := range []time.Duration{t.RefreshTTL, t.RefreshIdle} {
		if end := now.Add(d); d > 0 && (at.IsZero() || end.Before(at)) {
			at = end
		}
	}
	return at
}

// tellExpiring tells everybody who holds a grant whose refresh token dies soon, once:
// where renewing has not moved its end, or has not worked in time.
func (s *Service) tellExpiring(ctx context.Context) error {
	const some = 200
	for n := some; n == some; {
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			list, err := tx.Expiring(tx.Now(), tx.Now().Add(s.pace.short(expiringEarly)), some)
			if err != nil {
				return err
			}
			n = len(list)
			for _, g := range list {
				ok, err := tx.ToldExpiring(g)
				if err != nil {
					return err
				}
				if !ok { // renewed meanwhile, or told by another node
					continue
				}
				if err := s.expiring(tx, g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) expiring(tx *store.Tx, g lanyard.Grant) error {
	held, err := tx.ConnectionsOf(g.ID)
	if err != nil {
		return err
	}
	for _, c := range held {
		if c.State == lanyard.Revoked {
			continue
		}
		is := lanyard.StatusOf(c.State, g.Health, lanyard.MissingScopes(c.Needed, g.Scopes))
		data := map[string]string{"status": string(is), "expires_at": g.RefreshExpires.UTC().Format(time.RFC3339)}
		if is == lanyard.StatusDegraded {
			data["reason"] = string(g.Reason)
		}
		if err := tx.AddEvent(c.Event(lanyard.EventExpiring, data)); err != nil {
			return err
		}
	}
	return nil
}
