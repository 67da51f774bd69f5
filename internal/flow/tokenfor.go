package flow

import (
	"context"
	"errors"

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
	asked := p // who may have a token may be told that there is one
	asked.Scopes = append(asked.Scopes[:len(asked.Scopes):len(asked.Scopes)], lanyard.ScopeRead)
	found, _, err := s.Connections.Find(ctx, asked, r.EndUser, lanyard.ConnectionFilter{Provider: r.Provider, App: r.App, Label: r.Label}, lanyard.Page{Limit: 200})
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
		if err != nil || len(pr.Settings.ReturnURLs) == 0 {
			return errors.Join(e, err)
		}
		r.ReturnURL = pr.Settings.ReturnURLs[0]
	}
	made, err := s.CreateSession(ctx, p, NewSession{App: r.App, Provider: r.Provider, EndUser: connection.EndUser{ID: r.EndUser}, ReturnURL: r.ReturnURL, Label: r.Label})
	if err != nil {
		return err
	}
	e.ConnectURL = made.ConnectURL
	return e
}
