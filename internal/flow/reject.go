package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

// failed ends a flow whose code brought nothing.
func (s *Service) failed(ctx context.Context, p lanyard.Principal, f lanyard.Flow, from lanyard.FlowState, cause error) error {
	code := lanyard.CodeOf(cause)
	f.State, f.Parked, f.Error, f.CompletionHash, f.StateHash = lanyard.FlowFailed, nil, code, nil, nil
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if ok, err := tx.MoveFlow(f, from); err != nil || !ok {
			return lanyard.Entry{}, err
		}
		if err := noteError(tx, f, code); err != nil {
			return lanyard.Entry{}, err
		}
		e := lanyard.NewEntry(p, lanyard.ActConsentRefused)
		e.App, e.Session = f.App, f.Session
		return e.Failed(cause), nil
	})
	return errors.Join(cause, err)
}

// reject cleans up after tokens that are not to be bound. At a provider that
// keeps one grant per person, a careless revocation would end a connection that
// works: so an account that is known here gets its new tokens, an unknown one
// gives them back, and who it is is asked first (T10). who is nil where nobody
// could say.
func (s *Service) reject(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity, cause error) error {
	for i := range issued {
		known := false
		if who != nil {
			var err error
			if known, err = s.adopt(ctx, f, d, ready, issued[i], who[i]); err != nil {
				return err
			}
		}
		if known {
			continue
		}
		if who == nil && ready.Target.RevokesMore() { // it may be anybody's, somebody's who is connected too
			s.Logger.Warn("tokens of an account that could not be seen were dropped, not revoked", "app", f.App)
			continue
		}
		g := lanyard.Grant{Kind: issued[i].Kind}
		if r, err := s.Grants.GiveBack(ctx, ready, g, issued[i].Tokens); err != nil {
			return err
		} else if r.Outcome == provider.RevokeFailed {
			s.Logger.Warn("tokens that were not bound could not be revoked", "app", f.App)
		}
	}
	return s.failed(ctx, p, f, lanyard.FlowReceived, cause)
}

// adopt gives a known account's grant its new tokens. False: not known.
func (s *Service) adopt(ctx context.Context, f lanyard.Flow, d data, ready app.Ready, is provider.Issued, who provider.Identity) (bool, error) {
	for range 10 {
		c, err := s.Grants.Prepare(ctx, ready.App, is, who, askedOf(d, ready, is), sentAt(f))
		if err != nil || !c.Known {
			return false, err
		}
		ok := false
		err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
			if ok, err = c.Commit(tx, ""); err != nil || !ok {
				return lanyard.Entry{}, err
			}
			e := lanyard.NewEntry(lanyard.Principal{Project: f.Project, Name: "lanyard"}, lanyard.ActConnectionRenewed)
			e.App, e.Grant, e.Session = f.App, c.Grant.ID, f.Session
			e.Detail = map[string]string{"why": "adopted_after_rejected_consent"}
			if c.Late {
				e.Detail["tokens"] = "those_of_a_later_consent"
			}
			return e, nil
		})
		if err != nil || ok {
			return true, err
		}
	}
	return true, lanyard.Errorf(lanyard.CodeStoreUnavailable, "the grant kept moving")
}

// atOnce redeems at the callback: the invitation knows whose account it must be,
// so it needs no completion.
func (s *Service) atOnce(ctx context.Context, r CallbackRequest, f lanyard.Flow, in lanyard.Session, d data, code lanyard.Secret) (Arrival, error) {
	p := lanyard.Principal{Project: f.Project, Name: "person", RequestID: r.RequestID, Scopes: []lanyard.Scope{lanyard.ScopeConnect}}
	ids, err := s.run(ctx, p, f.ID, d, code)
	if err != nil {
		if in.ReturnURL == "" && in.Origin == "" {
			return Arrival{}, err
		}
		return arrive(in, "lanyard_error", string(lanyard.CodeOf(err))), nil
	}
	return arrive(in, "lanyard_connection", string(ids[0])), nil
}

// Tasks are what the journeys need done in the background.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{
		{Name: "flow.overdue", Every: 30 * time.Second, Run: s.sweep},
		{Name: "flow.identity", Every: 20 * time.Second, Run: s.identify},
		{Name: "flow.receipts", Every: 5 * time.Second, Run: s.Offer},
		{Name: "flow.purge", Every: time.Hour, Run: s.purge},
	}
}

