package flow

import (
	"context"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// await redeems a flow and waits for it: once in this process, on a context that
// no caller can cancel. An empty code means that it was traded before.
func (s *Service) await(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, code lanyard.Secret) (Completed, error) {
	detached := context.WithoutCancel(ctx) // taken here: the function runs on while ctx is given its time-out below
	ch := s.redeems.DoChan(string(f.ID), func() (any, error) {
		return s.redeem(detached, p, f, d, code)
	})
	ctx, stop := context.WithTimeout(ctx, redeemPatience)
	defer stop()
	select {
	case r := <-ch:
		if r.Err != nil {
			return Completed{}, r.Err
		}
		return s.show(ctx, p, r.Val.([]lanyard.ConnectionID))
	case <-ctx.Done():
		return Completed{}, lanyard.Errorf(lanyard.CodeProviderTimeout, "the provider has not answered yet; ask again with the same completion")
	}
}

func (s *Service) show(ctx context.Context, p lanyard.Principal, ids []lanyard.ConnectionID) (Completed, error) {
	p.Scopes = append(p.Scopes[:len(p.Scopes):len(p.Scopes)], lanyard.ScopeRead) // they may see what they have just made
	v, err := s.Connections.Get(ctx, p, ids[0])
	return Completed{View: v, Also: ids[1:]}, err
}

func (s *Service) redeem(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, code lanyard.Secret) ([]lanyard.ConnectionID, error) {
	ready, err := s.ready(ctx, f, d)
	if err != nil {
		return nil, err
	}
	var issued []provider.Issued
	if !code.Empty() {
		issued, err = s.Grants.Exchange(ctx, grant.Trade{Ready: ready, Flow: f.ID, Code: code, RedirectURI: d.RedirectURI, Verifier: lanyard.NewSecret(d.Verifier)},
			func(got []provider.Issued) (func(*store.Tx) error, error) {
				next, err := s.received(ctx, f, got)
				return func(tx *store.Tx) error { return s.move(tx, next, lanyard.FlowRedeeming) }, err
			})
		if err != nil {
			return nil, s.failed(ctx, p, f, lanyard.FlowRedeeming, err)
		}
	} else {
		raw, err := s.Vault.Open(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), f.Parked)
		if err != nil {
			return nil, err
		}
		if issued, err = grant.DecodeIssued(raw); err != nil {
			return nil, err
		}
	}
	f.State = lanyard.FlowReceived
	return s.bind(ctx, p, f, d, ready, issued)
}

// received is the flow with what was issued in it, sealed: durable before
// anybody asks whose account it is (I21, T10).
func (s *Service) received(ctx context.Context, f lanyard.Flow, issued []provider.Issued) (lanyard.Flow, error) {
	var err error
	f.State = lanyard.FlowReceived
	f.Parked, err = s.Vault.Seal(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), grant.EncodeIssued(issued))
	return f, err
}

// bind finds out whose account it is and stores grants and connections, all in
// one transaction. What cannot be bound is adopted or given back, never left
// lying about (T10).
func (s *Service) bind(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued) ([]lanyard.ConnectionID, error) {
	who := make([]provider.Identity, len(issued))
	for i := range issued {
		call, stop := context.WithTimeout(ctx, ready.Target.Deadline)
		id, err := ready.Target.Identify(call, issued[i], d.Nonce)
		stop()
		if err != nil {
			code := lanyard.CodeOf(err)
			// A page of maintenance is no account either; where giving back would end the good grant of
			// an account that is known here, it is worth asking again.
			unseen := code == lanyard.CodeProviderAnswerInvalid && ready.Target.RevokesMore()
			if unseen || lanyard.RowOf(code).Kind == lanyard.Unavailable || code == lanyard.CodeInternal {
				s.Logger.Warn("identity not available; the tokens are kept and it is tried again", "app", f.App, "code", code)
				return nil, &lanyard.Error{Code: lanyard.CodeIdentityUnavailable, Err: err}
			}
			return nil, s.reject(ctx, p, f, d, ready, issued, nil, err)
		}
		who[i] = id
	}
	for _, id := range who {
		if !id.Active {
			return nil, s.reject(ctx, p, f, d, ready, issued, who, lanyard.Errorf(lanyard.CodeAccountNotActive, ""))
		}
	}
	if d.Connection != "" {
		return s.rebind(ctx, p, f, d, ready, issued, who)
	}
	return s.store(ctx, p, f, d, ready, issued, who, "")
}

// rebind binds a new consent to the connection that was to be reconnected, and
// to no other account's (T09).
func (s *Service) rebind(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity) ([]lanyard.ConnectionID, error) {
	var g lanyard.Grant
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		_, g, err = q.Connection(f.Project, d.Connection)
		return err
	})
	if err != nil && !errors.Is(err, lanyard.NotFound) {
		return nil, err
	}
	for i := range issued {
		if issued[i].Kind == g.Kind && who[i].Issuer == g.Issuer && string(s.Grants.SubjectHash(ready.App, who[i])) == string(g.SubjectHash) {
			return s.store(ctx, p, f, d, ready, issued, who, d.Connection)
		}
	}
	return nil, s.reject(ctx, p, f, d, ready, issued, who, lanyard.Errorf(lanyard.CodeAccountMismatch, ""))
}

