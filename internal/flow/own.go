package flow

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
)

// Authorize is one URL of the own-callback journey.
type Authorize struct {
	URL       string
	State     string // ours; on the wire, and to be posted back
	ExpiresAt time.Time
}

// NewAuthorize is what a backend says when it keeps the callback itself.
type NewAuthorize struct {
	App         lanyard.AppID
	RedirectURI string // one of the app's, exactly
	EndUser     connection.EndUser
	State       string // the caller's own; given back at the end, not sent to the provider
	Label       string
	Metadata    map[string]string
	Scopes      []string
}

// AuthorizeURL begins the own-callback journey. No browser of ours is seen, and
// the log says so.
func (s *Service) AuthorizeURL(ctx context.Context, p lanyard.Principal, n NewAuthorize) (Authorize, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Authorize{}, err
	}
	a, err := s.appFor(ctx, p, n.App, "")
	if err != nil {
		return Authorize{}, err
	}
	if err := p.Reaches(a.Provider, n.Label); err != nil {
		return Authorize{}, err
	}
	if err := connection.ValidMetadata(n.Metadata); err != nil {
		return Authorize{}, err
	}
	if !slices.Contains(a.RedirectURIs, n.RedirectURI) {
		return Authorize{}, lanyard.Errorf(lanyard.CodeRedirectURINotRegistered, "")
	}
	if len(n.State) > 1024 {
		return Authorize{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "state: at most 1024 characters")
	}
	needed, optional, err := scopesOf(a, n.Scopes, nil)
	if err != nil {
		return Authorize{}, err
	}
	ready, err := s.Apps.Open(ctx, a)
	if err != nil {
		return Authorize{}, err
	}
	who, err := s.Connections.EnsurePerson(ctx, p.Project, n.EndUser)
	if err != nil {
		return Authorize{}, err
	}
	f := lanyard.Flow{ID: lanyard.NewID[lanyard.FlowID]("flw_"), Project: p.Project, App: a.ID, Person: who.ID}
	url, state, err := s.begin(ctx, &f, data{State: n.State, RedirectURI: n.RedirectURI, Needed: needed, Optional: optional,
		Label: n.Label, Metadata: n.Metadata, Origin: originOwn}, ready.Target)
	if err != nil {
		return Authorize{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActAuthorizeURL)
	if err != nil {
		return Authorize{}, err
	}
	e.App, e.Detail = a.ID, map[string]string{"provider": a.Provider, "browser": "browser_not_seen"}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		f.CreatedAt, f.ExpiresAt = tx.Now(), tx.Now().Add(flowFor)
		return e, tx.AddFlow(f)
	})
	return Authorize{URL: url, State: state, ExpiresAt: f.ExpiresAt}, err
}

// OwnCallback is what the customer's callback received.
type OwnCallback struct {
	App         lanyard.AppID
	Code        lanyard.Secret
	State       string
	RedirectURI string
	Issuer      string // iss, if the provider sent it
	EndUser     string // optional: compared with the one the URL was made for
}

// CompleteOwn ends the own-callback journey: the state is required, and spent
// with the attempt that trades the code (T02). Until an answer has been given,
// the same may be asked again; the code is not sent twice. Errors: invalid_state,
// issuer_mismatch, end_user_mismatch, and those of Complete.
func (s *Service) CompleteOwn(ctx context.Context, p lanyard.Principal, c OwnCallback) (Completed, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Completed{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActConsentRefused)
	if err != nil {
		return Completed{}, err
	}
	t, err := s.find(ctx, e, lanyard.CodeInvalidState, func(q *store.Query) (f lanyard.Flow, err error) {
		none := lanyard.Errorf(lanyard.CodeNotFound, "")
		if strings.TrimSpace(c.State) == "" {
			return f, none
		}
		now, err := q.Now()
		if err != nil {
			return f, err
		}
		if f, err = q.FlowByState(s.Vault.Digest("", "state", c.State)); err != nil {
			return f, err
		}
		if f.Project != p.Project || f.App != c.App || f.Session != "" || f.State == lanyard.FlowStarted && now.After(f.ExpiresAt) {
			return lanyard.Flow{}, none
		}
		return f, nil
	})
	if err != nil {
		return Completed{}, err
	}
	e.App = t.flow.App
	if err := p.Reaches(t.app.Provider, t.data.Label); err != nil {
		return Completed{}, s.refuse(ctx, e, err)
	}
	target, err := s.Providers.RestoreTarget(t.data.Target)
	if err != nil {
		return Completed{}, err
	}
	why := lanyard.Code("")
	switch {
	case c.RedirectURI != t.data.RedirectURI:
		why = lanyard.CodeRedirectURINotRegistered
	case target.CheckIssuer(c.Issuer, c.Issuer != "") != nil:
		why = lanyard.CodeIssuerMismatch
	case c.EndUser != "" && subtle.ConstantTimeCompare(s.Connections.RefHash(p.Project, c.EndUser), t.who.RefHash) != 1:
		why = lanyard.CodeEndUserMismatch
	}
	if why != "" {
		return Completed{}, s.destroyOwn(ctx, t.flow, e, why)
	}
	out, err := s.await(ctx, p, t.flow, t.data, c.Code)
	if errors.Is(err, lanyard.CodeCompletionInvalid) { // answered to somebody who asked at the same moment
		return Completed{}, s.refuse(ctx, e, lanyard.Errorf(lanyard.CodeInvalidState, ""))
	}
	out.State = t.data.State
	return out, err
}

// destroyOwn refuses what does not fit, and spends the state all the same. Once
// the code is on its way there is nothing left to spend.
func (s *Service) destroyOwn(ctx context.Context, f lanyard.Flow, e lanyard.Entry, why lanyard.Code) error {
	refused := lanyard.Errorf(why, "")
	if f.State != lanyard.FlowStarted {
		return s.refuse(ctx, e, refused)
	}
	f.StateHash, f.State, f.Error = nil, lanyard.FlowFailed, why
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if err := s.move(tx, f, lanyard.FlowStarted); err != nil {
			return lanyard.Entry{}, err
		}
		return e.Failed(refused), nil
	})
	if errors.Is(err, lanyard.CodeAttemptUnknown) { // somebody else has spent it meanwhile
		return s.refuse(ctx, e, lanyard.Errorf(lanyard.CodeInvalidState, ""))
	}
	if err != nil {
		return fmt.Errorf("end own callback: %w", err)
	}
	return refused
}
