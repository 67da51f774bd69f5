package provider

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"lanyard"
)

// skew is how far two clocks may differ (OpenID Connect Core §3.1.3.7).
const skew = 5 * time.Minute

func (t *Target) hasKeys() bool {
	return t.def.Endpoints.JWKS != "" || t.def.Endpoints.Discovery != ""
}

// verify checks an ID token by OpenID Connect Core §3.1.3.7: signature by the issuer's keys, iss, aud, azp, exp, iat, nonce,
// at_hash. What is wrong with it is named, its contents are not.
func (t *Target) verify(ctx context.Context, tokens lanyard.TokenSet, nonce string) (Fields, error) {
	ctx, stop := context.WithTimeout(ctx, min(apiTimeout, t.Deadline))
	defer stop()
	keys, err := t.keys.of(ctx, t.def.Endpoints)
	if err != nil {
		return nil, lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s: keys for ID tokens: %w", t.Name, err)
	}
	template := strings.Contains(t.def.Endpoints.Issuer, "{tid}")
	v := oidc.NewVerifier(t.Issuer, keys, &oidc.Config{ClientID: t.ClientID, SupportedSigningAlgs: t.def.Identity.Algorithms, SkipIssuerCheck: template, Now: t.client.Now})
	raw := string(tokens.IDToken.Reveal())
	token, err := v.Verify(ctx, raw)
	if err != nil {
		if keys.failed() {
			return nil, lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s: the issuer's keys cannot be read", t.Name)
		}
		if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
			return nil, t.badToken("expired")
		}
		return nil, t.badToken("signature, issuer or audience") // the library's words would repeat claims
	}
	var payload rawClaims
	if err := token.Claims(&payload); err != nil {
		return nil, t.badToken("claims")
	}
	b := readBody(payload, false)
	claims := b.Fields
	azp := claims.Text("azp")
	switch {
	case !b.whole || b.odd:
		return nil, t.badToken("claims")
	case template && !t.ofTenant(token.Issuer, claims.Text("tid")):
		return nil, t.badToken("iss")
	case len(token.Audience) > 1 && azp != t.ClientID, azp != "" && azp != t.ClientID:
		return nil, t.badToken("azp")
	case token.IssuedAt.After(t.client.Now().Add(skew)):
		return nil, t.badToken("iat")
	case nonce != "" && subtle.ConstantTimeCompare([]byte(nonce), []byte(token.Nonce)) != 1:
		return nil, t.badToken("nonce")
	case token.AccessTokenHash != "" && !tokens.Access.Empty() && token.VerifyAccessToken(string(tokens.Access.Reveal())) != nil:
		return nil, t.badToken("at_hash")
	}
	claims["iss"] = token.Issuer
	if t.Issuer != "" {
		claims["iss"] = t.Issuer // Google's two spellings are one issuer
	}
	return claims, nil
}

// ofTenant says whether iss is the issuer of the tenant the token itself names (Microsoft's common endpoints). The token is signed
// by keys of all tenants, so this is what ties it to one.
func (t *Target) ofTenant(iss, tid string) bool {
	return guid.MatchString(tid) && iss == strings.ReplaceAll(t.def.Endpoints.Issuer, "{tid}", tid)
}

func (t *Target) badToken(what string) error {
	return lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "%s: ID token does not verify: %s", t.Name, what)
}

func (t *Target) fromClaims(c Fields) Identity {
	r := t.def.Identity.Claims
	id := Identity{Issuer: c.Text("iss"), Subject: c.Text(r.Subject), Email: cleanText(c.Text(r.Email)), DisplayName: cleanText(c.Text(r.Name)),
		OrganizationID: cleanText(c.Text(r.Organization)), Active: true}
	if unverified(c) {
		id.Email = ""
	}
	return id
}

// Claimed reads whose account an ID token speaks of, without verifying it: it came
// from the token endpoint itself, over TLS (OpenID Connect Core §3.1.3.7). False
// where there is none, or where accounts are known by something else here.
func (t *Target) Claimed(tokens lanyard.TokenSet) (Identity, bool) {
	rules := t.def.Identity
	whole := rules.Claims.Organization != "" || rules.Organization == ""
	if rules.Claims.Subject == "" || tokens.IDToken.Empty() || !t.hasKeys() || !whole {
		return Identity{}, false
	}
	parts := strings.Split(string(tokens.IDToken.Reveal()), ".")
	if len(parts) != 3 {
		return Identity{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Identity{}, false
	}
	id := t.fromClaims(readBody(payload, false).Fields)
	return id, id.Issuer != "" && id.Subject != ""
}

// rawClaims takes the payload as it was signed.
type rawClaims []byte

// UnmarshalJSON keeps the bytes.
func (r *rawClaims) UnmarshalJSON(b []byte) error {
	*r = append(rawClaims(nil), b...)
	return nil
}
