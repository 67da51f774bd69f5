package flow

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Unbound is a code in a vendor's wire format, which can carry neither state nor PKCE:
// nothing ties it to a browser, an end user or a page of ours. A project has to allow it.
type Unbound struct {
	App         lanyard.AppID
	Code        lanyard.Secret
	RedirectURI string            // as it was at the provider; https, or http on loopback; it need not be one of the app's
	Metadata    map[string]string // nil: what is there stays
	Needed      []string          // scopes without which it is refused
	// Accept is what else the vendor would look at once it is known whose account it is;
	// an error refuses it. Nil: nothing.
	Accept func(who provider.Identity, granted []string) error
}

// Unbound trades a code that came without state, once ever: the same again is refused
// without a call, unless the first was not answered yet. The end user is the account
// itself ("zoom:" and the provider's id for it), so that the same account gets the same
// connection again, for as long as it was not let go of. True: the connection is new.
//
// What is refused binds nothing, and the tokens are given back. Where nobody could say
// whose they are (identity_unavailable), they wait for an hour for that to be known.
//
// Errors: unbound_codes_off, invalid_request, code_rejected, scopes_missing (with
// MissingScopes), that of Accept, and those of Complete.
func (s *Service) Unbound(ctx context.Context, p lanyard.Principal, u Unbound) (connection.View, bool, error) {
	none := connection.View{}
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return none, false, err
	}
	a, err := s.Apps.Get(ctx, p, u.App)
	if err != nil {
		return none, false, err
	}
	if err := p.Reaches(a.Provider, ""); err != nil {
		return none, false, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActConsentRefused)
	if err != nil {
		return none, false, err
	}
	e.App, e.Detail = a.ID, map[string]string{"provider": a.Provider, "origin": originUnbound}
	if err := s.takesUnbound(ctx, p.Project); err != nil {
		return none, false, s.refuse(ctx, e, err)
	}
	if err := u.valid(); err != nil {
		return none, false, err
	}
	ready, err := s.Apps.Open(ctx, a)
	if err != nil {
		return none, false, err
	}
	f, d, err := s.noteCode(ctx, p, u, ready)
	if err != nil {
		return none, false, err
	}
	rejected := lanyard.Errorf(lanyard.CodeCodeRejected, "this code was used before; a code works once")
	if f.State == lanyard.FlowFailed || f.State == lanyard.FlowDone && len(f.Parked) == 0 {
		return none, false, s.refuse(ctx, e, rejected)
	}
	d.accept = u.Accept
	done, err := s.await(ctx, p, f, d, u.Code)
	if errors.Is(err, lanyard.CodeCompletionInvalid) { // answered to somebody who asked at the same moment
		return none, false, s.refuse(ctx, e, rejected)
	}
	return done.View, !done.CreatedAt.Before(f.CreatedAt), err
}

// takesUnbound says whether the project allows codes without state.
func (s *Service) takesUnbound(ctx context.Context, project lanyard.ProjectID) error {
	var pr lanyard.Project
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		pr, err = q.Project(project)
		return err
	})
	if err == nil && !pr.Settings.UnboundCodes {
		err = lanyard.Errorf(lanyard.CodeUnboundCodesOff, "")
	}
	return err
}

// maxCode is more than a provider's code has characters.
const maxCode = 4096

func (u Unbound) valid() error {
	if n := len(u.Code.Reveal()); n == 0 || n > maxCode {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "the code is empty, or too long")
	}
	if err := validCallback(u.RedirectURI); err != nil {
		return err
	}
	return connection.VendorsMetadata(u.Metadata)
}

// validCallback checks an address that need not be one of the app's.
func validCallback(redirectURI string) error {
	at, err := url.Parse(redirectURI)
	if err != nil || len(redirectURI) > 2048 || at.Host == "" || at.User != nil || strings.Contains(redirectURI, "#") ||
		at.Scheme != "https" && (at.Scheme != "http" || !lanyard.Loopback(at.Hostname())) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "the redirect URI must be an https URL, or an http one on this machine")
	}
	return nil
}

