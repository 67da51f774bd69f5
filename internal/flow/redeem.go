package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// await redeems a flow for a backend and waits for it. What was answered is not
// answered again: a completion and a state work once.
func (s *Service) await(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, code lanyard.Secret) (Completed, error) {
	ids, err := s.run(ctx, p, f.ID, d, code)
	if err != nil {
		return Completed{}, err
	}
	v, err := s.show(ctx, p, ids)
	if err != nil {
		return v, err
	}
	return v, s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		done, err := tx.Flow(f.ID)
		if err != nil {
			return err
		}
		done.StateHash, done.CompletionHash, done.Parked = nil, nil, nil
		_, err = tx.MoveFlow(done, lanyard.FlowDone)
		return err
	})
}

// run redeems a flow, once in this process, on a context that no caller can
// cancel, and waits for it. code is empty where it was traded before.
func (s *Service) run(ctx context.Context, p lanyard.Principal, id lanyard.FlowID, d data, code lanyard.Secret) ([]lanyard.ConnectionID, error) {
	detached := context.WithoutCancel(ctx) // taken here: the function runs on while ctx is given its time-out below
	ch := s.redeems.DoChan(string(id), func() (_ any, err error) {
		defer s.calm(&err)
		return s.redeem(detached, p, id, d, code)
	})
	wait, stop := context.WithTimeout(ctx, redeemPatience)
	defer stop()
	select {
	case r := <-ch:
		ids, _ := r.Val.([]lanyard.ConnectionID)
		return ids, r.Err
	case <-wait.Done():
		return nil, late()
	}
}

func late() error {
	return &lanyard.Error{Code: lanyard.CodeProviderTimeout, Message: "the provider has not answered yet; ask again with the same completion, state or code", RetryAfter: 5 * time.Second}
}

// calm makes an error of a panic, which on a goroutine of its own would end the
// process. Its value may be anything, a secret too.
func (s *Service) calm(err *error) {
	if v := recover(); v != nil {
		s.Logger.Error("panic in a journey", "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		*err = fmt.Errorf("flow: panic: %T", v)
	}
}

func (s *Service) show(ctx context.Context, p lanyard.Principal, ids []lanyard.ConnectionID) (Completed, error) {
	p = p.Also(lanyard.ScopeRead) // they may see what they have just made
	v, err := s.Connections.Get(ctx, p, ids[0])
	return Completed{View: v, Also: ids[1:]}, err
}

// redeemFor is longer than a code can be on its way: the calls, and the time for
// which its answer is stored again and again while the database is away. A flow
// that is still redeeming then has lost its node.
const redeemFor = 15 * time.Minute

// sentAt is when the code of a flow was sent, from then until there are connections.
func sentAt(f lanyard.Flow) time.Time { return f.ExpiresAt.Add(-redeemFor) }

// errTaken means that somebody else has taken the step.
var errTaken = errors.New("the step was taken")

// redeem does what the flow's state says is next, until there are connections.
func (s *Service) redeem(ctx context.Context, p lanyard.Principal, id lanyard.FlowID, d data, code lanyard.Secret) ([]lanyard.ConnectionID, error) {
	until := time.Now().Add(redeemPatience)
	for {
		var f lanyard.Flow
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			f, err = q.Flow(id)
			return err
		})
		if err != nil {
			return nil, err
		}
		switch f.State {
		case lanyard.FlowReceived, lanyard.FlowDone:
			if len(f.Parked) == 0 { // answered, to somebody who asked at the same moment
				return nil, lanyard.Errorf(lanyard.CodeCompletionInvalid, "")
			}
			raw, err := s.Vault.Open(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), f.Parked)
			if err != nil {
				return nil, err
			}
			if f.State == lanyard.FlowDone {
				var ids []lanyard.ConnectionID
				return ids, json.Unmarshal(raw.Reveal(), &ids)
			}
			ready, err := s.ready(ctx, f, d)
			if err != nil {
				return nil, err
			}
			issued, err := grant.DecodeIssued(raw)
			if err != nil {
				return nil, err
			}
			return s.bind(ctx, p, f, d, ready, issued)
		case lanyard.FlowRedeeming: // another node has it
			if time.Now().After(until) {
				return nil, late()
			}
			time.Sleep(300 * time.Millisecond)
		case lanyard.FlowFailed:
			return nil, lanyard.Errorf(f.Error, "")
		default:
			ids, err := s.trade(ctx, p, f, d, code)
			if !errors.Is(err, errTaken) {
				return ids, err
			}
		}
	}
}

// trade spends the flow and trades its code. Nothing is spent before everything
// is there that the trade needs, and not without the attempt on record.
func (s *Service) trade(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, code lanyard.Secret) ([]lanyard.ConnectionID, error) {
	ready, err := s.ready(ctx, f, d)
	if err != nil {
		return nil, err
	}
	from := f.State
	f.State, f.Parked = lanyard.FlowRedeeming, nil
	if f.Session != "" { // an own callback may ask again with the same state until it has its answer
		f.StateHash = nil
	}
	issued, err := s.Grants.Exchange(ctx, grant.Trade{Ready: ready, Flow: f.ID, Code: code, RedirectURI: d.RedirectURI, Verifier: lanyard.NewSecret(d.Verifier),
		Spend: func(tx *store.Tx) error {
			f.ExpiresAt = tx.Now().Add(redeemFor)
			if ok, err := tx.MoveFlow(f, from); err != nil || ok {
				return err
			}
			return errTaken
		}}, func(got []provider.Issued) (func(*store.Tx) error, error) {
		next, err := s.received(ctx, f, got)
		return func(tx *store.Tx) error { return s.keep(tx, next, lanyard.FlowRedeeming) }, err
	})
	if errors.Is(err, errTaken) {
		return nil, err
	}
	if err != nil {
		return nil, s.failed(ctx, p, f, lanyard.FlowRedeeming, err)
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

// keep stores what was received. It may be called again, since the reply to its
// commit may have been lost.
func (s *Service) keep(tx *store.Tx, next lanyard.Flow, from lanyard.FlowState) error {
	ok, err := tx.MoveFlow(next, from)
	if err != nil || ok {
		return err
	}
	is, err := tx.Flow(next.ID)
	if err == nil && is.State != lanyard.FlowReceived {
		err = lanyard.Errorf(lanyard.CodeAttemptUnknown, "")
	}
	return err
}

// fill renews a credential that came without an access token, saved out of a
// damaged answer: without one nobody can say whose it is.
func (s *Service) fill(ctx context.Context, f lanyard.Flow, ready app.Ready, issued []provider.Issued, i int) ([]provider.Issued, error) {
	filled := slices.Clone(issued)
	_, err := s.Grants.Exchange(ctx, grant.Trade{Ready: ready, Flow: f.ID, Refresh: issued[i].Tokens.Refresh}, func(got []provider.Issued) (func(*store.Tx) error, error) {
		filled[i].Tokens = got[0].Tokens
		if filled[i].Tokens.Refresh.Empty() {
			filled[i].Tokens.Refresh = issued[i].Tokens.Refresh
		}
		next, err := s.received(ctx, f, filled)
		return func(tx *store.Tx) error { return s.keep(tx, next, lanyard.FlowReceived) }, err
	})
	return filled, err
}
