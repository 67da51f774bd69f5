package provider

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"lanyard"
)

// AuthorizeURL writes the authorization request (RFC 6749 §4.1.1): every parameter once, none empty, S256 or no challenge.
// Scopes that begin with UserScope go into the provider's own parameter for them, where it has one.
func (t *Target) AuthorizeURL(r AuthorizeRequest) string {
	rules := t.def.Authorize
	u, err := url.Parse(t.def.Endpoints.Authorize)
	if err != nil {
		return "" // checked when the target was made
	}
	q := u.Query()
	set := func(k, v string) {
		if v != "" && k != "" {
			q.Set(k, v)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(rules.Params)) {
		set(k, rules.Params[k])
	}
	set(rules.LoginHint, r.LoginHint)
	asked := t.Scopes(r.Scopes)
	optional := unique(r.ScopesOptional)
	optional = slices.DeleteFunc(optional, func(s string) bool { return slices.Contains(asked, s) })
	if rules.OptionalParam == "" {
		asked, optional = slices.Concat(asked, optional), nil
	}
	if rules.UserParam != "" {
		var own []string
		for _, s := range t.ScopesFor("user", asked) {
			own = append(own, strings.TrimPrefix(s, UserScope))
		}
		set(rules.UserParam, strings.Join(own, t.separator()))
		asked = t.ScopesFor("bot", asked)
	}
	set("scope", strings.Join(asked, t.separator()))
	set(rules.OptionalParam, strings.Join(optional, t.separator()))
	if slices.Contains(asked, "openid") {
		set("nonce", r.Nonce)
	}
	if t.PKCE && r.Challenge != "" {
		set("code_challenge", r.Challenge)
		set("code_challenge_method", "S256")
	}
	// Last, so that nothing above can put itself in their place.
	set("response_type", "code")
	set("client_id", t.ClientID)
	set("redirect_uri", r.RedirectURI)
	set("state", r.State)
	u.RawQuery = q.Encode()
	return u.String()
}

func (t *Target) separator() string {
	if s := t.def.Authorize.ScopeSeparator; s != "" {
		return s
	}
	return " "
}

// CheckIssuer compares iss of an authorization answer, success or error, with the issuer of this flow: simple string equality
// (RFC 9207 §2.4). It is called before the code goes anywhere. Errors are CodeIssuerMismatch.
func (t *Target) CheckIssuer(iss string, present bool) error {
	switch template := t.def.Endpoints.Issuer; {
	case !present && t.IssuerRequired:
		return lanyard.Errorf(lanyard.CodeIssuerMismatch, "")
	case !present || template == "":
		return nil // a provider without a known issuer is told apart by the redirect URI of its own (RFC 9700 §4.4.2)
	case t.Issuer != "" && iss == t.Issuer:
		return nil
	case strings.Contains(template, "{tid}"):
		before, after, _ := strings.Cut(template, "{tid}")
		if tid, ok := strings.CutPrefix(iss, before); ok && strings.HasSuffix(tid, after) && guid.MatchString(strings.TrimSuffix(tid, after)) {
			return nil
		}
	}
	return lanyard.Errorf(lanyard.CodeIssuerMismatch, "")
}
