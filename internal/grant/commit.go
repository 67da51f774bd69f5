package grant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// fresh is what came back for a grant: tokens, and the attempt that brought them.
type fresh struct {
	tokens  lanyard.TokenSet
	attempt lanyard.Attempt
	offered bool // again, from the spool
}

// keep makes fresh tokens the next generation.
func (r *renewal) keep(ctx context.Context, old, tokens lanyard.TokenSet) (lanyard.Grant, error) {
	next, kept, err := r.Service.keep(ctx, r.ready.Target, r.g, old, fresh{tokens: tokens, attempt: r.a}, r.by)
	if err != nil || kept {
		return next, err
	}
	return r.dropped(ctx, r.ready, r.g, merge(r.ready.Target, old, tokens), r.by)
}

// next is the grant with fresh tokens in it, sealed.
func (s *Service) next(ctx context.Context, t *provider.Target, g lanyard.Grant, old lanyard.TokenSet, f fresh) (next lanyard.Grant, err error) {
	tokens := merge(t, old, f.tokens)
	next = renewed(g, f.attempt.Generation)
	next.Scopes = tokens.Scopes
	s.dies(t, g, &next, f.tokens, s.Store.Clock())
	err = s.insist(ctx, func() (err error) {
		if err := s.seal(ctx, &next, tokens); err != nil {
			return err
		}
		// I16: the old one stays, sealed, until the new one has worked
		if next.Previous = nil; g.Generation != f.attempt.Generation { // it is not the one before
			return nil
		}
		next.Previous, err = s.Vault.Seal(ctx, vault.ProjectKey(g.Project), place(g, "grants.previous", g.Generation), encode(old))
		return err
	})
	if err != nil {
		return next, fmt.Errorf("seal renewed tokens: %w", err)
	}
	return next, nil
}

// renewed is a grant that the refresh token of a generation has renewed, but for
// what came back. It is pure.
func renewed(g lanyard.Grant, generation int64) lanyard.Grant {
	g.Generation = generation + 1
	g.Health, g.Reason = lanyard.Healthy, ""
	g.RetryAt, g.RejectedAt, g.DeadAt, g.Lease = time.Time{}, time.Time{}, time.Time{}, lanyard.Lease{}
	return g
}

// keep stores fresh tokens by compare-and-swap on (family, generation) and on
// nothing else, so that neither an expired lease nor a change of another column can
// throw away a token that was received (I5). It insists while the database is away.
// False: the grant has moved on.
func (s *Service) keep(ctx context.Context, t *provider.Target, g lanyard.Grant, old lanyard.TokenSet, f fresh, by lanyard.Principal) (lanyard.Grant, bool, error) {
	next, err := s.next(ctx, t, g, old, f)
	if err != nil {
		return g, false, err
	}
	var kept bool
	_ = fault.At(ctx, fault.GrantCommit)
	ordinary := g.Health == lanyard.Healthy && !f.offered && !lacks(t, f)
	err = s.insist(ctx, func() error {
		if ordinary {
			ended := s.kept(t, &next, g, f.attempt, s.Store.Clock())
			ok, err := s.Store.SwiftKeep(ctx, next, g, ended, s.Node, s.entry(by, lanyard.ActTokenRefreshed, next, ended))
			if kept = ok; ok || err != nil {
				return err
			}
		}
		return s.Store.UpdateByClock(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
			now := tx.Now()
			ended := s.kept(t, &next, g, f.attempt, now)
			if lacks(t, f) { // it may have been in the part that is missing: then what we still hold is spent
				ended.Error = refreshTokenLost
				next = s.pace.unanswered(t, next, History{Attempts: []lanyard.Attempt{asUnknown(ended)}}, now)
			}
			was := g
			var breaker lanyard.BreakerState
			kept = false
			if ordinary {
				if kept, breaker, err = tx.KeepHealthy(next, g, ended, s.Node); err != nil {
					return lanyard.Entry{}, err
				}
			}
			if !kept { // its health may be another by now, and was told
				if was, err = tx.LockedGrant(g.Project, g.ID); ignoreGone(err) != nil {
					return lanyard.Entry{}, err
				}
				if kept, breaker, err = tx.KeepRenewal(next, g, ended, s.Node); err != nil {
					return lanyard.Entry{}, err
				}
			}
			if !kept { // the reply to a commit of ours may have been lost
				if kept = was.ID != "" && was.Family == next.Family && bytes.Equal(was.Tokens, next.Tokens); kept {
					next = was // with its own time: this node must not remember a later renewal than there is
					return lanyard.Entry{}, nil
				}
				if was.ID != "" && newer(was, f.attempt.Family, f.attempt.Generation) { // the database has lost commits meanwhile
					if kept, breaker, err = tx.KeepRenewal(next, was, ended, s.Node); err != nil {
						return lanyard.Entry{}, err
					}
				}
			}
			if !kept {
				ended.Outcome = lanyard.OutcomeDropped
				return s.entry(by, lanyard.ActTokenRefreshed, g, ended), s.end(tx, ended)
			}
			if err := s.mend(tx, breaker, next, now); err != nil {
				return lanyard.Entry{}, err
			}
			e := s.entry(by, lanyard.ActTokenRefreshed, next, ended)
			if f.offered {
				e.Detail["from"] = "spool"
				if err := s.goesOn(tx, was, next, now); err != nil {
					return e, err
				}
			}
			return e, s.tell(tx, was, next, "")
		})
	})
	if err != nil {
		return g, false, fmt.Errorf("keep renewed tokens: %w", err)
	}
	_ = fault.At(ctx, fault.GrantSettle)
	s.Spool.Settle(f.attempt.ID)
	if kept {
		s.Spool.Mark(next.ID, next.RefreshedAt)
	}
	return next, kept, nil
}

