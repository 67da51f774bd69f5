package flow

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Completed is what a journey ends in.
type Completed struct {
	connection.View
	Also  []lanyard.ConnectionID // further credentials of the same answer: Slack's user beside its bot
	State string                 // the caller's own, own-callback journey
}

// redeemPatience is how long a backend waits for its connection; the work goes
// on without it.
const redeemPatience = 30 * time.Second

// Complete trades a completion for the connection. endUser is who is logged in
// at the customer's: if that is not who was invited, the code is destroyed
// unredeemed, since the account would land with the wrong person (T01).
//
// Errors: completion_invalid, completion_expired, end_user_mismatch,
// code_rejected, account_not_active, identity_unavailable (ask again with the
// same completion), app_misconfigured, provider_unavailable.
func (s *Service) Complete(ctx context.Context, p lanyard.Principal, completion, endUser string) (Completed, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Completed{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActConsentRefused)
	if err != nil {
		return Completed{}, err
	}
	var f lanyard.Flow
	var who lanyard.Person
	err = s.Store.Read(ctx, func(q *store.Query) (lanyard.Entry, error) {
		f, err = q.FlowByCompletion(s.Vault.Digest("", "completion", completion))
		if errors.Is(err, lanyard.NotFound) || err == nil && (f.Project != p.Project || f.State != lanyard.FlowParked && f.State != lanyard.FlowReceived) {
			err = lanyard.Errorf(lanyard.CodeCompletionInvalid, "")
			return e.Failed(err), err
		}
		if err == nil {
			who, err = q.Person(f.Project, f.Person)
		}
		return lanyard.Entry{}, err
	})
	if err != nil {
		return Completed{}, err
	}
	d, err := s.openData(ctx, f)
	if err != nil {
		return Completed{}, err
	}
	e.App, e.Session = f.App, f.Session
	if subtle.ConstantTimeCompare(s.Connections.RefHash(p.Project, endUser), who.RefHash) != 1 {
		return Completed{}, s.destroy(ctx, f, e, lanyard.CodeEndUserMismatch)
	}
	if f.State == lanyard.FlowReceived { // redeemed before, and not yet known whose account it is
		return s.await(ctx, p, f, d, lanyard.Secret{})
	}
	if time.Now().After(f.CompletionExpiresAt) {
		return Completed{}, s.destroy(ctx, f, e, lanyard.CodeCompletionExpired)
	}
	code, err := s.Vault.Open(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), f.Parked)
	if err != nil {
		return Completed{}, err
	}
	next := f
	next.State, next.Parked = lanyard.FlowRedeeming, nil
	if err := s.spend(ctx, next, lanyard.FlowParked, lanyard.CodeCompletionInvalid); err != nil {
		return Completed{}, err
	}
	return s.await(ctx, p, next, d, code)
}

// destroy ends a parked flow without trading its code.
func (s *Service) destroy(ctx context.Context, f lanyard.Flow, e lanyard.Entry, why lanyard.Code) error {
	from := f.State
	err := lanyard.Errorf(why, "")
	if from == lanyard.FlowReceived { // tokens are here already: they wait for the right person, or are given back in time
		return errors.Join(err, s.Store.Update(ctx, func(*store.Tx) (lanyard.Entry, error) { return e.Failed(err), nil }))
	}
	f.State, f.Parked, f.Error = lanyard.FlowFailed, nil, why
	uerr := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if ok, err := tx.MoveFlow(f, from); err != nil || !ok {
			return lanyard.Entry{}, err
		}
		if in, err := tx.Session(f.Project, f.Session); err == nil {
			in.LastError = why
			if err := tx.PutSession(in); err != nil {
				return lanyard.Entry{}, err
			}
		}
		return e.Failed(err), tx.AddEvent(lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: f.Project,
			Type: lanyard.EventSecurity, Data: map[string]string{"what": string(why), "session": string(f.Session)}})
	})
	if uerr != nil {
		return fmt.Errorf("destroy parked code: %w", uerr)
	}
	return err
}

// spend takes the step into redeeming: whoever takes it, trades the code.
func (s *Service) spend(ctx context.Context, f lanyard.Flow, from lanyard.FlowState, late lanyard.Code) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		ok, err := tx.MoveFlow(f, from)
		if err == nil && !ok {
			err = lanyard.Errorf(late, "")
		}
		return err
	})
}

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
	if !contains(a.RedirectURIs, n.RedirectURI) {
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
	f := lanyard.Flow{Project: p.Project, App: a.ID, Person: who.ID}
	url, state, err := s.begin(ctx, &f, data{State: n.State, RedirectURI: n.RedirectURI, Needed: needed, Optional: optional,
		Label: n.Label, Metadata: n.Metadata, Origin: "own_callback"}, ready.Target)
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
// before the code is traded (T02). Errors: invalid_state, issuer_mismatch,
// end_user_mismatch, and those of Complete.
func (s *Service) CompleteOwn(ctx context.Context, p lanyard.Principal, c OwnCallback) (Completed, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Completed{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActConsentRefused)
	if err != nil {
		return Completed{}, err
	}
	var f lanyard.Flow
	var who lanyard.Person
	err = s.Store.Read(ctx, func(q *store.Query) (lanyard.Entry, error) {
		if strings.TrimSpace(c.State) != "" {
			f, err = q.FlowByState(s.Vault.Digest("", "state", c.State))
		}
		switch {
		case err != nil && !errors.Is(err, lanyard.NotFound):
			return lanyard.Entry{}, err
		case err != nil, f.ID == "", f.Project != p.Project, f.App != c.App, f.Session != "", f.State != lanyard.FlowStarted, time.Now().After(f.ExpiresAt):
			err = lanyard.Errorf(lanyard.CodeInvalidState, "")
			return e.Failed(err), err
		}
		who, err = q.Person(f.Project, f.Person)
		return lanyard.Entry{}, err
	})
	if err != nil {
		return Completed{}, err
	}
	e.App = f.App
	d, err := s.openData(ctx, f)
	if err != nil {
		return Completed{}, err
	}
	t, err := s.Providers.RestoreTarget(d.Target)
	if err != nil {
		return Completed{}, err
	}
	why := lanyard.Code("")
	switch {
	case c.RedirectURI != d.RedirectURI:
		why = lanyard.CodeRedirectURINotRegistered
	case t.CheckIssuer(c.Issuer, c.Issuer != "") != nil:
		why = lanyard.CodeIssuerMismatch
	case c.EndUser != "" && subtle.ConstantTimeCompare(s.Connections.RefHash(p.Project, c.EndUser), who.RefHash) != 1:
		why = lanyard.CodeEndUserMismatch
	}
	next := f
	next.StateHash, next.State = nil, lanyard.FlowRedeeming
	if why != "" { // the state is spent all the same
		next.State, next.Error = lanyard.FlowFailed, why
		refused := lanyard.Errorf(why, "")
		err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
			if err := s.move(tx, next, lanyard.FlowStarted); err != nil {
				return lanyard.Entry{}, err
			}
			return e.Failed(refused), nil
		})
		if errors.Is(err, lanyard.CodeAttemptUnknown) { // somebody else has spent it meanwhile
			return Completed{}, lanyard.Errorf(lanyard.CodeInvalidState, "")
		}
		if err != nil {
			return Completed{}, fmt.Errorf("end own callback: %w", err)
		}
		return Completed{}, refused
	}
	if err := s.spend(ctx, next, lanyard.FlowStarted, lanyard.CodeInvalidState); err != nil {
		return Completed{}, err
	}
	out, err := s.await(ctx, p, next, d, c.Code)
	out.State = d.State
	return out, err
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
