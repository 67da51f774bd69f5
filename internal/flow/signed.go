package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// readConnect finds what a connect link means: an invitation, not stored, for somebody whom
// a token URL is for. Vendors see such links, so it is one that their readers can do nothing
// with: it ends where every invitation does, at the customer's page, is completed for nobody
// but the person it is for, and only with that person's own account (see theirs). It dies
// with its token URL, and once it has done its work.
func (s *Service) readConnect(ctx context.Context, link string) (in lanyard.Session, pr lanyard.Project, a lanyard.App, err error) {
	c, until, err := s.Connections.ReadConnect(link)
	if err != nil {
		return in, pr, a, err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err1 := q.Now()
		u, err2 := q.TokenURL(c.Project, c.TokenURL)
		_, err3 := q.Person(c.Project, c.Person)
		var err4, err5 error
		a, err4 = q.App(c.Project, c.App)
		pr, err5 = q.Project(c.Project)
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			return err
		}
		held, _, err := q.Connections(c.Project, lanyard.ConnectionFilter{Person: c.Person, Provider: a.Provider}, lanyard.Page{Limit: 200})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(held, func(h store.Held) bool { return h.Connection.State != lanyard.Revoked }) {
			return lanyard.Errorf(lanyard.CodeLinkUsed, "")
		}
		in, err = invitedBy(u, pr, a, c.Person, now)
		in.ExpiresAt = until
		return err
	})
	if errors.Is(err, lanyard.CodeNotFound) {
		err = lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	}
	return in, pr, a, err
}

// theirs makes an invitation that came of a connect link one for the account with the address
// that the customer has said is the person's. Whoever has the link could else consent with an
// account of their own, stop at the customer's page, and send that address to the person, whose
// session would complete it (T01). Error: link_expired, where the customer has said none.
func (s *Service) theirs(ctx context.Context, in *lanyard.Session) error {
	var who lanyard.Person
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		who, err = q.Person(in.Project, in.Person)
		return err
	})
	if err != nil {
		return err
	}
	is, err := s.Connections.OpenPerson(ctx, who)
	switch {
	case err != nil:
		return err
	case is.Email == "":
		return lanyard.Errorf(lanyard.CodeLinkExpired, "")
	}
	return s.sealExpected(ctx, in, lanyard.Expected{Email: is.Email})
}

// invitedBy is the invitation of a person in the name of a token URL. Error: link_expired,
// where there can be none any more.
func invitedBy(u lanyard.TokenURL, pr lanyard.Project, a lanyard.App, who lanyard.PersonID, now time.Time) (lanyard.Session, error) {
	back, label, ok := u.Invites(pr, a, now)
	if !ok {
		return lanyard.Session{}, lanyard.Errorf(lanyard.CodeLinkExpired, "")
	}
	needed, optional, err := scopesOf(a, nil, nil)
	return lanyard.Session{Project: pr.ID, App: a.ID, Person: who, Purpose: forConnect, ReturnURL: back, Label: label,
		Scopes: needed, ScopesOptional: optional}, err
}
