package connection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Report takes word that the provider refused an access token: it is renewed
// once if it is still the current one, and not again within 30 seconds (T26).
// It returns whether a fresh one is to be had now.
func (s *Service) Report(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, fingerprint string, status int) (renewed bool, err error) {
	if err := p.Need(lanyard.ScopeToken); err != nil {
		return false, err
	}
	return s.force(ctx, p, id, fingerprint, status, lanyard.ActTokenReported)
}

// Refresh renews a connection now, if fingerprint is that of the current token.
func (s *Service) Refresh(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, fingerprint string) (renewed bool, err error) {
	if err := p.Need(lanyard.ScopeToken); err != nil {
		return false, err
	}
	return s.force(ctx, p, id, fingerprint, 0, lanyard.ActTokenRefreshed)
}

func (s *Service) force(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, fingerprint string, status int, what lanyard.Action) (bool, error) {
	var g lanyard.Grant
	var c lanyard.Connection
	var current bool
	var now time.Time
	err := s.Store.Read(ctx, func(q *store.Query) (lanyard.Entry, error) {
		e, err := s.Entry(ctx, p, what)
		if err != nil {
			return e, err
		}
		if c, g, err = q.Connection(p.Project, id); err != nil {
			return e.Failed(err), err
		}
		e = About(e, c)
		if err := s.usable(p, c, g, TokenRequest{}); err != nil {
			return e.Failed(err), err
		}
		t, err := s.Grants.Tokens(ctx, g)
		if err != nil {
			return e.Failed(err), err
		}
		if now, err = q.Now(); err != nil {
			return lanyard.Entry{}, err
		}
		// The log gets the fingerprint of ours, or nothing: the caller's may be anything, a piece of a token too.
		if current = t.Access.Fingerprint() == fingerprint; current {
			e.Detail["fingerprint"] = fingerprint
		}
		if status != 0 {
			e.Detail["status"] = strconv.Itoa(status)
		}
		return e, nil
	})
	if err != nil {
		return false, err
	}
	if !current {
		return true, nil // somebody renewed it already
	}
	if age := now.Sub(g.RefreshedAt); !g.RefreshedAt.IsZero() && recent(age, s.Between) {
		return false, &lanyard.Error{Code: lanyard.CodeRateLimited, Message: "this token was made a moment ago", RetryAfter: s.Between - age}
	}
	if err := s.renew(ctx, p, g, false); err != nil {
		return false, s.unrenewed(c, g, err)
	}
	return true, nil
}

// recent says whether a renewal of that age is too young for another. One that lies
// ahead was noted by a clock that has been put right since, and says nothing.
func recent(age, between time.Duration) bool { return age >= 0 && age < between }

// Refused renews after the provider refused the token with this fingerprint in
// a call of ours; nil means that a fresh one is to be had.
func (s *Service) Refused(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, fingerprint string) error {
	_, err := s.force(ctx, p, id, fingerprint, 0, lanyard.ActTokenReported)
	if e, ok := errors.AsType[*lanyard.Error](err); ok && e.Code == lanyard.CodeRateLimited { // it is not the caller who asks too often
		return &lanyard.Error{Code: lanyard.CodeTokenRefused, RetryAfter: e.RetryAfter,
			ReconnectURL: s.ReconnectURL(lanyard.Connection{ID: id, Project: p.Project})}
	}
	return err
}
