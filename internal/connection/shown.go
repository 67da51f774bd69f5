package connection

import (
	"context"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Shown is a connection as its person sees it: what the customer's backend knows,
// and what it means in words.
type Shown struct {
	View
	ProviderName string // "Zoom"
	ManageURL    string // where the person sees at the provider who has access
	Allowed      []provider.Scope
	Lacking      []provider.Scope // needed, and not granted
	Cannot       []string         // sentences: what the access cannot do
	Joins        []Join           // nil: the provider's meetings take no tokens of ours
	Revokes      bool             // the provider can be told that access is given back
	Used         time.Time        // when its access was last handed out; zero: never, as far as is known
	Shared       bool             // others hold the same grant, so the provider is not told; only Show says it
}

// Join says whether the access lets a bot into meetings in one way.
type Join struct {
	Type     string // "onbehalf", "zak", "local_recording"
	Possible bool
}

// joiner is a provider whose meetings take join tokens.
type joiner interface{ JoinTokens() []provider.JoinToken }

// Mine lists what a person holds, newest first, without what they let go of.
func (s *Service) Mine(ctx context.Context, p lanyard.Principal) (out []Shown, err error) {
	for page := (lanyard.Page{Limit: 200}); ; {
		var views []View
		if views, page.Cursor, err = s.List(ctx, p, lanyard.ConnectionFilter{Person: p.Person}, page); err != nil {
			return nil, err
		}
		for _, v := range views {
			if v.State == lanyard.Revoked {
				continue
			}
			one, err := s.shown(ctx, v)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
		if page.Cursor == "" {
			return out, nil
		}
	}
}

// Show returns one connection of a person's, and what letting go of it would mean.
// What they let go of is as absent as what is not theirs.
func (s *Service) Show(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) (Shown, error) {
	v, err := s.Get(ctx, p, id)
	if err == nil && v.State == lanyard.Revoked {
		err = lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	if err != nil {
		return Shown{}, err
	}
	out, err := s.shown(ctx, v)
	if err != nil {
		return Shown{}, err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		held, err := q.ConnectionsOf(v.Grant.ID)
		out.Shared = slices.ContainsFunc(held, func(o lanyard.Connection) bool { return o.ID != id && o.State != lanyard.Revoked })
		return err
	})
	return out, err
}

func (s *Service) shown(ctx context.Context, v View) (Shown, error) {
	out := Shown{View: v}
	var a lanyard.App
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if out.Used, err = lastUse(q, v); err == nil {
			a, err = q.App(v.Project, v.App)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	t, err := s.Apps.Providers.Target(a)
	if err != nil {
		return out, err
	}
	out.ProviderName, out.ManageURL, out.Revokes = t.Name, t.ManageURL, t.Revokes()
	out.Allowed, out.Lacking, out.Cannot = t.Describe(v.Grant.Scopes), t.Describe(v.Missing), t.Cannot(v.Grant.Scopes)
	if j, ok := t.Ability().(joiner); ok {
		for _, kind := range j.JoinTokens() {
			may := slices.ContainsFunc(kind.Scopes, func(sc string) bool { return slices.Contains(v.Grant.Scopes, sc) })
			out.Joins = append(out.Joins, Join{kind.Type, may})
		}
	}
	return out, nil
}

// aConsent is how long after a consent a use of the grant may be that consent, which
// counts as one for renewing.
const aConsent = 2 * time.Minute

// lastUse is what the log says; and where that has no longer got it, what is noted
// of the grant, but for the consent itself.
func lastUse(q *store.Query, v View) (last time.Time, err error) {
	for _, what := range []lanyard.Action{lanyard.ActTokenRead, lanyard.ActJoinTokenMinted} {
		f := lanyard.EntryFilter{Connection: v.ID, What: what, Outcome: "ok"}
		list, _, err := q.Entries(v.Project, f, lanyard.Page{Limit: 1})
		if err != nil {
			return last, err
		}
		if len(list) > 0 && list[0].At.After(last) {
			last = list[0].At
		}
	}
	if g := v.Grant; last.IsZero() && g.UsedAt.After(g.ConsentedAt.Add(aConsent)) {
		last = g.UsedAt
	}
	return last, nil
}

// Whose returns what is known of the person behind a principal of the portal.
func (s *Service) Whose(ctx context.Context, p lanyard.Principal) (lanyard.PersonData, error) {
	var who lanyard.Person
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		who, err = q.Person(p.Project, p.Person)
		return err
	})
	if err != nil {
		return lanyard.PersonData{}, err
	}
	return s.OpenPerson(ctx, who)
}