// store commits grants and connections. again names the connection that is
// reconnected. It begins anew when a grant moved meanwhile.
func (s *Service) store(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity, again lanyard.ConnectionID) ([]lanyard.ConnectionID, error) {
	for range 10 {
		ids, ok, err := s.storeOnce(ctx, p, f, d, ready, issued, who, again)
		if err != nil || ok {
			return ids, err
		}
	}
	return nil, lanyard.Errorf(lanyard.CodeStoreUnavailable, "the grant kept moving; ask again with the same completion")
}

func (s *Service) storeOnce(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity, again lanyard.ConnectionID) (ids []lanyard.ConnectionID, ok bool, err error) {
	consents := make([]grant.Consent, len(issued))
	conns := make([]lanyard.Connection, len(issued))
	for i := range issued {
		asked := ready.Target.ScopesFor(issued[i].Kind, d.requested())
		if consents[i], err = s.Grants.Prepare(ctx, ready.App, issued[i], who[i], asked); err != nil {
			return nil, false, err
		}
		if conns[i], err = s.holdOf(ctx, f, d, ready, consents[i], issued[i].Kind); err != nil {
			return nil, false, err
		}
		conns[i].Account, err = s.Connections.SealAccount(ctx, conns[i], lanyard.AccountData{ID: who[i].Subject, Email: who[i].Email,
			DisplayName: who[i].DisplayName, OrganizationID: who[i].OrganizationID})
		if err != nil {
			return nil, false, err
		}
	}
	moved := errors.New("moved")
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		ids = ids[:0]
		var first lanyard.Entry
		for i, c := range conns {
			if ok, err := consents[i].Commit(tx); err != nil || !ok {
				if err == nil {
					err = moved
				}
				return lanyard.Entry{}, err
			}
			e, err := s.put(tx, p, f, d, c, consents[i].Grant)
			if err != nil {
				return lanyard.Entry{}, err
			}
			if i == 0 {
				first = e
			} else {
				tx.AddEntry(e)
			}
			ids = append(ids, c.ID)
		}
		done := f
		done.State, done.Parked, done.CompletionHash = lanyard.FlowDone, nil, nil
		if err := s.move(tx, done, lanyard.FlowReceived); err != nil {
			return lanyard.Entry{}, err
		}
		if f.Session != "" {
			in, err := tx.Session(f.Project, f.Session)
			if err != nil {
				return lanyard.Entry{}, err
			}
			in.State, in.Connection, in.LastError = lanyard.SessionConnected, ids[0], ""
			return first, tx.PutSession(in)
		}
		return first, nil
	})
	if _, exists := errors.AsType[*store.ExistsError](err); exists || errors.Is(err, moved) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("store connection: %w", err)
	}
	return ids, true, nil
}

// holdOf is the connection that this person has on a grant, or a new one.
func (s *Service) holdOf(ctx context.Context, f lanyard.Flow, d data, ready app.Ready, c grant.Consent, kind string) (lanyard.Connection, error) {
	needed := ready.Target.ScopesFor(kind, d.Needed)
	if c.Known {
		var held []lanyard.Connection
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			held, err = q.ConnectionsOf(c.Grant.ID)
			return err
		})
		if err != nil {
			return lanyard.Connection{}, err
		}
		for _, h := range held {
			if h.Person == f.Person && h.Label == d.Label && h.State != lanyard.Revoked {
				h.Needed = needed
				return h, nil
			}
		}
	}
	return lanyard.Connection{ID: lanyard.NewID[lanyard.ConnectionID]("con_"), Project: f.Project, App: f.App, Provider: ready.App.Provider,
		Grant: c.Grant.ID, Person: f.Person, Label: d.Label, State: lanyard.Live, Origin: d.Origin, Needed: needed, Metadata: d.Metadata}, nil
}

func (s *Service) put(tx *store.Tx, p lanyard.Principal, f lanyard.Flow, d data, c lanyard.Connection, g lanyard.Grant) (lanyard.Entry, error) {
	what, event, put := lanyard.ActConnectionCreated, lanyard.EventConnectionCreated, tx.AddConnection
	if !c.CreatedAt.IsZero() {
		what, event, put = lanyard.ActConnectionRenewed, lanyard.EventConnectionUpdated, tx.PutConnection
	} else {
		c.CreatedAt = tx.Now()
	}
	c.UpdatedAt = tx.Now()
	e := connection.About(lanyard.NewEntry(p, what), c)
	e.Session = f.Session
	e.Detail["origin"] = d.Origin
	if d.Origin == "own_callback" {
		e.Detail["browser"] = "browser_not_seen"
	}
	status := connection.StatusOf(c, g)
	if status != lanyard.StatusActive {
		e.Detail["status"] = string(status)
	}
	if more := lanyard.MissingScopes(g.Scopes, g.Requested); len(more) > 0 { // granted more than was asked for (T07)
		e.Detail["granted_beyond_request"] = fmt.Sprint(len(more))
	}
	if err := put(c); err != nil {
		return e, err
	}
	return e, tx.AddEvent(connection.Happened(c, event, map[string]string{"status": string(status), "session": string(f.Session)}))
}
