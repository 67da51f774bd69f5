package flow

import (
	"context"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// maxState is of a caller's own state that goes to the provider as it is.
const maxState = 2048

// UnboundURL is where a vendor's customer sends a person whose code will come back without
// a state of ours (see Unbound). The caller's own state goes to the provider as it is, and
// comes back so; there is no challenge and no nonce, since whoever posts the code could not
// post what belongs to them.
//
// Errors: unbound_codes_off, invalid_request, app_not_ready, key_limited.
func (s *Service) UnboundURL(ctx context.Context, p lanyard.Principal, id lanyard.AppID, redirectURI, state string) (string, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return "", err
	}
	a, err := s.Apps.Get(ctx, p, id)
	if err != nil {
		return "", err
	}
	if err := p.Reaches(a.Provider, ""); err != nil {
		return "", err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActAuthorizeURL)
	if err != nil {
		return "", err
	}
	e.App, e.Detail = a.ID, map[string]string{"provider": a.Provider, "origin": originUnbound, "browser": "browser_not_seen"}
	if err := s.takesUnbound(ctx, p.Project); err != nil {
		return "", s.refuse(ctx, e, err)
	}
	if err := validCallback(redirectURI); err != nil {
		return "", err
	}
	if len(state) > maxState || strings.ContainsRune(state, 0) {
		return "", lanyard.Errorf(lanyard.CodeInvalidRequest, "state: at most 2048 bytes, without NUL")
	}
	ready, err := s.Apps.Open(ctx, a)
	if err != nil {
		return "", err
	}
	e.Detail["callback"] = callbackOf(redirectURI)
	to := ready.Target.AuthorizeURL(provider.AuthorizeRequest{RedirectURI: redirectURI, State: state, Scopes: a.Scopes, ScopesOptional: a.ScopesOptional})
	return to, s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil })
}