// kept writes into next, and into its attempt, that it is kept now.
func (s *Service) kept(t *provider.Target, next *lanyard.Grant, was lanyard.Grant, a lanyard.Attempt, now time.Time) lanyard.Attempt {
	next.UpdatedAt = now
	next.RefreshedAt = latest(now, was.RefreshedAt.Add(time.Microsecond)) // never back, whatever a clock does (T14)
	*next = s.pace.plan(t, *next, now)
	a.EndedAt = now
	return a
}

// refreshTokenLost is the error of an attempt that brought an access token out of a
// damaged answer, and no refresh token.
const refreshTokenLost = "refresh_token_lost"

// lacks says whether a refresh token may have been lost with a part of the answer.
// An answer that is whole and has none means that the old one stays (RFC 6749 §6).
func lacks(t *provider.Target, f fresh) bool {
	return f.attempt.Outcome == lanyard.OutcomePartial && f.tokens.Refresh.Empty() && t.Class.Rotates()
}

func asUnknown(a lanyard.Attempt) lanyard.Attempt {
	a.Outcome = lanyard.OutcomeUnknown
	return a
}

// attemptsOn returns every attempt that has sent the refresh token which the grant
// holds, oldest first: those on its generation, and before them those that brought a
// generation without a refresh token of its own, as what they were for it: unknown.
func attemptsOn(tx *store.Tx, g lanyard.Grant) ([]lanyard.Attempt, error) {
	all, err := tx.AttemptsOn(g.ID, g.Family, g.Generation)
	if g.Health == lanyard.Healthy { // then its refresh token came with it
		return all, err
	}
	for generation := g.Generation - 1; err == nil && generation >= 0; generation-- {
		var before []lanyard.Attempt
		if before, err = tx.AttemptsOn(g.ID, g.Family, generation); err != nil {
			break
		}
		lost := slices.IndexFunc(before, func(a lanyard.Attempt) bool {
			return a.Outcome == lanyard.OutcomePartial && a.Error == refreshTokenLost
		})
		if lost < 0 {
			break
		}
		before[lost] = asUnknown(before[lost])
		all = append(before, all...)
	}
	return all, err
}

// dropped is what happens to tokens that came back for a grant that has moved
// on: after a delete they are given back to the provider (I13); after a new
// consent they are forgotten, since giving them back could end that one (I12).
func (s *Service) dropped(ctx context.Context, ready app.Ready, g lanyard.Grant, late lanyard.TokenSet, by lanyard.Principal) (lanyard.Grant, error) {
	var now lanyard.Grant
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		now, err = q.Grant(g.Project, g.ID)
		return err
	})
	if !errors.Is(err, lanyard.NotFound) {
		return now, err
	}
	r, err := s.giveBack(ctx, ready, g, late)
	if err != nil {
		return g, err
	}
	by.Project = g.Project
	e := lanyard.NewEntry(by, lanyard.ActConnectionRevoked)
	e.App, e.Grant = g.App, g.ID
	e.Detail = map[string]string{"at_provider": r.Outcome, "why": "came_back_after_deletion"}
	if r.Outcome == provider.RevokeFailed {
		e.Outcome = "failed"
		s.Logger.Warn("a token that came back after its connection was deleted could not be revoked", "app", g.App)
	}
	if err := s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil }); err != nil {
		return g, err
	}
	return g, lanyard.Errorf(lanyard.CodeConnectionRevoked, "")
}

