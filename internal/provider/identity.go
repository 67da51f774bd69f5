package provider

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"lanyard"
)

// IdentityReader is code for a provider that explains in words of its own why it does not say whose account it is.
type IdentityReader interface {
	// IdentityError looks at an answer other than 200; nil: nothing special.
	IdentityError(t *Target, a APIAnswer) error
}

// Identify says whose account a credential is for. An ID token, where there is one, is verified and decides; the identity
// endpoint is asked as well where it uses the same subject, and must agree (OpenID Connect Core §5.3.2). An account that the
// provider calls inactive comes back with Active false and no error.
//
// Errors: CodeIdentityUnavailable (ask again later; wraps ErrTokenRefused if the token was not taken), CodeScopesMissing,
// CodeProviderAnswerInvalid (an ID token that does not verify, subjects that differ, no subject).
func (t *Target) Identify(ctx context.Context, i Issued, nonce string) (Identity, error) {
	rules := t.def.Identity
	var id Identity
	verified := false
	if rules.Claims.Subject != "" && !i.Tokens.IDToken.Empty() && t.hasKeys() {
		claims, err := t.verify(ctx, i.Tokens, nonce)
		if err != nil {
			return Identity{}, err
		}
		id, verified = t.fromClaims(claims), true
		if err := t.complete(id); err != nil {
			return Identity{}, err
		}
	}
	switch {
	case t.def.Endpoints.Identity == "" && verified:
		return id, nil
	case t.def.Endpoints.Identity == "":
		if strings.HasPrefix(rules.Subject, "token:") {
			i.Hint.Active = true
			return i.Hint, t.complete(i.Hint)
		}
		return Identity{}, lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s gave no ID token, and there is no other way to ask it", t.Name)
	case verified && rules.Subject != rules.Claims.Subject:
		return id, nil // another kind of subject: nothing to compare, and no reason to ask
	}
	asked, err := t.ask(ctx, i)
	switch {
	case err != nil && verified:
		return id, nil // the signed answer is enough
	case err != nil:
		return Identity{}, err
	case verified && asked.Subject != id.Subject:
		return Identity{}, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "%s: ID token and identity endpoint name different accounts", t.Name)
	case verified:
		id.Email, id.DisplayName = first(id.Email, asked.Email), first(id.DisplayName, asked.DisplayName)
		id.OrganizationID, id.Active = first(id.OrganizationID, asked.OrganizationID), asked.Active
		return id, nil
	}
	return asked, nil
}

// ask reads the identity endpoint with the access token.
func (t *Target) ask(ctx context.Context, i Issued) (Identity, error) {
	rules := t.def.Identity
	method := rules.Method
	if method == "" {
		method = http.MethodGet
	}
	a, err := t.bearer(ctx, method, t.def.Endpoints.Identity, i.Tokens.Access)
	if err != nil {
		return Identity{}, t.unavailable(err)
	}
	if a.Status != http.StatusOK || t.says(body{Fields: a.Fields}, false) {
		return Identity{}, t.identityError(a)
	}
	if a.Fields == nil {
		return Identity{}, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "%s: the identity answer is not a JSON object", t.Name)
	}
	if strings.Contains(t.def.Endpoints.Issuer, "{tid}") {
		return Identity{}, lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s: only an ID token says which tenant the account is in; ask for openid", t.Name)
	}
	get := func(path string) string {
		if p, ok := strings.CutPrefix(path, "token:"); ok {
			_ = p
			return ""
		}
		return cleanText(a.Fields.Text(path))
	}
	id := Identity{Issuer: t.namespace(), Subject: a.Fields.Text(rules.Subject), Email: get(rules.Email), DisplayName: get(rules.Name),
		OrganizationID: get(rules.Organization), Active: rules.State == "" || get(rules.State) == rules.StateActive}
	if unverified(a.Fields) {
		id.Email = ""
	}
	id.OrganizationID = first(id.OrganizationID, i.Hint.OrganizationID)
	return id, t.complete(id)
}

func (t *Target) identityError(a APIAnswer) error {
	if c, ok := t.code.(IdentityReader); ok {
		if err := c.IdentityError(t, a); err != nil {
			return err
		}
	}
	code, _, _ := t.verdict(body{Fields: a.Fields, whole: true})
	switch {
	case a.Status == http.StatusUnauthorized:
		return lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s does not take the access token: %w", t.Name, ErrTokenRefused)
	case a.Status == http.StatusForbidden && len(t.def.Identity.Needs) > 0:
		e := lanyard.Errorf(lanyard.CodeScopesMissing, "%s does not say whose account it is without %s", t.Name, strings.Join(t.def.Identity.Needs, " "))
		e.MissingScopes = t.def.Identity.Needs
		return e
	}
	return lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s does not say whose account it is (status %d %s)", t.Name, a.Status, code)
}

// unavailable keeps the wait of a rate limit, and says what could not be had.
func (t *Target) unavailable(err error) error {
	e := lanyard.Errorf(lanyard.CodeIdentityUnavailable, "%s does not say whose account it is: %w", t.Name, err)
	if limited, ok := errors.AsType[*lanyard.Error](err); ok {
		e.RetryAfter = limited.RetryAfter
	}
	return e
}

// complete refuses an identity by which no account could be told from another.
func (t *Target) complete(id Identity) error {
	if id.Subject == "" || len(id.Subject) > 255 || strings.ContainsFunc(id.Subject, unicode.IsControl) || id.Issuer == "" {
		return lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "%s: the answer has no usable account id", t.Name)
	}
	return nil
}

// unverified says that the provider itself does not vouch for the e-mail address (OpenID Connect Core §5.7).
func unverified(f Fields) bool {
	switch v := f["email_verified"].(type) {
	case bool:
		return !v
	case string:
		return v == "false"
	}
	return false
}

// cleanText makes hostile text short and free of control characters; escaping is for whoever shows it.
func cleanText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
	for len(s) > 320 {
		_, n := utf8.DecodeLastRuneInString(s[:min(len(s), 324)])
		s = s[:min(len(s), 324)-n]
	}
	return strings.TrimSpace(s)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
