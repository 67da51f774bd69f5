package grant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// keep makes fresh tokens the next generation: compare-and-swap on (family,
// generation) and on nothing else, so that neither an expired lease nor a change
// of another column can throw away a token that was received (I5).
func (s *Service) keep(ctx context.Context, ready app.Ready, g lanyard.Grant, old, fresh lanyard.TokenSet, a lanyard.Attempt, by lanyard.Principal) (lanyard.Grant, error) {
	fresh = merge(old, fresh)
	next := g
	next.Generation++
	next.Scopes, next.Health, next.Reason = fresh.Scopes, lanyard.Healthy, ""
	next.RetryAt, next.RejectedAt, next.Lease = time.Time{}, time.Time{}, lanyard.Lease{}
	err := s.insist(ctx, func() (err error) {
		if err := s.seal(ctx, &next, fresh); err != nil {
			return err
		}
		// I16: the old one stays, sealed, until the new one has worked
		next.Previous, err = s.Vault.Seal(ctx, vault.ProjectKey(g.Project), place(g, "grants.previous", g.Generation), encode(old))
		return err
	})
	if err != nil {
		return g, fmt.Errorf("seal renewed tokens: %w", err)
	}
	var kept bool
	err = s.insist(ctx, func() error {
		return s.Store.Update(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
			now := tx.Now()
			next.RefreshedAt, next.UpdatedAt = now, now
			if kept, err = tx.CommitTokens(next, g.Family, g.Generation); err != nil {
				return lanyard.Entry{}, err
			}
			if !kept { // the reply to a commit of ours may have been lost
				is, err := tx.Grant(g.Project, g.ID)
				if err != nil && !errors.Is(err, lanyard.NotFound) {
					return lanyard.Entry{}, err
				}
				if kept = err == nil && is.Family == next.Family && bytes.Equal(is.Tokens, next.Tokens); kept {
					return lanyard.Entry{}, nil
				}
			}
			ended := a
			if !kept {
				ended.Outcome = lanyard.OutcomeDropped
			}
			if err := s.end(tx, ended); err != nil {
				return lanyard.Entry{}, err
			}
			if !kept {
				return s.entry(by, lanyard.ActTokenRefreshed, g, ended), nil
			}
			return s.entry(by, lanyard.ActTokenRefreshed, next, ended), s.tell(tx, g, next, "")
		})
	})
	if err != nil {
		return g, fmt.Errorf("keep renewed tokens: %w", err)
	}
	if !kept {
		return s.dropped(ctx, ready, g, fresh, by)
	}
	return next, nil
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
func (s *Service) fail(ctx context.Context, ready app.Ready, g lanyard.Grant, r provider.Result, a lanyard.Attempt, by lanyard.Principal) (lanyard.Grant, error) {
	var next lanyard.Grant
	err := s.insist(ctx, func() error {
		return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
			now := tx.Now()
			if err := s.end(tx, a); err != nil {
				return lanyard.Entry{}, err
			}
			h, err := s.history(tx, g)
			if err != nil {
				return lanyard.Entry{}, err
			}
			t := ready.Target
			n := After(t.Class, t.Grace, r, h, g.AccessExpires, now)
			next = g
			next.Health, next.Reason, next.RetryAt = n.Health, n.Reason, n.RetryAt
			if r.Outcome == lanyard.OutcomeRejected && next.RejectedAt.IsZero() {
				next.RejectedAt = now
			}
			next.UpdatedAt, next.Lease = now, lanyard.Lease{}
			e := s.entry(by, lanyard.ActTokenRefreshFailed, g, a)
			e.Outcome, e.Code = "failed", n.Reason
			ok, err := tx.PutGrantHealth(next, g.Family, g.Generation)
			if err != nil || !ok { // moved on: a verdict on an old generation is dropped (I8)
				return e, err
			}
			return e, s.tell(tx, g, next, "")
		})
	})
	if err != nil {
		return g, fmt.Errorf("note failed renewal: %w", err)
	}
	if next.Health == lanyard.Dead {
		return next, lanyard.Errorf(next.Reason, "")
	}
	code := lanyard.CodeRefreshFailed
	if next.Reason == lanyard.CodeRefreshUnconfirmed || next.Reason == lanyard.CodeAppMisconfigured {
		code = next.Reason
	}
	return next, later(code, next.RetryAt.Sub(next.UpdatedAt))
}

// end closes an attempt and gives the lease back.
func (s *Service) end(tx *store.Tx, a lanyard.Attempt) error {
	a.EndedAt = tx.Now()
	if _, err := tx.EndAttempt(a); err != nil {
		return err
	}
	return tx.ReleaseGrant(a.Grant, s.Node)
}

// insist repeats f while the database or the key cannot be reached: what it wants
// to store has been received and must not be lost (I5).
func (s *Service) insist(ctx context.Context, f func() error) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Minute)
	defer stop()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f()
		if err == nil || !errors.Is(err, lanyard.Unavailable) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// tell writes an event for every connection whose status or scopes this changes,
// but for the one that the caller speaks of itself. More scopes than were asked
// for are an alert (T07).
func (s *Service) tell(tx *store.Tx, was, is lanyard.Grant, except lanyard.ConnectionID) error {
	lost, gained := lanyard.MissingScopes(was.Scopes, is.Scopes), lanyard.MissingScopes(is.Scopes, was.Scopes)
	if was.Health == is.Health && len(lost)+len(gained) == 0 {
		return nil
	}
	beyond := len(lanyard.MissingScopes(gained, is.Requested))
	held, err := tx.ConnectionsOf(is.ID)
	if err != nil {
		return err
	}
	for _, c := range held {
		if c.State == lanyard.Revoked || c.ID == except {
			continue
		}
		old := lanyard.StatusOf(c.State, was.Health, lanyard.MissingScopes(c.Needed, was.Scopes))
		now := lanyard.StatusOf(c.State, is.Health, lanyard.MissingScopes(c.Needed, is.Scopes))
		var events []lanyard.Event
		add := func(t lanyard.EventType, data map[string]string) {
			data["provider"] = c.Provider
			events = append(events, lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: c.Project, Type: t, Connection: c.ID, Data: data})
		}
		if len(lost)+len(gained) > 0 {
			add(lanyard.EventScopesChanged, map[string]string{"gained": strings.Join(gained, " "), "lost": strings.Join(lost, " ")})
		}
		if beyond > 0 {
			add(lanyard.EventSecurity, map[string]string{"what": "granted_beyond_request", "count": strconv.Itoa(beyond)})
		}
		switch {
		case old == now:
		case now == lanyard.StatusNeedsReauth:
			add(lanyard.EventNeedsReauth, map[string]string{"status": string(now), "was": string(old), "reason": string(is.Reason)})
		default:
			add(lanyard.EventConnectionUpdated, map[string]string{"status": string(now), "was": string(old), "reason": string(is.Reason)})
		}
		for _, ev := range events {
			if err := tx.AddEvent(ev); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) entry(by lanyard.Principal, what lanyard.Action, g lanyard.Grant, a lanyard.Attempt) lanyard.Entry {
	by.Project = g.Project
	e := lanyard.NewEntry(by, what)
	e.App, e.Grant = g.App, g.ID
	e.Detail = map[string]string{"attempt": string(a.ID), "outcome": string(a.Outcome)}
	if a.Error != "" {
		e.Detail["provider_error"] = a.Error
	}
	return e
}
