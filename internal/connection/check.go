package connection

import (
	"context"
	"errors"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Check asks the provider now whether a connection works: nil says that it does. It
// is asked with the token that there is, since a new one could end it in the middle
// of a meeting; only where that has expired, or is refused, is it renewed. The
// outcome is on the log; it is no use of the connection.
//
// Errors: not_found, key_limited, connection_paused, connection_revoked; and what
// was found: the cause of needs_reauth, those of renewing, token_refused.
func (s *Service) Check(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) error {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return err
	}
	e, err := s.Entry(ctx, p, lanyard.ActConnectionChecked)
	if err != nil {
		return err
	}
	c, found := s.check(ctx, p, id)
	if c.ID != "" {
		e = About(e, c)
	}
	err = s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) {
		if found != nil {
			return e.Failed(found), found
		}
		return e, nil
	})
	return err
}

func (s *Service) check(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) (c lanyard.Connection, err error) {
	var g lanyard.Grant
	read := func() error {
		return s.Store.View(ctx, func(q *store.Query) (err error) {
			if c, g, err = q.Connection(p.Project, id); err == nil {
				err = s.there(p, c)
			}
			return err
		})
	}
	if err := read(); err != nil {
		return lanyard.Connection{}, err
	}
	if err := s.usable(p, c, g, TokenRequest{}); err != nil {
		return c, err
	}
	var a lanyard.App
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		a, err = q.App(c.Project, c.App)
		return err
	})
	if err != nil {
		return c, err
	}
	t, err := s.Apps.Providers.Target(a)
	if err != nil {
		return c, err
	}
	again := func() error { // with a new token
		if !g.HasRefresh {
			return lanyard.Errorf(lanyard.CodeNoRefreshToken, "")
		}
		err := s.renew(ctx, p, g, false)
		if err != nil {
			return s.unrenewed(c, g, err)
		}
		return read()
	}
	renewed := s.life(g) <= 0
	if renewed {
		if err := again(); err != nil {
			return c, err
		}
	}
	err = s.takes(ctx, t, g)
	if errors.Is(err, provider.ErrTokenRefused) && !renewed && !recent(s.Store.Clock().Sub(g.RefreshedAt), s.Between) {
		if err := again(); err != nil {
			return c, err
		}
		err = s.takes(ctx, t, g)
	}
	if errors.Is(err, provider.ErrTokenRefused) {
		err = lanyard.Errorf(lanyard.CodeTokenRefused, "")
	}
	return c, err
}

// takes asks with the token of the grant. Where nobody can be asked, the token that
// lives is all there is to know.
func (s *Service) takes(ctx context.Context, t *provider.Target, g lanyard.Grant) error {
	tokens, err := s.Grants.Tokens(ctx, g)
	if err != nil {
		return err
	}
	_, err = t.Takes(ctx, tokens)
	return err
}
