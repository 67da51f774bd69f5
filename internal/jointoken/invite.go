package jointoken

import (
	"context"
	"errors"
	"slices"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
)

// ConnectURL is a link with which the first of those whom a token URL is for, and of whom err
// says that they have nothing connected, can connect; "" where there can be none: of a group,
// or of a host who is not known, nobody knows who should, and see TokenURL.Invites. Nothing is
// stored. Whoever has the link can do nothing with it but be invited, and what they connect is
// the person's only if the customer's backend says that it is they who came, and if it has the
// e-mail address that the customer has said is theirs: without one there is no link.
func (s *Service) ConnectURL(ctx context.Context, u lanyard.TokenURL, err error) (string, error) {
	who := missing(err)
	if who == "" {
		return "", nil
	}
	at, err := s.provider()
	if err != nil {
		return "", err
	}
	url, person := "", lanyard.Person{}
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err1 := q.Now()
		pr, err2 := q.Project(u.Project)
		apps, _, err3 := q.Apps(u.Project, lanyard.Page{Limit: 200})
		var err4 error
		person, err4 = q.Person(u.Project, who)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
		apps = slices.DeleteFunc(apps, func(a lanyard.App) bool { return a.Provider != at || a.State != lanyard.AppReady })
		if len(apps) != 1 { // of several, which one is the customer's to say
			return nil
		}
		if _, _, ok := u.Invites(pr, apps[0], now); ok {
			url = s.Connections.ConnectURL(connection.Connect{Project: u.Project, TokenURL: u.ID, App: apps[0].ID, Person: who})
		}
		return nil
	})
	if err != nil || url == "" {
		return "", err
	}
	if is, err := s.Connections.OpenPerson(ctx, person); err != nil || is.Email == "" { // whose account it has to be, flow.Continue
		return "", err
	}
	return url, nil
}

// missing is the first who has nothing connected, where there is nobody else to speak for.
func missing(err error) lanyard.PersonID {
	e, ok := errors.AsType[*lanyard.Error](err)
	if !ok || e.Code != lanyard.CodeConnectionNeeded && e.Code != lanyard.CodeHostNotKnown {
		return ""
	}
	if e.Person != "" {
		return e.Person
	}
	for _, k := range e.Skipped {
		if one, ok := errors.AsType[*lanyard.Error](k.Err); ok && one.Person != "" {
			return one.Person
		}
	}
	return ""
}