// fail ends an attempt that brought no tokens, and notes what that means.
func (r *renewal) fail(ctx context.Context, old lanyard.TokenSet, result provider.Result) (lanyard.Grant, error) {
	refused := result.Outcome == lanyard.OutcomeRejected && r.g.Health != lanyard.Dead && r.accessRefused(ctx, old)
	var next lanyard.Grant
	var wait time.Duration
	var died, unwitnessed bool
	err := r.insist(ctx, func() error {
		return r.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
			now := tx.Now()
			if err := r.remember(tx, r.a); err != nil {
				return lanyard.Entry{}, err
			}
			if err := r.end(tx, r.a); err != nil {
				return lanyard.Entry{}, err
			}
			is, err := tx.LockedGrant(r.g.Project, r.g.ID)
			if err = ignoreGone(err); err != nil {
				return lanyard.Entry{}, err
			}
			if is.Family == r.g.Family && is.Generation == r.g.Generation { // a notice may have come, and was told
				r.g.Health, r.g.Reason, r.g.DeadAt = is.Health, is.Reason, is.DeadAt
			}
			b, err := tx.Breaker(r.g.App)
			if err != nil {
				return lanyard.Entry{}, err
			}
			h, err := r.history(tx, b, now)
			if err != nil {
				return lanyard.Entry{}, err
			}
			h.ProbeRefused = refused
			next, wait = r.after(result, h, now)
			e := r.entry(r.by, lanyard.ActTokenRefreshFailed, r.g, r.a)
			e.Outcome, e.Code = "failed", orElse(next.Reason, orElse(result.Reason, lanyard.CodeRefreshFailed))
			ok, err := tx.PutGrantHealth(next, r.g.Family, r.g.Generation)
			if err != nil {
				return e, err
			}
			// A storm that this refusal completes suspends the verdict that it would have been.
			storm, err := r.trip(tx, b, result, now)
			if err != nil {
				return e, err
			}
			if storm && next.Health == lanyard.Dead && r.g.Health != lanyard.Dead {
				h.Suspended = true
				next, wait = r.after(result, h, now)
				e.Code = next.Reason
				if ok, err = tx.PutGrantHealth(next, r.g.Family, r.g.Generation); err != nil {
					return e, err
				}
			}
			if !ok { // moved on: a verdict on an old generation is dropped (I8)
				return e, nil
			}
			if what := r.alarming(result, next, h); what != "" {
				err = tx.AddEvent(lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: r.g.Project, Type: what,
					Data: map[string]string{"app_id": string(r.g.App), "grant_id": string(r.g.ID)}})
				if err != nil {
					return e, err
				}
			}
			died = next.Health == lanyard.Dead && r.g.Health != lanyard.Dead
			unwitnessed = next.Health == lanyard.Degraded && !storm && h.unwitnessed()
			return e, r.tell(tx, r.g, next, "")
		})
	})
	if err != nil {
		return r.g, fmt.Errorf("note failed renewal: %w", err)
	}
	if died && r.Lost != nil {
		r.Lost(next.Reason)
	}
	r.Spool.Settle(r.a.ID)
	if unwitnessed { // on its own: two that call each other must not wait for each other
		if err := r.Store.Bookkeep(ctx, func(tx *store.Tx) error { return tx.WakeWitness(r.g.App, r.g.ID) }); err != nil {
			r.Logger.Warn("no other connection could be asked to bear out a refusal", "app", r.g.App, "error", err)
		}
	}
	switch {
	case next.Health == lanyard.Dead:
		return next, lanyard.Errorf(next.Reason, "")
	case result.Outcome == lanyard.OutcomeAppError:
		return next, later(lanyard.CodeAppMisconfigured, wait)
	case next.Reason == lanyard.CodeRefreshUnconfirmed:
		return next, later(next.Reason, wait)
	}
	return next, later(lanyard.CodeRefreshFailed, wait)
}

// alarming is what somebody should look at: another account's tokens, and a refusal
// of the newest refresh token that nothing of ours explains. Then somebody else may
// be using it; a person who withdrew access looks the same (T19).
func (r *renewal) alarming(result provider.Result, next lanyard.Grant, h History) lanyard.EventType {
	unknown, _, _ := h.unknown(next.UpdatedAt)
	switch {
	case result.Error == subjectChanged:
		return lanyard.EventSubjectChanged
	case next.Health == lanyard.Dead && r.g.Health != lanyard.Dead && next.Reason == lanyard.CodeNeedsReauth && r.ready.Target.Class.Rotates() && unknown == 0:
		return lanyard.EventGrantConflict
	}
	return ""
}

