package flow

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
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
// unredeemed, since the account would land with the wrong person (T01). Until an
// answer has been given, the same completion may be asked with again.
//
// Errors: completion_invalid, completion_expired, end_user_mismatch, account_mismatch,
// key_limited, code_rejected, account_not_active, identity_unavailable and provider_timeout
// (ask again with the same completion), app_misconfigured, provider_unavailable.
func (s *Service) Complete(ctx context.Context, p lanyard.Principal, completion, endUser string) (Completed, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Completed{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActConsentRefused)
	if err != nil {
		return Completed{}, err
	}
	t, err := s.find(ctx, e, lanyard.CodeCompletionInvalid, func(q *store.Query) (lanyard.Flow, error) {
		f, err := q.FlowByCompletion(s.Vault.Digest("", "completion", completion))
		if err == nil && f.Project != p.Project {
			return lanyard.Flow{}, lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		return f, err
	})
	if err != nil {
		return Completed{}, err
	}
	f := t.flow
	e.App, e.Session = f.App, f.Session
	if err := p.Reaches(t.app.Provider, t.data.Label); err != nil {
		return Completed{}, s.refuse(ctx, e, err)
	}
	if subtle.ConstantTimeCompare(s.Connections.RefHash(p.Project, endUser), t.who.RefHash) != 1 {
		return Completed{}, s.destroy(ctx, f, e, lanyard.CodeEndUserMismatch)
	}
	var code lanyard.Secret
	if f.State == lanyard.FlowParked {
		switch {
		case t.now.After(f.CompletionExpiresAt):
			return Completed{}, s.destroy(ctx, f, e, lanyard.CodeCompletionExpired)
		case t.session.State == lanyard.SessionConnected: // another trip of this invitation has made its connection
			return Completed{}, s.destroy(ctx, f, e, lanyard.CodeCompletionInvalid)
		}
		if code, err = s.Vault.Open(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), f.Parked); err != nil {
			return Completed{}, err
		}
	}
	return s.await(ctx, p, f, t.data, code)
}

// trip is a flow with what belongs to it.
type trip struct {
	flow    lanyard.Flow
	data    data
	app     lanyard.App
	who     lanyard.Person
	session lanyard.Session // hosted journey
	now     time.Time       // the database's
}

// find reads the flow that a caller names. One that is not there, is over, or has
// given its answer is unknown.
func (s *Service) find(ctx context.Context, e lanyard.Entry, unknown lanyard.Code, look func(*store.Query) (lanyard.Flow, error)) (t trip, err error) {
	err = s.Store.Read(ctx, func(q *store.Query) (lanyard.Entry, error) {
		var err error
		if t.now, err = q.Now(); err != nil {
			return lanyard.Entry{}, err
		}
		if t.flow, err = look(q); err != nil && !errors.Is(err, lanyard.NotFound) {
			return lanyard.Entry{}, err
		}
		f := t.flow
		if err != nil || f.State == lanyard.FlowFailed || f.State == lanyard.FlowDone && t.now.After(f.ExpiresAt) {
			err = lanyard.Errorf(unknown, "")
			return e.Failed(err), err
		}
		if f.Session != "" {
			if t.session, err = q.Session(f.Project, f.Session); err != nil {
				return lanyard.Entry{}, err
			}
		}
		if t.app, err = appOf(q, f.Project, f.App); err != nil {
			return lanyard.Entry{}, err
		}
		t.who, err = q.Person(f.Project, f.Person)
		return lanyard.Entry{}, err
	})
	if err != nil {
		return t, err
	}
	t.data, err = s.openData(ctx, t.flow)
	return t, err
}

// appOf reads the app of a flow or an invitation, which may be gone by now.
func appOf(q *store.Query, project lanyard.ProjectID, id lanyard.AppID) (lanyard.App, error) {
	a, err := q.App(project, id)
	if errors.Is(err, lanyard.NotFound) {
		err = lanyard.Errorf(lanyard.CodeAppNotReady, "the app was deleted")
	}
	return a, err
}

// refuse records a refusal and returns it.
func (s *Service) refuse(ctx context.Context, e lanyard.Entry, why error) error {
	return s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e.Failed(why), why })
}

// destroy ends a parked flow without trading its code. Where the code is on its
// way already, nothing changes: what comes waits for the right person.
func (s *Service) destroy(ctx context.Context, f lanyard.Flow, e lanyard.Entry, why lanyard.Code) error {
	refused := lanyard.Errorf(why, "")
	parked := f.State == lanyard.FlowParked
	f.State, f.Parked, f.Error = lanyard.FlowFailed, nil, why
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if parked {
			if ok, err := tx.MoveFlow(f, lanyard.FlowParked); err != nil {
				return lanyard.Entry{}, err
			} else if ok {
				if err := noteError(tx, f, why); err != nil {
					return lanyard.Entry{}, err
				}
			}
		}
		if why != lanyard.CodeEndUserMismatch {
			return e.Failed(refused), nil
		}
		return e.Failed(refused), tx.AddEvent(lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: f.Project,
			Type: lanyard.EventEndUserMismatch, Data: map[string]string{"app_id": string(f.App), "session": string(f.Session)}})
	})
	if err != nil {
		return fmt.Errorf("destroy parked code: %w", err)
	}
	return refused
}

// noteError tells the invitation how its last trip ended, unless another one has
// made its connection.
func noteError(tx *store.Tx, f lanyard.Flow, why lanyard.Code) error {
	if f.Session == "" {
		return nil
	}
	in, err := tx.Session(f.Project, f.Session)
	if err != nil || in.State == lanyard.SessionConnected {
		return err
	}
	in.LastError = why
	return tx.PutSession(in)
}
