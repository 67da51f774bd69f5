package flow

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
)

// TokenFor says whose token is wanted, by the customer's own id for the person.
type TokenFor struct {
	EndUser   string
	Provider  string
	App       lanyard.AppID
	Label     string
	ReturnURL string // for the invitation, where nothing is connected; "": the project's first
	Request   connection.TokenRequest
}

// TokenFor reads an access token in one call. Where nothing is connected, the
// error connection_needed carries a link to show; where several connections fit,
// choice_needed carries them.
func (s *Service) TokenFor(ctx context.Context, p lanyard.Principal, r TokenFor) (connection.Token, error) {
	if err := p.Need(lanyard.ScopeToken); err != nil {
		return connection.Token{}, err
	}
	if (r.Provider == "") == (r.App == "") {
		return connection.Token{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "say provider or app_id, one of them")
	}
	// Who may have a token may be told that there is one.
	found, _, err := s.Connections.Find(ctx, p.Also(lanyard.ScopeRead), r.EndUser, lanyard.ConnectionFilter{Provider: r.Provider, App: r.App, Label: r.Label}, lanyard.Page{Limit: 200})
	if err != nil {
		return connection.Token{}, err
	}
	var live []string
	for _, v := range found {
		if v.Status != lanyard.StatusRevoked {
			live = append(live, string(v.ID))
		}
	}
	switch len(live) {
	case 0:
		return connection.Token{}, s.needed(ctx, p, r)
	case 1:
		return s.Connections.Token(ctx, p, lanyard.ConnectionID(live[0]), r.Request)
	}
	return connection.Token{}, &lanyard.Error{Code: lanyard.CodeChoiceNeeded, Choices: live}
}

// needed is the error for a person who has nothing connected, with an
// invitation in it if the key may invite and the project has a page to return to.
func (s *Service) needed(ctx context.Context, p lanyard.Principal, r TokenFor) error {
	e := &lanyard.Error{Code: lanyard.CodeConnectionNeeded}
	if !p.May(lanyard.ScopeConnect) {
		return e
	}
	if r.ReturnURL == "" {
		var pr lanyard.Project
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			pr, err = q.Project(p.Project)
			return err
		})
		if err != nil {
			return err
		}
		if len(pr.Settings.ReturnURLs) == 0 {
			return e
		}
		r.ReturnURL = pr.Settings.ReturnURLs[0]
	}
	url, err := s.standing(ctx, p, r)
	if err != nil {
		return err
	}
	e.ConnectURL = url
	return e
}

// standing is an invitation for whoever has nothing connected, the same one for a
// quarter of an hour: a bot that asks every second makes one, and not thousands.
// Its link is a keyed hash of what it is for, so that it can be found again though
// only its hash is kept.
func (s *Service) standing(ctx context.Context, p lanyard.Principal, r TokenFor) (string, error) {
	a, err := s.appFor(ctx, p, r.App, r.Provider)
	if err != nil {
		return "", err
	}
	quarter := strconv.FormatInt(time.Now().Unix()/int64(sessionFor/time.Second/2), 10)
	for n := range 20 { // each that has done its work is followed by another
		link := base64.RawURLEncoding.EncodeToString(s.Vault.Digest(p.Project, "standing-link", string(a.ID), r.EndUser, r.Label, r.ReturnURL, quarter, strconv.Itoa(n)))
		var in lanyard.Session
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			in, err = q.SessionByLink(s.linkHash(link))
			return err
		})
		switch {
		case err == nil && in.State == lanyard.SessionOpen:
			return s.connectURL(link), p.Reaches(a.Provider, in.Label)
		case err == nil:
			continue
		case !errors.Is(err, lanyard.NotFound):
			return "", err
		}
		made, err := s.CreateSession(ctx, p, NewSession{App: a.ID, EndUser: connection.EndUser{ID: r.EndUser}, ReturnURL: r.ReturnURL, Label: r.Label, token: link})
		if _, exists := errors.AsType[*store.ExistsError](err); exists { // made at the same moment
			return s.connectURL(link), nil
		}
		return made.ConnectURL, err
	}
	return "", lanyard.Errorf(lanyard.CodeRateLimited, "this end user was invited too often; ask again in a quarter of an hour")
}
