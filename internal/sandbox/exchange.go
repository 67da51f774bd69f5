package sandbox

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"time"
)

func sha256Sum(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// tokenEndpoint is the token endpoint of every provider (RFC 6749 §3.2).
func (s *Sandbox) tokenEndpoint(p *provider) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, f := s.exchange(p, r)
		if f != nil {
			p.refuse(w, f)
			return
		}
		if to, ok := w.(*reply); ok {
			to.tokens = out
		}
		p.answer(s, w, r, out)
	}
}

func (s *Sandbox) exchange(p *provider, r *http.Request) ([]issued, *refusal) {
	form, f := s.tokenForm(p, r)
	if f != nil {
		return nil, f
	}
	c, f := s.authenticate(p, r, form)
	if f != nil {
		s.ledger.add(Entry{Event: "refused", Provider: p.id, Kind: "client", Client: form.Get("client_id"), Detail: f.code})
		return nil, f
	}
	grantType := form.Get("grant_type")
	if p.id == Slack && grantType == "" { // oauth.v2.access trades codes unless told otherwise
		grantType = "authorization_code"
	}
	switch grantType {
	case "authorization_code":
		return s.redeem(p, c, form)
	case "refresh_token":
		if form.Get("refresh_token") == "" {
			return nil, refuse("invalid_request", causeRequest, "refresh_token is missing")
		}
		if p.id == Slack && !c.Rotation {
			return nil, refuse("invalid_grant", causeNotPermitted, "token rotation is off")
		}
		out, f := s.refresh(p, c, form.Get("refresh_token"), split(form.Get("scope")))
		return []issued{out}, f
	case "client_credentials":
		if p.id == Zoom && c.AuthMethod != "none" {
			return s.appToken(p, c, form)
		}
	case "":
		return nil, refuse("invalid_request", causeRequest, "grant_type is missing")
	}
	return nil, refuse("unsupported_grant_type", causeGrantType, "unsupported grant type")
}

// tokenForm reads the parameters; each may be there once (RFC 6749 §3.2).
func (s *Sandbox) tokenForm(p *provider, r *http.Request) (url.Values, *refusal) {
	if err := r.ParseForm(); err != nil {
		return nil, refuse("invalid_request", causeRequest, "malformed form")
	}
	form := r.PostForm
	if p.queryParams {
		form = r.Form
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, refuse("invalid_request", causeRequest, "doubled parameter "+name)
		}
	}
	return form, nil
}

// authenticate finds the client of a token request (RFC 6749 §2.3). It takes Basic before the form where both are allowed.
func (s *Sandbox) authenticate(p *provider, r *http.Request, form url.Values) (*Client, *refusal) {
	id, secret, basic := r.BasicAuth()
	method := "client_secret_basic"
	switch {
	case basic:
		id, secret = unescape(id), unescape(secret) // RFC 6749 §2.3.1: both were form-encoded
		if p.strictAuth && form.Has("client_secret") {
			return nil, refuse("invalid_request", causeRequest, "two ways of client authentication")
		}
	case form.Has("client_secret"):
		method, id, secret = "client_secret_post", form.Get("client_id"), form.Get("client_secret")
	default:
		method, id = "none", form.Get("client_id")
	}
	if id == "" {
		return nil, refuse("invalid_client", causeUnknown, "client_id is missing")
	}
	c := s.client(p.id, id)
	if c == nil {
		return nil, refuse("invalid_client", causeUnknown, "unknown client")
	}
	want := c.AuthMethod
	if want == "" && p.strictAuth {
		want = "client_secret_basic"
	}
	switch {
	case c.Disabled:
		return nil, refuse("invalid_client", causeDisabled, "the app is disabled")
	case want != "" && want != method:
		return nil, refuse("invalid_client", causeSecret, "registered for "+want)
	case want == "" && method == "none":
		return nil, refuse("invalid_client", causeSecret, "client authentication is missing")
	case method != "none" && !c.secretIs(secret):
		return nil, refuse("invalid_client", causeSecret, "wrong secret")
	}
	return c, nil
}

