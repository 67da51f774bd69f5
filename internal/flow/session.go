package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
)

// NewSession is what a backend says when it invites a person.
type NewSession struct {
	App            lanyard.AppID // or Provider, where the project has one app there
	Provider       string
	EndUser        connection.EndUser
	ReturnURL      string
	Origin         string // of the page that opens us as a pop-up
	Label          string
	Metadata       map[string]string
	Scopes         []string // of the app's; nil: all it asks for
	ScopesOptional []string
	ExpiresIn      time.Duration // 1 minute to 24 hours; 0: 30 minutes

	// Expected makes it a link that needs no session of the customer's: only the
	// account named here is connected, at the callback, without a completion (T01).
	Expected lanyard.Expected
	token    string // of the link; empty: a new one
}

// Invited is an invitation with its link, which is shown once.
type Invited struct {
	lanyard.Session
	ConnectURL string
}

// CreateSession invites a person to connect. Errors: unknown_provider,
// choice_needed, app_not_ready, return_url_not_allowed, origin_not_allowed.
func (s *Service) CreateSession(ctx context.Context, p lanyard.Principal, n NewSession) (Invited, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Invited{}, err
	}
	a, err := s.appFor(ctx, p, n.App, n.Provider)
	if err != nil {
		return Invited{}, err
	}
	if err := p.Reaches(a.Provider, n.Label); err != nil {
		return Invited{}, err
	}
	if err := connection.ValidMetadata(n.Metadata); err != nil {
		return Invited{}, err
	}
	needed, optional, err := scopesOf(a, n.Scopes, n.ScopesOptional)
	if err != nil {
		return Invited{}, err
	}
	who, err := s.Connections.EnsurePerson(ctx, p.Project, n.EndUser)
	if err != nil {
		return Invited{}, err
	}
	in := lanyard.Session{ID: lanyard.NewID[lanyard.SessionID]("cs_"), Project: p.Project, App: a.ID, Person: who.ID, Purpose: forConnect, ReturnURL: n.ReturnURL,
		Origin: n.Origin, Label: n.Label, Metadata: n.Metadata, Scopes: needed, ScopesOptional: optional}
	if n.Expected != (lanyard.Expected{}) {
		if err := s.expect(ctx, &in, n.Expected); err != nil {
			return Invited{}, err
		}
	}
	return s.invite(ctx, p, in, n.ExpiresIn, n.token)
}

// Reconnect invites the person of a connection to connect the same account
// again. It asks for what the app asks for now, so it also mends missing scopes.
func (s *Service) Reconnect(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, returnURL, origin string) (Invited, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Invited{}, err
	}
	c, a, err := s.held(ctx, p.Project, id)
	if c.ID != "" && !p.Sees(c.Person) {
		err = lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	if err != nil {
		return Invited{}, err
	}
	if err := p.Reaches(c.Provider, c.Label); err != nil {
		return Invited{}, err
	}
	if c.State == lanyard.Revoked { // the grant is gone with it: there is nothing to renew
		return Invited{}, lanyard.Errorf(lanyard.CodeConnectionRevoked, "")
	}
	in := reconnectSession(c, a, returnURL, origin)
	in.ID = lanyard.NewID[lanyard.SessionID]("cs_")
	return s.invite(ctx, p, in, 0, "")
}

func reconnectSession(c lanyard.Connection, a lanyard.App, returnURL, origin string) lanyard.Session {
	needed := slices.Clone(a.Scopes)
	for _, sc := range c.Needed { // never asks for less than before
		if !slices.Contains(needed, sc) {
			needed = append(needed, sc)
		}
	}
	return lanyard.Session{Project: c.Project, App: c.App, Person: c.Person, Purpose: forReconnect, Connection: c.ID, Label: c.Label,
		ReturnURL: returnURL, Origin: origin, Scopes: needed, ScopesOptional: a.ScopesOptional}
}

func (s *Service) invite(ctx context.Context, p lanyard.Principal, in lanyard.Session, expires time.Duration, link string) (Invited, error) {
	switch {
	case expires == 0:
		expires = sessionFor
	case expires < time.Minute || expires > sessionForMost:
		return Invited{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "expires_in_seconds: 60 to 86400")
	}
	if link == "" {
		link = lanyard.Random(32)
	}
	in.State, in.LinkHash = lanyard.SessionOpen, s.linkHash(link)
	e, err := s.Connections.Entry(ctx, p, lanyard.ActSessionCreated)
	if err != nil {
		return Invited{}, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		pr, err := tx.Project(in.Project)
		if err != nil {
			return lanyard.Entry{}, err
		}
		if err := mayReturn(pr, in); err != nil && !s.backToPortal(p, in) {
			return e.Failed(err), err
		}
		if in.Purpose == forLink && !pr.Settings.LinkMode {
			err := lanyard.Errorf(lanyard.CodeInvalidRequest, "expected_email, expected_subject: links without a session of yours are off for this project; its admin turns them on with allow_link_mode")
			return e.Failed(err), err
		}
		in.CreatedAt, in.UpdatedAt, in.ExpiresAt = tx.Now(), tx.Now(), tx.Now().Add(expires)
		e.App, e.Session, e.Connection = in.App, in.ID, in.Connection
		e.Detail = map[string]string{"purpose": in.Purpose}
		return e, tx.AddSession(in)
	})
	return Invited{in, s.connectURL(link)}, err
}

