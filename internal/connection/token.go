package connection

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// TokenRequest says what an access token is wanted for.
type TokenRequest struct {
	MinTTL time.Duration // it should live at least this long; 0: the provider's own margin
	Scopes []string      // it must carry these
	Within []string      // and no other; nil: whatever it carries
	Quiet  bool          // nobody asked for it: it does not count as use

	// May refuses who may not have it at all, before the connection is looked at, and again
	// once it is renewed. nil: nobody is refused; but a bot's own key is.
	May func(*store.Query) error
}

// Token is an access token for somebody entitled to it.
type Token struct {
	Connection  lanyard.ConnectionID
	Access      lanyard.Secret
	TokenType   string
	ExpiresAt   time.Time // zero: never
	Scopes      []string
	Missing     []string // needed scopes that were not granted
	Fingerprint string
	APIBase     string
	Warning     lanyard.Code // renewing failed; this one still lives
}

const (
	// Patience is how long a caller waits for a provider at most.
	Patience = 10 * time.Second
	// glance is how long one waits who could be served with what there is.
	glance = time.Second
)

// Token reads the access token of a connection, renewed first if it would not
// live long enough. Errors: not_found, key_limited, connection_paused,
// connection_revoked, scopes_missing, bot_not_allowed, the cause of needs_reauth,
// refresh_failed, refresh_unconfirmed, app_misconfigured, provider_timeout, and those of r.May.
func (s *Service) Token(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, r TokenRequest) (Token, error) {
	if err := p.Need(lanyard.ScopeToken); err != nil {
		return Token{}, err
	}
	if p.Bot != "" && r.May == nil {
		return Token{}, lanyard.Errorf(lanyard.CodeKeyLimited, "this key is a bot's own, and nobody has looked at what the bot may have")
	}
	return s.token(ctx, p, id, r, s.Store.Read)
}

// Use is Token for a service of ours that calls the provider itself: no token
// leaves, so the log gets its entry from whoever uses it.
func (s *Service) Use(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, r TokenRequest) (Token, error) {
	return s.token(ctx, p, id, r, func(ctx context.Context, f func(*store.Query) (lanyard.Entry, error)) error {
		return s.Store.View(ctx, func(q *store.Query) error {
			_, err := f(q)
			return err
		})
	})
}

// token reads in one step where the token lives long enough, and otherwise
// renews between two.
func (s *Service) token(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, r TokenRequest,
	read func(context.Context, func(*store.Query) (lanyard.Entry, error)) error) (Token, error) {
	e, err := s.Entry(ctx, p, lanyard.ActTokenRead)
	if err != nil {
		return Token{}, err
	}
	if p.Bot != "" {
		e.Detail = map[string]string{"bot": string(p.Bot)}
	}
	var out Token
	var due *lanyard.Grant
	var used lanyard.GrantID // set where a token is handed out
	var renewing error
	step := func(q *store.Query) (lanyard.Entry, error) {
		if r.May != nil {
			if err := r.May(q); err != nil {
				return e.Failed(err), err
			}
		}
		c, g, err := q.ForToken(p.Project, id)
		if err != nil {
			return e.Failed(err), err
		}
		e := About(e, c)
		if err := s.usable(p, c, g, r); err != nil {
			return e.Failed(err), err
		}
		if due == nil {
			now, err := s.isDue(q, c, g, r)
			if err != nil {
				return lanyard.Entry{}, err
			}
			if now {
				due = &g
				return lanyard.Entry{}, nil
			}
		}
		if s.life(g) <= 0 {
			err := s.unrenewed(c, g, renewing)
			return e.Failed(err), err
		}
		t, err := s.Grants.Tokens(ctx, g)
		if err != nil {
			return e.Failed(err), err
		}
		out = Token{Connection: c.ID, Access: t.Access, TokenType: t.TokenType, ExpiresAt: g.AccessExpires, Scopes: g.Scopes,
			Missing: lanyard.MissingScopes(c.Needed, g.Scopes), Fingerprint: t.Access.Fingerprint(), APIBase: t.APIBase}
		used = g.ID
		if renewing != nil {
			out.Warning = lanyard.CodeOf(renewing)
			e.Detail["warning"] = string(out.Warning)
		}
		return e, nil
	}
	note := func(id lanyard.GrantID) {
		if !r.Quiet {
			s.Grants.Used(id)
		}
	}
	if err := read(ctx, step); err != nil || due == nil {
		note(used)
		return out, err
	}
	renewing = s.renew(ctx, p, *due, s.life(*due) > 0)
	err = read(ctx, step)
	note(used)
	return out, err
}

// renew asks for a renewal and waits for it: for a moment where the old token
// still lives, and no longer than Patience where it does not.
func (s *Service) renew(ctx context.Context, p lanyard.Principal, g lanyard.Grant, lives bool) error {
	wait := Patience
	if lives {
		wait = glance
	}
	ctx, stop := context.WithTimeout(ctx, wait)
	defer stop()
	_, err := s.Grants.Renew(ctx, g, p)
	return err
}