// redeem trades an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6). A code that was shown with a wrong verifier or redirect URI is spent.
func (s *Sandbox) redeem(p *provider, c *Client, form url.Values) ([]issued, *refusal) {
	text := form.Get("code")
	if text == "" {
		return nil, refuse("invalid_request", causeRequest, "code is missing")
	}
	e := Entry{Event: "refused", Provider: p.id, Kind: "code", Client: c.ID, Fingerprint: Fingerprint(text)}
	fail := func(code string, why cause, detail string) ([]issued, *refusal) {
		e.Detail = detail
		s.ledger.add(e)
		return nil, refuse(code, why, detail)
	}
	code := s.codes[text]
	if code == nil || code.client != c {
		return fail("invalid_grant", causeCode, "unknown code")
	}
	e.Person = code.person.Handle
	if code.spent {
		e.Event = "reuse_detected"
		if p.codeReuseRevokes {
			for _, g := range code.grants {
				s.end(g, "code_reuse")
			}
		}
		return fail("invalid_grant", causeCodeUsed, "code was used before")
	}
	if !time.Now().Before(code.expires) {
		e.Event = "expired"
		return fail("invalid_grant", causeCodeExpired, "code has expired")
	}
	code.spent = true
	if given := form.Get("redirect_uri"); given != code.redirectURI && (code.redirectGiven || given != "") {
		return fail("invalid_grant", causeRedirect, "redirect_uri differs from the authorization request")
	}
	verifier := form.Get("code_verifier")
	switch {
	case code.challenge != "" && verifier == "":
		return fail("invalid_grant", causeVerifier, "code_verifier is missing")
	case code.challenge != "" && !code.verified(verifier):
		return fail("invalid_grant", causeVerifier, "code_verifier does not match")
	case code.challenge == "" && verifier != "" && p.strictAuth: // a downgrade (RFC 9700 §4.8.2)
		return fail("invalid_grant", causeVerifier, "code_verifier without a code_challenge")
	}
	e.Event = "used"
	s.ledger.add(e)
	return s.fulfil(p, code, e.Fingerprint), nil
}

// fulfil makes the grants that a code stands for: one, or at Slack one each for bot and user.
func (s *Sandbox) fulfil(p *provider, code *authCode, parent string) []issued {
	type want struct {
		kind   string
		scopes []string
	}
	wants := []want{{"user", code.granted}}
	if p.id == Slack {
		wants = nil
		if len(code.granted) > 0 {
			wants = append(wants, want{"bot", code.granted})
		}
		if len(code.userGrant) > 0 {
			wants = append(wants, want{"user", code.userGrant})
		}
	}
	var out []issued
	for _, x := range wants {
		offline := code.offline
		if p.id == Google && !code.fresh && s.agreedBefore(code) {
			offline = false
		}
		g := &grant{client: code.client, person: code.person, kind: x.kind, tenant: code.tenant, offline: offline,
			scopes: slices.DeleteFunc(slices.Clone(x.scopes), unechoed)}
		s.open(p, g)
		code.grants = append(code.grants, g)
		one := s.give(p, g, g.scopes, parent, offline)
		one.code = code
		out = append(out, one)
	}
	return out
}

// agreedBefore tells whether the client has a refresh token of this person: Google gives no second one unless the person is asked again.
func (s *Sandbox) agreedBefore(code *authCode) bool {
	return slices.ContainsFunc(s.grants, func(g *grant) bool {
		return g.client == code.client && g.person == code.person && g.ended == "" && g.offline
	})
}

// appToken is the client_credentials grant (RFC 6749 §4.4): a token of the app's own, and a way to try a secret.
func (s *Sandbox) appToken(p *provider, c *Client, form url.Values) ([]issued, *refusal) {
	scopes := split(form.Get("scope"))
	if !c.allows(scopes) {
		return nil, refuse("invalid_scope", causeScope, "not a scope of this app")
	}
	g := &grant{client: c, kind: "app", scopes: scopes}
	s.open(p, g)
	return []issued{s.give(p, g, scopes, "", false)}, nil
}