// What is over is kept for as long as somebody may ask how it went.
const (
	tripsFor       = 7 * 24 * time.Hour
	invitationsFor = 30 * 24 * time.Hour
)

// purge forgets trips and invitations that are over.
func (s *Service) purge(ctx context.Context) error {
	const some = 500
	for _, drop := range []func(*store.Tx) (int, error){
		func(tx *store.Tx) (int, error) { return tx.PurgeFlows(tx.Now().Add(-tripsFor), some) },
		func(tx *store.Tx) (int, error) { return tx.PurgeSessions(tx.Now().Add(-invitationsFor), some) },
	} {
		for n := some; n == some; {
			err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
				n, err = drop(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep destroys codes that nobody came for, and ends trips whose node has died
// while the code was on its way.
func (s *Service) sweep(ctx context.Context) error {
	var due []lanyard.Flow
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		due, err = q.OverdueFlows(200)
		return err
	})
	for _, f := range due {
		err = errors.Join(err, s.end(ctx, f))
	}
	return err
}

// Lost ends trips whose code was on its way when this node died: it may be spent,
// and what came of it nobody can say.
func (s *Service) Lost(ctx context.Context, ids []lanyard.FlowID) error {
	for _, id := range ids {
		var f lanyard.Flow
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			f, err = q.Flow(id)
			return err
		})
		if err == nil && f.State == lanyard.FlowRedeeming {
			err = s.end(ctx, f)
		}
		if err != nil && !errors.Is(err, lanyard.NotFound) {
			return err
		}
	}
	return nil
}

// end fails a trip that goes no further, for the reason its state gives. What the
// person or the backend did not do is no entry of the log; what we lost is.
func (s *Service) end(ctx context.Context, f lanyard.Flow) error {
	from, why := f.State, lanyard.CodeAttemptExpired
	switch from {
	case lanyard.FlowParked:
		why = lanyard.CodeCompletionExpired
	case lanyard.FlowRedeeming:
		why = lanyard.CodeProviderUnavailable
	}
	f.State, f.Parked, f.StateHash, f.CompletionHash, f.Error = lanyard.FlowFailed, nil, nil, nil, why
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		ok, err := tx.MoveFlow(f, from)
		if err != nil || !ok || from == lanyard.FlowStarted {
			return lanyard.Entry{}, err
		}
		if err := noteError(tx, f, why); err != nil || from != lanyard.FlowRedeeming {
			return lanyard.Entry{}, err
		}
		e := lanyard.NewEntry(lanyard.Principal{Project: f.Project, Name: "lanyard"}, lanyard.ActConsentRefused)
		e.App, e.Session, e.Outcome, e.Code = f.App, f.Session, "failed", why
		e.Detail = map[string]string{"why": "node_ended"}
		return e, nil
	})
}

// keepPending is how long tokens wait for it to be known whose they are.
const keepPending = time.Hour

// identify asks again whose account it is, for tokens that wait for that.
func (s *Service) identify(ctx context.Context) error {
	var waiting []lanyard.Flow
	var now time.Time
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if now, err = q.Now(); err != nil {
			return err
		}
		waiting, err = q.ReceivedFlows(now.Add(-time.Minute), 50)
		return err
	})
	for _, f := range waiting {
		one := s.identifyOne(ctx, f, now)
		if one != nil && !errors.Is(one, lanyard.CodeIdentityUnavailable) && !errors.Is(one, lanyard.CodeProviderTimeout) {
			err = errors.Join(err, fmt.Errorf("flow %s: %w", f.ID, one))
		}
	}
	return err
}

func (s *Service) identifyOne(ctx context.Context, f lanyard.Flow, now time.Time) error {
	d, err := s.openData(ctx, f)
	if err != nil {
		return err
	}
	p := lanyard.Principal{Project: f.Project, Name: "lanyard", Scopes: []lanyard.Scope{lanyard.ScopeConnect}}
	if now.Sub(f.CreatedAt) < keepPending {
		_, err = s.run(ctx, p, f.ID, d, lanyard.Secret{})
		return err
	}
	ready, err := s.ready(ctx, f, d)
	if err != nil {
		return err
	}
	raw, err := s.Vault.Open(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), f.Parked)
	if err != nil {
		return err
	}
	issued, err := grant.DecodeIssued(raw)
	if err != nil {
		return err
	}
	return s.reject(ctx, p, f, d, ready, issued, nil, lanyard.Errorf(lanyard.CodeIdentityUnavailable, ""))
}