// usable says why a connection must not be used now.
func (s *Service) usable(p lanyard.Principal, c lanyard.Connection, g lanyard.Grant, r TokenRequest) error {
	if err := p.Reaches(c.Provider, c.Label); err != nil {
		return err
	}
	switch {
	case c.State == lanyard.Revoked:
		return lanyard.Errorf(lanyard.CodeConnectionRevoked, "")
	case c.State == lanyard.Paused:
		return lanyard.Errorf(lanyard.CodeConnectionPaused, "")
	case g.Health == lanyard.Dead:
		return &lanyard.Error{Code: g.Reason, ReconnectURL: s.ReconnectURL(c)}
	}
	if missing := lanyard.MissingScopes(r.Scopes, g.Scopes); len(missing) > 0 {
		return &lanyard.Error{Code: lanyard.CodeScopesMissing, MissingScopes: missing, ReconnectURL: s.ReconnectURL(c)}
	}
	switch {
	case r.Within == nil:
	case len(g.Scopes) == 0:
		return lanyard.Errorf(lanyard.CodeBotNotAllowed, "allow.scopes: nobody has said what this access token may do; use the proxy")
	case len(lanyard.MissingScopes(g.Scopes, r.Within)) > 0:
		return lanyard.Errorf(lanyard.CodeBotNotAllowed, "allow.scopes: this access token may do more; make the bot with all scopes_granted of the connection, or have the person allow less")
	}
	return nil
}

// unrenewed is what a caller hears when the token is dead and renewing it did
// not work.
func (s *Service) unrenewed(c lanyard.Connection, g lanyard.Grant, cause error) error {
	if cause == nil && !g.HasRefresh {
		cause = lanyard.Errorf(lanyard.CodeNoRefreshToken, "")
	}
	if cause == nil { // renewed, and expired again before we could read it: a clock is wrong
		cause = &lanyard.Error{Code: lanyard.CodeRefreshFailed, RetryAfter: time.Second}
	}
	if e, ok := errors.AsType[*lanyard.Error](cause); ok {
		shown := *e
		switch {
		case shown.Code == lanyard.CodeRefreshUnconfirmed:
			shown.RetryAfter, shown.ReconnectURL = max(shown.RetryAfter, time.Minute), s.ReconnectURL(c)
		case lanyard.RowOf(shown.Code).Kind == lanyard.Reconnect, shown.Code == lanyard.CodeNoRefreshToken:
			shown.ReconnectURL = s.ReconnectURL(c)
		}
		return &shown
	}
	return cause
}

// Entry starts an entry by p with where they called from, sealed under the
// project's key where it is the customer's backend, and under the person's own
// where it is a person of theirs.
func (s *Service) Entry(ctx context.Context, p lanyard.Principal, what lanyard.Action) (e lanyard.Entry, err error) {
	e = lanyard.NewEntry(p, what)
	key := vault.ProjectKey(p.Project)
	if p.Person != "" {
		e.Person, key = p.Person, vault.PersonKey(p.Project, p.Person)
	}
	if p.Origin != (lanyard.Origin{}) {
		e.Sealed, err = s.Vault.SealOrigin(ctx, key, e.ID, p.Origin)
	}
	return e, err
}

// life is how long the access token still lives, by the clock that its end was
// counted by; a year stands for "for ever".
func (s *Service) life(g lanyard.Grant) time.Duration {
	if g.AccessExpires.IsZero() {
		return 365 * 24 * time.Hour
	}
	return g.AccessExpires.Sub(s.Store.Clock())
}

// isDue says whether a token is renewed before it is handed out. Where nobody
// says how long it should live: a minute, but as late as is safe where renewing
// kills the token that others may be using at this moment.
//
// A renewal must buy something, or every read would cause one (T26): what no fresh
// token would outlive is not asked for, and none follows another within half a
// minute.
func (s *Service) isDue(q *store.Query, c lanyard.Connection, g lanyard.Grant, r TokenRequest) (bool, error) {
	const usual, late = time.Minute, 15 * time.Second
	left := s.life(g)
	switch {
	case !g.HasRefresh:
		return false, nil
	case left <= 0:
		return true, nil
	case left >= max(usual, r.MinTTL):
		return false, nil
	}
	full, err := q.Grant(c.Project, g.ID) // with its times, which the usual read does without
	if err != nil {
		return false, err
	}
	whole := max(full.AccessExpires.Sub(full.RefreshedAt), time.Minute) // none is believed to live shorter; less is a clock that is off
	now, err := q.Now()
	if err != nil {
		return false, err
	}
	switch {
	case r.MinTTL > 0 && r.MinTTL < whole:
		return left < r.MinTTL && !recent(now.Sub(full.RefreshedAt), s.Between), nil
	case left < min(late, whole/2) || left >= min(max(usual, r.MinTTL), whole/2):
		return left < min(late, whole/2), nil
	}
	a, err := q.App(c.Project, c.App)
	if err != nil {
		return false, err
	}
	t, err := s.Apps.Providers.Target(a) // a custom provider's habits are the app's to say
	if err != nil {
		return true, nil // renewing says the same, and the caller gets it as a warning
	}
	return !t.RotationKillsAccess, nil
}
