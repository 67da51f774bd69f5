package connection

import (
	"context"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// ByAccount returns the connections of one account, by the provider's own id for it, as far
// as the key reaches and without those that were let go of: what works comes first, then
// the newest. An account that is not connected, or another project's, has none.
func (s *Service) ByAccount(ctx context.Context, p lanyard.Principal, providerID, account string) (out []View, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, err
	}
	var held []store.Held
	people := map[lanyard.PersonID]lanyard.Person{}
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
					if c.State == lanyard.Revoked || s.there(p, c) != nil || p.Reaches(c.Provider, c.Label) != nil {
						continue
					}
					if people[c.Person], err = q.Person(p.Project, c.Person); err != nil {
						return err
					}
					held = append(held, store.Held{Connection: c, Grant: g})
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		v, err := s.view(ctx, h.Connection, h.Grant, people[h.Connection.Person])
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, Usable)
	return out, nil
}

// Usable orders connections: what works before what does not, then the newest first.
func Usable(a, b View) int {
	worth := func(v View) int {
		switch v.Status {
		case lanyard.StatusActive, lanyard.StatusPartial, lanyard.StatusDegraded:
			return 0
		case lanyard.StatusPaused:
			return 1
		}
		return 2
	}
	if d := worth(a) - worth(b); d != 0 {
		return d
	}
	return strings.Compare(string(b.ID), string(a.ID))
}
