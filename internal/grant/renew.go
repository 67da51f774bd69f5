package grant

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Renew renews a grant that the caller saw at this family and generation, and
// returns it as it then is. Any number of callers cause one call; ctx bounds
// only how long this one waits, and giving up changes nothing (I3).
//
// Errors: refresh_failed and refresh_unconfirmed with RetryAfter, the cause
// where the person has to act, no_refresh_token, app_not_ready, and
// provider_timeout when ctx ends first.
func (s *Service) Renew(ctx context.Context, seen lanyard.Grant, by lanyard.Principal) (lanyard.Grant, error) {
	key := fmt.Sprintf("%s %s %d", seen.ID, seen.Family, seen.Generation)
	detached := context.WithoutCancel(ctx)
	ch := s.flights.DoChan(key, func() (_ any, err error) {
		defer s.calm(&err)
		leave, err := s.enter()
		if err != nil {
			return seen, err
		}
		defer leave()
		return s.renew(detached, seen, by)
	})
	select {
	case r := <-ch:
		g, _ := r.Val.(lanyard.Grant)
		return g, r.Err
	case <-ctx.Done():
		return lanyard.Grant{}, &lanyard.Error{Code: lanyard.CodeProviderTimeout, RetryAfter: 5 * time.Second, Err: ctx.Err()}
	}
}

// calm makes an error of a panic: on a goroutine of its own it would end the
// process, and with it every call that is under way. Its value may be anything,
// a secret too, so only runtime errors are logged in words.
func (s *Service) calm(err *error) {
	v := recover()
	if v == nil {
		return
	}
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	s.Logger.Error("panic in a call to a provider", "panic", what, "stack", string(debug.Stack()))
	*err = fmt.Errorf("grant: panic: %s", what)
}

// parse reads an answer. Where that is beyond us, because of a bug, it is no
// verdict about anybody (I10).
func (s *Service) parse(t *provider.Target, kind lanyard.AttemptKind, a provider.Answer) provider.Result {
	r := provider.Result{Outcome: lanyard.OutcomeUnknown, Error: "not_readable", Reason: lanyard.CodeProviderUnavailable}
	var bug error
	func() {
		defer s.calm(&bug)
		r = t.Parse(kind, a)
	}()
	return r
}

// fence is when calls on an attempt must have ended, by this process's own
// clock: taken before the claim, so that a process that slept for longer than its
// lease does not send what another node has sent meanwhile (I2).
func fence(t *provider.Target) time.Time { return time.Now().Add(t.Deadline) }

func (s *Service) renew(ctx context.Context, seen lanyard.Grant, by lanyard.Principal) (lanyard.Grant, error) {
	g, ready, a, until, err := s.claim(ctx, seen)
	if err != nil || a.ID == "" {
		return g, err
	}
	old, err := s.Tokens(ctx, g)
	if err != nil {
		return g, errors.Join(err, s.abandon(ctx, a, "sealed_tokens"))
	}
	var result provider.Result
	for i, cred := range ready.Credentials {
		if i > 0 {
			until = fence(ready.Target)
			if a, err = s.again(ctx, a, result); err != nil {
				return g, err
			}
		}
		call, stop := context.WithDeadline(ctx, until)
		answer := ready.Target.Refresh(call, cred, old.Refresh)
		stop()
		result = s.parse(ready.Target, lanyard.AttemptRefresh, answer)
		a.Status, a.RequestID = answer.Status, answer.RequestID
		if result.Outcome != lanyard.OutcomeAppError {
			break
		}
	}
	a.Outcome, a.Error = result.Outcome, result.Error
	if fresh, ok := pick(result, g.Kind); ok {
		return s.keep(ctx, ready, g, old, fresh, a, by)
	}
	return s.fail(ctx, ready, g, result, a, by)
}

