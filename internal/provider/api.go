package provider

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/egress"
)

// apiTimeout bounds one call to a provider's API; a caller is never kept longer (a hanging provider costs at most 10 s).
const apiTimeout = 9 * time.Second

// APIAnswer is what a provider's API said: any status below 500 but 429.
type APIAnswer struct {
	Status int
	Fields Fields // of a whole JSON object; nil otherwise
	SentAt time.Time
}

// AllowsAPI says whether an access token may be sent to this URL: https (or http as the operator allows it) and a host of the
// catalogue's list, or the app's own where it has one.
func (t *Target) AllowsAPI(base string) bool {
	if base == "" || t.client.CheckURL("api", base) != nil {
		return false
	}
	u, err := url.Parse(base)
	return err == nil && u.RawQuery == "" && slices.Contains(t.api, hostOf(base))
}

// APIBase returns where the provider's API is for this credential, without a slash at the end.
func (t *Target) APIBase(tokens lanyard.TokenSet) string {
	if t.AllowsAPI(tokens.APIBase) {
		return strings.TrimRight(tokens.APIBase, "/")
	}
	return strings.TrimRight(t.def.Endpoints.API, "/")
}

// APIAt returns where calls with this credential go: the API's base where host is empty,
// and otherwise that host, which has to be one of those an access token may be sent to.
// Errors: CodeAbilityMissing, CodeInvalidRequest.
func (t *Target) APIAt(tokens lanyard.TokenSet, host string) (*url.URL, error) {
	base := t.APIBase(tokens)
	if base == "" {
		return nil, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no API address", t.Name)
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no API address", t.Name)
	}
	if host != "" && host != hostOf(base) {
		if !slices.Contains(t.api, host) {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "the host is none of those that %s's tokens may be sent to", t.Name)
		}
		u = &url.URL{Scheme: u.Scheme, Host: host}
	}
	if !t.AllowsAPI(u.String()) {
		return nil, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no API address that may be called", t.Name)
	}
	return u, nil
}

// Call makes one GET with the access token at the provider's API; path begins with "/" and is already escaped. Errors:
// CodeProviderUnavailable (not reached, no answer in time, 5xx), CodeRateLimited (429, with RetryAfter), and why this
// server calls no provider at all.
func (t *Target) Call(ctx context.Context, tokens lanyard.TokenSet, path string, query url.Values) (APIAnswer, error) {
	base := t.APIBase(tokens)
	if base == "" {
		return APIAnswer{}, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no API address", t.Name)
	}
	target := base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	return t.bearer(ctx, http.MethodGet, target, tokens.Access)
}

// bearer makes one call with the token in the Authorization header (RFC 6750 §2.1).
func (t *Target) bearer(ctx context.Context, method, target string, token lanyard.Secret) (APIAnswer, error) {
	if token.Empty() {
		return APIAnswer{}, lanyard.Errorf(lanyard.CodeProviderUnavailable, "%s: no access token: %w", t.Name, ErrTokenRefused)
	}
	if err := t.client.Hold(); err != nil {
		return APIAnswer{}, err
	}
	ctx, stop := context.WithTimeout(ctx, min(apiTimeout, t.Deadline))
	defer stop()
	a := t.client.Do(ctx, egress.Request{Method: method, URL: target,
		Header: http.Header{"Authorization": {"Bearer " + string(token.Reveal())}, "Accept": {"application/json"}}})
	out := APIAnswer{Status: a.Status, SentAt: a.SentAt}
	if b := readBody(a.Body.Reveal(), a.Cut); b.whole && !b.odd {
		out.Fields = b.Fields
	}
	switch {
	case a.Status == http.StatusTooManyRequests:
		e := lanyard.Errorf(lanyard.CodeRateLimited, "%s asks to wait", t.Name)
		e.RetryAfter = retryAfter(a.Header, a.SentAt)
		return out, e
	case a.Err != nil, a.Status >= 500:
		return out, lanyard.Errorf(lanyard.CodeProviderUnavailable, "%s does not answer", t.Name)
	}
	return out, nil
}