func (s *Service) connectURL(link string) string { return s.PublicURL + "/connect/" + link }

// PortalURL is the page of a person's own connections.
func (s *Service) PortalURL() string { return s.PublicURL + "/portal" }

// backToPortal says that a person who came from our own page goes back to it.
func (s *Service) backToPortal(p lanyard.Principal, in lanyard.Session) bool {
	return p.Person != "" && in.Purpose == forReconnect && in.Origin == "" && in.ReturnURL == s.PortalURL()
}

// mayReturn compares return URL and origin with the project's, exactly (T06).
func mayReturn(pr lanyard.Project, in lanyard.Session) error {
	switch {
	case in.ReturnURL != "" && !pr.AllowsReturn(in.ReturnURL):
		return lanyard.Errorf(lanyard.CodeReturnURLNotAllowed, "")
	case in.Origin != "" && !pr.AllowsOrigin(in.Origin):
		return lanyard.Errorf(lanyard.CodeOriginNotAllowed, "")
	case in.Purpose == forConnect && in.ReturnURL == "":
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "return_url: needed, since the completion code comes back to it; it must be one of the project's return_urls")
	}
	return nil
}

// Session returns an invitation as it stands. With wait, it answers when the
// state changes or the time is over, whichever is first; at most 55 seconds.
func (s *Service) Session(ctx context.Context, p lanyard.Principal, id lanyard.SessionID, wait time.Duration) (in lanyard.Session, err error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return in, err
	}
	until := time.Now().Add(min(wait, 55*time.Second))
	for first := true; ; first = false {
		was := in
		var a lanyard.App
		var now time.Time
		err = s.Store.View(ctx, func(q *store.Query) (err error) {
			if now, err = q.Now(); err != nil {
				return err
			}
			if in, err = q.Session(p.Project, id); err != nil || !first {
				return err
			}
			a, err = appOf(q, in.Project, in.App)
			return err
		})
		if err == nil && first {
			err = p.Reaches(a.Provider, in.Label)
		}
		if err != nil {
			return lanyard.Session{}, err
		}
		if in.State == lanyard.SessionOpen && now.After(in.ExpiresAt) {
			in.State = lanyard.SessionExpired
		}
		if in.State != lanyard.SessionOpen || !first && in.LastError != was.LastError || !time.Now().Before(until) {
			return in, nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-s.stop.Done():
			return in, nil
		case <-ctx.Done():
			return in, nil
		}
	}
}

// appFor finds the app that is meant.
func (s *Service) appFor(ctx context.Context, p lanyard.Principal, id lanyard.AppID, prov string) (a lanyard.App, err error) {
	if id != "" {
		if a, err = s.Apps.Get(ctx, p, id); err != nil {
			return a, err
		}
	} else {
		if _, ok := s.Providers.Get(prov); !ok {
			return a, lanyard.Errorf(lanyard.CodeUnknownProvider, "")
		}
		apps, _, err := s.Apps.List(ctx, p, lanyard.Page{Limit: 200})
		if err != nil {
			return a, err
		}
		apps = slices.DeleteFunc(apps, func(a lanyard.App) bool { return a.Provider != prov })
		switch len(apps) {
		case 0:
			return a, lanyard.Errorf(lanyard.CodeAppNotReady, "this project has no app at %s; make one with `lanyard app create --provider %s`", prov, prov)
		case 1:
			a = apps[0]
		default:
			e := &lanyard.Error{Code: lanyard.CodeChoiceNeeded, Message: "this project has several apps at " + prov + "; name one by app_id"}
			for _, a := range apps {
				e.Choices = append(e.Choices, string(a.ID))
			}
			return a, e
		}
	}
	if a.State != lanyard.AppReady {
		return a, lanyard.Errorf(lanyard.CodeAppNotReady, "")
	}
	return a, nil
}

// held returns a connection and its app.
func (s *Service) held(ctx context.Context, project lanyard.ProjectID, id lanyard.ConnectionID) (c lanyard.Connection, a lanyard.App, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if c, _, err = q.Connection(project, id); err != nil {
			return err
		}
		a, err = q.App(project, c.App)
		return err
	})
	if errors.Is(err, lanyard.NotFound) && c.ID != "" {
		err = lanyard.Errorf(lanyard.CodeConnectionRevoked, "")
	}
	return c, a, err
}

// scopesOf checks that what is asked for is the app's: scopes are chosen on the
// server, never by whoever holds a link (T07).
func scopesOf(a lanyard.App, needed, optional []string) ([]string, []string, error) {
	if needed == nil {
		needed = a.Scopes
	}
	if optional == nil {
		optional = a.ScopesOptional
	}
	for _, sc := range append(slices.Clone(needed), optional...) {
		if !slices.Contains(a.Scopes, sc) && !slices.Contains(a.ScopesOptional, sc) {
			return nil, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "scopes: the app does not have the scope %q; add it to the app first", sc)
		}
	}
	optional = slices.DeleteFunc(slices.Clone(optional), func(sc string) bool { return slices.Contains(needed, sc) })
	return needed, optional, nil
}

func (s *Service) linkHash(link string) []byte { return s.Vault.Digest("", "connect-link", link) }
