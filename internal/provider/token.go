package provider

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"lanyard"
	"lanyard/internal/egress"
)

// Exchange sends an authorization code to the token endpoint, once (RFC 6749 §4.1.3). It ends after Target.Deadline, or with
// ctx; the caller detaches ctx from anybody's patience.
func (t *Target) Exchange(ctx context.Context, c Credentials, r ExchangeRequest) Answer {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {string(r.Code.Reveal())}, "redirect_uri": {r.RedirectURI}}
	if !r.Verifier.Empty() {
		form.Set("code_verifier", string(r.Verifier.Reveal()))
	}
	return t.post(ctx, c, t.def.Endpoints.Token, form, t.def.ClientAuth)
}

// Refresh sends a refresh token to the token endpoint, once (RFC 6749 §6). No scope is sent: the grant stays as it is.
func (t *Target) Refresh(ctx context.Context, c Credentials, refresh lanyard.Secret) Answer {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(refresh.Reveal())}}
	return t.post(ctx, c, t.def.Endpoints.Token, form, t.def.ClientAuth)
}

// post is one form POST with the client's fixed authentication, and never two methods at once (RFC 6749 §2.3). No
// Idempotency-Key: net/http would take it as leave to send the request again.
func (t *Target) post(ctx context.Context, c Credentials, endpoint string, form url.Values, auth string) Answer {
	ctx, stop := context.WithTimeout(ctx, t.Deadline)
	defer stop()
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	switch auth {
	case AuthBasic:
		h.Set("Authorization", basic(c, t.def.BasicRaw))
	case AuthPost:
		form.Set("client_id", c.ClientID)
		form.Set("client_secret", string(c.Secret.Reveal()))
	case AuthNone:
		form.Set("client_id", c.ClientID)
	}
	a := t.client.Do(ctx, egress.Request{Method: http.MethodPost, URL: endpoint, Header: h, Body: []byte(form.Encode()), Fresh: t.Class.Rotates()})
	secrets := []string{h.Get("Authorization"), string(c.Secret.Reveal())}
	for _, k := range []string{"refresh_token", "code", "code_verifier", "token"} {
		secrets = append(secrets, form.Get(k))
	}
	return answerOf(a, secrets)
}

// basic writes the header of RFC 6749 §2.3.1: id and secret are form-encoded first, unless the provider reads them literally.
func basic(c Credentials, raw bool) string {
	id, secret := c.ClientID, string(c.Secret.Reveal())
	if !raw {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// TokenHost names the token endpoint's host, with its port unless that goes without saying: with the client id it names an
// OAuth client, which is registered once per instance.
func (t *Target) TokenHost() string { return hostOf(t.def.Endpoints.Token) }

// Endpoint returns an endpoint in force by its name: authorize, token, revoke, identity, issuer, jwks, discovery, device, api.
func (t *Target) Endpoint(name string) string {
	var out string
	t.def.Endpoints.each(func(n string, v *string) {
		if n == name {
			out = *v
		}
	})
	return out
}

// Namespace is that of Identity.Issuer.
func (t *Target) Namespace() string { return t.namespace() }

// namespace is the issuer under which subjects are unique: the provider's, or where it has none the origin of its token endpoint.
func (t *Target) namespace() string {
	if t.Issuer != "" {
		return t.Issuer
	}
	u, err := url.Parse(t.def.Endpoints.Token)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}
