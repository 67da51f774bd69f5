package connection

import (
	"context"
	"slices"

	"lanyard"
	"lanyard/internal/store"
)

// Succession is what has become of an account of an app: to the vendors' clients it is one
// connection, and here each consent that came without state after the last had ended at the
// provider is one of its own.
type Succession struct {
	View                      // the one that lives, or ended last
	All  []lanyard.Connection // it, and those that ended before it, newest first
}

// First is the connection by which the account is known.
func (s Succession) First() lanyard.Connection { return s.All[len(s.All)-1] }

// Successions finds what else there is of the accounts of some connections, in their order,
// with one query for all of them: as far as the key reaches, and without what the customer has
// deleted. Of what did not come without state there is nothing else.
func (s *Service) Successions(ctx context.Context, p lanyard.Principal, of []View) ([]Succession, error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, err
	}
	var people []lanyard.PersonID
	for _, v := range of {
		if v.Origin == lanyard.OriginUnbound {
			people = append(people, v.Connection.Person)
		}
	}
	slices.Sort(people)
	var all []store.Held
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		all, err = q.Unbound(p.Project, slices.Compact(people))
		return err
	})
	if err != nil {
		return nil, err
	}
	type account struct {
		person lanyard.PersonID
		app    lanyard.AppID
	}
	by := map[account][]store.Held{}
	for _, h := range all {
		if c := h.Connection; p.Reaches(c.Provider, c.Label) == nil && p.Sees(c.Person) {
			by[account{c.Person, c.App}] = append(by[account{c.Person, c.App}], h)
		}
	}
	out := make([]Succession, len(of))
	for i, v := range of {
		var same []store.Held
		if v.Origin == lanyard.OriginUnbound {
			same = by[account{v.Connection.Person, v.App}]
		}
		if v.State == lanyard.Revoked && len(same) > 0 {
			latest := same[max(0, slices.IndexFunc(same, func(h store.Held) bool { return h.Connection.State != lanyard.Revoked }))]
			if latest.Connection.ID != v.ID {
				if v, err = s.viewOf(ctx, latest.Connection, latest.Grant, v.Person, v.Kind); err != nil {
					return nil, err
				}
			}
		}
		out[i] = Succession{v, []lanyard.Connection{v.Connection}}
		for _, h := range same {
			if h.Connection.State == lanyard.Revoked && h.Connection.ID != v.ID {
				out[i].All = append(out[i].All, h.Connection)
			}
		}
	}
	return out, nil
}
