package connection

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// ByAccount returns the connections of one account, by the provider's own id for it, as
// HeldBy has them. It needs the scope read.
func (s *Service) ByAccount(ctx context.Context, p lanyard.Principal, providerID, account string) (out []View, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, err
	}
	held, err := s.HeldBy(ctx, p, providerID, account)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		var who lanyard.Person
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			who, err = q.Person(p.Project, h.Connection.Person)
			return err
		})
		if err != nil {
			return nil, err
		}
		v, err := s.view(ctx, h.Connection, h.Grant, who)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// HeldBy returns the connections of one account with their grants, as far as the key
// reaches and without those that were let go of: what works comes first, then the newest.
// An account that is not connected, or another project's, has none.
func (s *Service) HeldBy(ctx context.Context, p lanyard.Principal, providerID, account string) (held []store.Held, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		held = nil
		apps, err := q.AppsOf(p.Project, providerID)
		if err != nil {
			return err
		}
		for _, a := range apps {
			t, err := s.Apps.Providers.Target(a)
			if err != nil {
				continue // its settings are wrong: nobody is connected by it
			}
			grants, err := q.GrantsOfAccount(a.ID, s.Grants.AccountHash(a, provider.Identity{Issuer: t.Namespace(), Subject: account}))
			if err != nil {
				return err
			}
			for _, g := range grants {
				all, err := q.ConnectionsOf(g.ID)
				if err != nil {
					return err
				}
				for _, c := range all {
					if c.State != lanyard.Revoked && s.there(p, c) == nil && p.Reaches(c.Provider, c.Label) == nil {
						held = append(held, store.Held{Connection: c, Grant: g})
					}
				}
			}
		}
		return nil
	})
	slices.SortFunc(held, func(a, b store.Held) int {
		return usable(a.Connection.ID, StatusOf(a.Connection, a.Grant), b.Connection.ID, StatusOf(b.Connection, b.Grant))
	})
	return held, err
}

// Usable orders connections: what works before what does not, then the newest first.
func Usable(a, b View) int { return usable(a.ID, a.Status, b.ID, b.Status) }

func usable(a lanyard.ConnectionID, is lanyard.Status, b lanyard.ConnectionID, other lanyard.Status) int {
	worth := func(s lanyard.Status) int {
		switch s {
		case lanyard.StatusActive, lanyard.StatusPartial, lanyard.StatusDegraded:
			return 0
		case lanyard.StatusPaused:
			return 1
		}
		return 2
	}
	return cmp.Or(worth(is)-worth(other), strings.Compare(string(b), string(a)))
}