// noteCode makes the flow in which a code is traded, or finds the one in which it is or
// was.
func (s *Service) noteCode(ctx context.Context, p lanyard.Principal, u Unbound, ready app.Ready) (lanyard.Flow, data, error) {
	f := lanyard.Flow{ID: lanyard.NewID[lanyard.FlowID]("flw_"), Project: p.Project, App: u.App, State: lanyard.FlowStarted,
		CodeHash: s.Vault.Digest(p.Project, "unbound-code", string(u.App), string(u.Code.Reveal()))}
	d := data{Target: ready.Target.Snapshot(), RedirectURI: u.RedirectURI, Needed: u.Needed, Metadata: u.Metadata, Origin: originUnbound,
		Judged: u.Accept != nil}
	var err error
	if f.Sealed, err = s.sealData(ctx, f, d); err != nil {
		return f, d, err
	}
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		f.CreatedAt, f.ExpiresAt = tx.Now(), tx.Now().Add(flowFor)
		return tx.AddFlow(f)
	})
	if _, exists := errors.AsType[*store.ExistsError](err); !exists {
		return f, d, err
	}
	hash := f.CodeHash
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		if f, err = q.FlowByCode(hash); err != nil {
			return fmt.Errorf("find the code: %w", err)
		}
		if f.State == lanyard.FlowDone && now.After(f.ExpiresAt) {
			f.Parked = nil
		}
		return nil
	})
	if err != nil {
		return f, d, err
	}
	d, err = s.openData(ctx, f)
	return f, d, err
}

// lacks refuses a credential that was granted less than is needed. What the answer does
// not say was not granted: we do not know what was asked for.
func (d data) lacks(issued []provider.Issued) error {
	if d.Origin != originUnbound {
		return nil
	}
	if missing := lanyard.MissingScopes(d.Needed, grantedOf(issued)); len(missing) > 0 {
		return &lanyard.Error{Code: lanyard.CodeScopesMissing, MissingScopes: missing}
	}
	return nil
}

func grantedOf(issued []provider.Issued) (out []string) {
	for _, i := range issued {
		out = append(out, i.Tokens.Scopes...)
	}
	return out
}

// judge asks whoever posted the code; with nobody there to ask, it is not bound.
func (d data) judge(issued []provider.Issued, who []provider.Identity) error {
	switch {
	case d.accept != nil:
		return d.accept(who[0], grantedOf(issued))
	case d.Judged:
		return lanyard.Errorf(lanyard.CodeAttemptExpired, "")
	}
	return nil
}

// owner makes the account itself the end user of a code that came without one.
func (s *Service) owner(ctx context.Context, f lanyard.Flow, ready app.Ready, who provider.Identity) (lanyard.Flow, error) {
	person, err := s.Connections.EnsurePerson(ctx, f.Project, connection.EndUser{ID: ready.App.Provider + ":" + who.Subject})
	f.Person = person.ID
	return f, err
}

// askedOf is what was asked for of a credential. A code without state does not tell, and
// so nothing of what was granted is more than that.
func askedOf(d data, ready app.Ready, is provider.Issued) []string {
	if d.Origin == originUnbound {
		return is.Tokens.Scopes
	}
	return ready.Target.ScopesFor(is.Kind, ready.Target.Scopes(d.requested()))
}

// callbackOf is where a code has been, for the log: a path or a query may hold anything.
func callbackOf(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// succeeds returns the connection of the same account whose place a new one takes: it has
// ended, as when its person has taken the app out of their account; "" where there is none.
// To a vendor's clients the two are one, so what the customer noted down of it goes on,
// unless it is said anew.
func succeeds(tx *store.Tx, c *lanyard.Connection) (lanyard.ConnectionID, error) {
	if c.Origin != originUnbound {
		return "", nil
	}
	all, err := tx.Unbound(c.Project, []lanyard.PersonID{c.Person})
	at := slices.IndexFunc(all, func(h store.Held) bool { return h.Connection.App == c.App && h.Connection.State == lanyard.Revoked })
	if err != nil || at < 0 {
		return "", err
	}
	if c.Metadata == nil {
		c.Metadata = all[at].Connection.Metadata
	}
	return all[at].Connection.ID, nil
}
