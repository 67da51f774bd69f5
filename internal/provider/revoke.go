package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"lanyard"
)

// Revoke gives a credential back at the provider, in the provider's way. It never holds up what the caller does at home: the
// result says how it went and which tokens live on (RFC 7009).
func (t *Target) Revoke(ctx context.Context, c Credentials, tokens lanyard.TokenSet) RevokeResult {
	if tokens.Access.Empty() && tokens.Refresh.Empty() {
		return RevokeResult{Outcome: RevokeFailed, Detail: "there is no token to revoke"}
	}
	switch t.revokeStyle() {
	case RevokeRFC:
		return t.revokeRFC(ctx, c, tokens)
	case RevokeAccess:
		if tokens.Access.Empty() {
			r := t.failed(tokens, Answer{}, "the provider revokes by access token, and there is none")
			r.Retry = false // not until a renewal has given one
			return r
		}
		a := t.revokePost(ctx, c, tokens.Access, "")
		if b := readBody(a.Body.Reveal(), a.Cut); ok2xx(a) && (b.Fields.Text("status") == "" || b.Fields.Text("status") == "success") {
			return RevokeResult{Outcome: RevokeDone, Status: a.Status}
		}
		return t.failed(tokens, a, "the provider did not revoke")
	case RevokeBearer:
		return t.revokeBearer(ctx, tokens)
	}
	return RevokeResult{Outcome: RevokeNotSupported, Detail: t.Name + " has no way to revoke; the person can withdraw access there", Lives: t.living(tokens)}
}

// RevokesMore says that giving back one credential can end another of the same account: where a person has one grant for a
// client, or one call takes away everything that they granted it.
func (t *Target) RevokesMore() bool { return t.OneGrantPerSubject || t.def.Revoke.WholeGrant }

func (t *Target) revokeStyle() string {
	switch style := t.def.Revoke.Style; {
	case t.def.Endpoints.Revoke == "":
		return RevokeNone
	case style == "":
		return RevokeRFC
	default:
		return style
	}
}

func (t *Target) revokePost(ctx context.Context, c Credentials, token lanyard.Secret, hint string) Answer {
	form := url.Values{"token": {string(token.Reveal())}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	auth := t.def.Revoke.Auth
	if auth == "" {
		auth = t.def.ClientAuth
	}
	if auth == "none" && t.def.ClientAuth != AuthNone {
		auth = "" // the token alone, without client id (Google)
	}
	return t.post(ctx, c, t.def.Endpoints.Revoke, form, auth)
}

// revokeRFC sends the refresh token first: it takes its access tokens along (RFC 7009 §2.1). That is only a SHOULD, so where
// the catalogue does not promise it the access token is sent as well.
func (t *Target) revokeRFC(ctx context.Context, c Credentials, tokens lanyard.TokenSet) RevokeResult {
	if tokens.Refresh.Empty() {
		a := t.revokePost(ctx, c, tokens.Access, "access_token")
		if t.gone(a) {
			return RevokeResult{Outcome: RevokeDone, Status: a.Status}
		}
		return t.failed(tokens, a, "the provider did not revoke the access token")
	}
	a := t.revokePost(ctx, c, tokens.Refresh, "refresh_token")
	only := t.errorOf(a) == "unsupported_token_type"
	if !t.gone(a) && !only {
		return t.failed(tokens, a, "the provider did not revoke the refresh token")
	}
	if t.def.Revoke.WholeGrant && !only || tokens.Access.Empty() {
		if only {
			return t.failed(tokens, a, "the provider does not revoke refresh tokens")
		}
		return RevokeResult{Outcome: RevokeDone, Status: a.Status}
	}
	b := t.revokePost(ctx, c, tokens.Access, "access_token")
	switch {
	case t.gone(b) && only:
		return RevokeResult{Outcome: RevokeDone, Status: b.Status, Detail: "the provider revokes by access token"}
	case t.gone(b):
		return RevokeResult{Outcome: RevokeDone, Status: a.Status}
	case only:
		return t.failed(tokens, b, "the provider revoked neither token")
	case !t.expired(tokens):
		return RevokeResult{Outcome: RevokeDone, Status: a.Status, Detail: "the access token may live until it expires",
			Lives: []LivingToken{{"access", tokens.ExpiresAt}}}
	}
	return RevokeResult{Outcome: RevokeDone, Status: a.Status}
}

// gone says that the token no longer works: revoked now, or unknown to the provider (RFC 7009 §2.2; Google answers 400 invalid_token).
func (t *Target) gone(a Answer) bool {
	if ok2xx(a) {
		b := readBody(a.Body.Reveal(), a.Cut)
		return !t.says(b, false)
	}
	return a.Status == http.StatusBadRequest && t.errorOf(a) == "invalid_token"
}

// revokeBearer presents the token itself (Slack's auth.revoke).
func (t *Target) revokeBearer(ctx context.Context, tokens lanyard.TokenSet) RevokeResult {
	a, err := t.bearer(ctx, http.MethodPost, t.def.Endpoints.Revoke, tokens.Access)
	code := guarded(a.Fields.Text("error"))
	switch {
	case err == nil && a.Status == http.StatusOK && a.Fields != nil && !t.says(body{Fields: a.Fields}, false):
		return RevokeResult{Outcome: RevokeDone, Status: a.Status}
	case err == nil && (code == "token_revoked" || code == "account_inactive"):
		return RevokeResult{Outcome: RevokeDone, Status: a.Status, Detail: "it had been revoked before"}
	}
	r := t.failed(tokens, Answer{Sent: true, Status: a.Status}, "the provider did not revoke")
	if code != "" {
		r.Error = code
	}
	if e, ok := errors.AsType[*lanyard.Error](err); ok {
		r.Retry, r.After = true, e.RetryAfter
	}
	return r
}

func (t *Target) failed(tokens lanyard.TokenSet, a Answer, detail string) RevokeResult {
	r := RevokeResult{Outcome: RevokeFailed, Detail: detail, Status: a.Status, Error: t.errorOf(a), Lives: t.living(tokens)}
	if a.Status == 0 || a.Status == http.StatusTooManyRequests || a.Status >= 500 {
		r.Retry, r.After = true, retryAfter(a.Header, a.SentAt) // 503: the token still lives (RFC 7009 §2.2.1)
	}
	return r
}

func (t *Target) errorOf(a Answer) string {
	code, _, _ := t.verdict(readBody(a.Body.Reveal(), a.Cut))
	return code
}

// living lists the tokens that go on working, and until when as far as that is known.
func (t *Target) living(tokens lanyard.TokenSet) []LivingToken {
	var out []LivingToken
	if !tokens.Access.Empty() && !t.expired(tokens) {
		out = append(out, LivingToken{"access", tokens.ExpiresAt})
	}
	if !tokens.Refresh.Empty() {
		l := LivingToken{Token: "refresh"}
		if idle := first64(t.RefreshIdle, t.RefreshTTL); idle > 0 {
			l.Until = t.client.Now().Add(idle) // at the latest: nobody renews it any more
		}
		out = append(out, l)
	}
	return out
}

func (t *Target) expired(tokens lanyard.TokenSet) bool {
	return !tokens.ExpiresAt.IsZero() && t.client.Now().After(tokens.ExpiresAt)
}

func first64(a, b time.Duration) time.Duration {
	if a > 0 {
		return a
	}
	return b
}

func ok2xx(a Answer) bool { return a.Status >= 200 && a.Status < 300 }