// claim takes the lease and writes the intent (I1). An attempt without ID means
// that there is nothing to do: the grant has moved on since it was seen.
func (s *Service) claim(ctx context.Context, seen lanyard.Grant) (g lanyard.Grant, ready app.Ready, a lanyard.Attempt, until time.Time, err error) {
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		if g, err = q.Grant(seen.Project, seen.ID); err != nil || moved(g, seen) {
			return err
		}
		if err := refusal(g, now); err != nil { // as for most of the time that a provider is down
			return err
		}
		own, err := q.App(seen.Project, seen.App)
		if err == nil {
			ready, err = s.Apps.Open(ctx, own)
		}
		return err
	})
	if err != nil || moved(g, seen) {
		return g, ready, a, until, err
	}
	// The holder of the lease ends by its deadline; if it has died, the lease runs out.
	patience := time.Now().Add(2 * lease(ready.Target))
	for {
		var busy bool
		until = fence(ready.Target)
		err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			if busy = false; s.stop.Err() != nil {
				return stopping()
			}
			now, t := tx.Now(), ready.Target
			// The lease first: it locks the row, so that what is read of the grant and of
			// its attempts belongs together and stays as it is. Whatever comes to an error
			// undoes it.
			ok, err := tx.ClaimGrant(seen.ID, s.Node, now.Add(lease(t)))
			if err != nil {
				return err
			}
			if g, err = tx.Grant(seen.Project, seen.ID); err != nil {
				return err
			}
			switch {
			case moved(g, seen):
				if ok {
					return tx.ReleaseGrant(g.ID, s.Node)
				}
				return nil
			case !ok:
				busy = true
				return nil
			}
			if err := refusal(g, now); err != nil {
				return err
			}
			h, err := s.history(tx, g)
			if err != nil {
				return err
			}
			if at := MayTryAt(t.Class, t.Grace, h, g.AccessExpires, now); at.After(now) {
				return later(lanyard.CodeRefreshFailed, at.Sub(now))
			}
			a = lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: g.Project, App: g.App, Grant: g.ID,
				Kind: lanyard.AttemptRefresh, Family: g.Family, Generation: g.Generation, Node: s.Node,
				StartedAt: now, Deadline: now.Add(t.Deadline), Class: string(t.Class)}
			return tx.AddAttempt(a)
		})
		if err == nil && busy && time.Now().After(patience) {
			err = later(lanyard.CodeRefreshFailed, time.Minute)
		}
		if err != nil || !busy {
			return g, ready, a, until, err
		}
		select { // another node renews it: look again until it has
		case <-time.After(200 * time.Millisecond):
		case <-s.stop.Done():
		}
	}
}

// moved says whether a grant has other tokens than when it was seen.
func moved(g, seen lanyard.Grant) bool {
	return g.Family != seen.Family || g.Generation != seen.Generation
}

// refusal is why a grant must not be renewed now, whoever asks.
func refusal(g lanyard.Grant, now time.Time) error {
	switch {
	case g.Health == lanyard.Dead:
		return lanyard.Errorf(g.Reason, "")
	case !g.HasRefresh:
		return lanyard.Errorf(lanyard.CodeNoRefreshToken, "")
	case g.RetryAt.After(now):
		code := lanyard.CodeRefreshFailed
		if g.Reason == lanyard.CodeRefreshUnconfirmed || g.Reason == lanyard.CodeAppMisconfigured {
			code = g.Reason
		}
		return later(code, g.RetryAt.Sub(now))
	}
	return nil
}

func later(code lanyard.Code, d time.Duration) error {
	return &lanyard.Error{Code: code, RetryAfter: max(d, time.Second)}
}

func (s *Service) history(q *store.Tx, g lanyard.Grant) (h History, err error) {
	if h.Attempts, err = q.AttemptsOn(g.ID, g.Family, g.Generation); err != nil {
		return h, err
	}
	if n, first, _ := h.count(lanyard.OutcomeRejected); n > 0 {
		h.OtherSuccess, err = q.SuccessSince(g.App, g.ID, first)
	}
	return h, err
}

// again ends an attempt that the provider refused for the app's secret, and
// begins the next with the other secret: such an answer spends neither refresh
// token nor code.
func (s *Service) again(ctx context.Context, a lanyard.Attempt, r provider.Result) (lanyard.Attempt, error) {
	next := a
	next.ID, next.Status, next.RequestID = lanyard.NewID[lanyard.AttemptID]("att_"), 0, ""
	life := a.Deadline.Sub(a.StartedAt)
	err := s.insist(ctx, func() error {
		return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			a.EndedAt, a.Outcome, a.Error = tx.Now(), r.Outcome, r.Error
			if _, err := tx.EndAttempt(a); err != nil {
				return err
			}
			next.StartedAt, next.Deadline = tx.Now(), tx.Now().Add(life)
			return tx.AddAttempt(next)
		})
	})
	return next, err
}

// abandon ends an attempt that never reached the provider.
func (s *Service) abandon(ctx context.Context, a lanyard.Attempt, why string) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		a.Outcome, a.Error = lanyard.OutcomeNotSent, why
		return s.end(tx, a)
	})
}

// pick finds the credential of this kind among those of one answer.
func pick(r provider.Result, kind string) (lanyard.TokenSet, bool) {
	if r.Outcome != lanyard.OutcomeOK && r.Outcome != lanyard.OutcomePartial {
		return lanyard.TokenSet{}, false
	}
	for _, i := range r.Tokens {
		if i.Kind == kind || len(r.Tokens) == 1 {
			return i.Tokens, true
		}
	}
	return lanyard.TokenSet{}, false
}