// after is the grant as a failed renewal leaves it, and how long nobody tries it.
func (r *renewal) after(result provider.Result, h History, now time.Time) (lanyard.Grant, time.Duration) {
	t, next := r.ready.Target, r.g
	next.UpdatedAt, next.Lease = now, lanyard.Lease{}
	if r.g.Health == lanyard.Dead { // a quiet try: the verdict stands, with its cause
		return r.pace.plan(t, next, now), 0
	}
	n := r.pace.after(t, result, h, r.g.AccessExpires, now)
	next.RetryAt = n.RetryAt
	if n.Health != "" {
		next.Health, next.Reason = n.Health, n.Reason
	}
	if n.Health == lanyard.Dead {
		next.DeadAt, next.RetryAt = now, time.Time{}
	}
	if result.Outcome == lanyard.OutcomeRejected && next.RejectedAt.IsZero() {
		next.RejectedAt = now
	}
	if n.Health == "" { // as it was, but not before then
		next.RefreshAt, next.EagerAt = latest(next.RefreshAt, n.RetryAt), time.Time{}
		return next, n.RetryAt.Sub(now)
	}
	return r.pace.plan(t, next, now), n.RetryAt.Sub(now)
}

// proves is how long an access token must have to live if its refusal is to prove
// anything: a minute, and what a clock may be wrong by, then or now. One that has
// ended by the provider's clock would bear out whatever else is wrong.
const proves = 11 * time.Minute

// accessRefused asks the provider about the access token, where that can bear out
// a rejection: one that is near its end proves nothing.
func (r *renewal) accessRefused(ctx context.Context, old lanyard.TokenSet) bool {
	if old.Access.Empty() || r.g.AccessExpires.IsZero() || r.g.AccessExpires.Sub(r.Store.Clock()) < proves {
		return false
	}
	call, stop := context.WithTimeout(ctx, r.ready.Target.Deadline)
	defer stop()
	old.IDToken = lanyard.Secret{} // it would prove who it was, not that the token works
	_, err := r.ready.Target.Identify(call, provider.Issued{Kind: r.g.Kind, Tokens: old}, "")
	return errors.Is(err, provider.ErrTokenRefused)
}

// history is what a verdict rests on.
func (r *renewal) history(tx *store.Tx, b lanyard.Breaker, now time.Time) (h History, err error) {
	if h.Attempts, err = attemptsOn(tx, r.g); err != nil {
		return h, err
	}
	h.Suspended = stopped(b)
	n, first, _ := h.count(lanyard.OutcomeRejected)
	if n == 0 {
		return h, nil
	}
	if h.OtherSuccess, err = tx.SuccessBetween(r.g.App, r.g.ID, first, r.a.StartedAt); err != nil {
		return h, err
	}
	others, err := tx.Others(r.g.App, r.g.ID)
	if err != nil {
		return h, err
	}
	own, err := tx.App(r.g.Project, r.g.App)
	if err != nil {
		return h, err
	}
	h.Alone, h.Edited = !others, own.UpdatedAt.After(r.g.RefreshedAt)
	h.Restored, err = r.restored(tx, r.g)
	return h, err
}

// restored says whether the database was put back to an older state after the
// grant was last renewed, or as far as it knows.
func (s *Service) restored(q *store.Tx, g lanyard.Grant) (bool, error) {
	v, err := q.Meta(metaRestored)
	if errors.Is(err, lanyard.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	at, err := strconv.ParseInt(v, 10, 64)
	return err == nil && time.UnixMicro(at).After(g.RefreshedAt), err
}

// metaRestored is when the database was put back from a backup, in microseconds.
const metaRestored = "restored_at"

// end closes an attempt and gives the lease back. One that was closed before has
// none: the lease that its node may have is that of a call which runs.
func (s *Service) end(tx *store.Tx, a lanyard.Attempt) error {
	a.EndedAt = tx.Now()
	if ok, err := tx.EndAttempt(a); err != nil || !ok {
		return err
	}
	return tx.ReleaseGrant(a.Grant, s.Node)
}

// insist repeats f while the database or the key cannot be reached: what it wants
// to store has been received and must not be lost (I5).
func (s *Service) insist(ctx context.Context, f func() error) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Minute)
	defer stop()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := f()
		if err == nil || !errors.Is(err, lanyard.Unavailable) {
			return err
		}
		s.outage.failed(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
