package sandbox

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// authRequest is a checked authorization request (RFC 6749 §4.1.1) that waits for the person to decide.
type authRequest struct {
	provider *provider
	client   *Client

	redirectURI   string
	redirectGiven bool // else the client's only one was taken (RFC 6749 §3.1.2.3)
	state         string
	hasState      bool
	nonce         string
	challenge     string
	method        string // S256, plain
	scopes        []string
	userScopes    []string // Slack: for the person's own token
	optional      []string // may be left out by the person
	offline       bool
	fresh         bool // the person is asked again though they agreed before
	incremental   bool // Google: earlier scopes are included
	tenant        string
	hint          string
	expires       time.Time
}

// authCode is an authorization code that has been sent out.
type authCode struct {
	*authRequest
	person     *Person
	granted    []string
	userGrant  []string
	expires    time.Time
	spent      bool
	grants     []*grant // what it was traded for
	authorized time.Time
}

// challenges look like base64url of 32 bytes for S256, and like a verifier for plain (RFC 7636 §4.2).
var (
	challengeS256 = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	verifierForm  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
)

// authorize is the authorization endpoint of every provider.
func (s *Sandbox) authorize(p *provider) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method == http.MethodPost { // OIDC Core §3.1.2.1
			if err := r.ParseForm(); err == nil {
				q = r.PostForm
			}
		}
		req, problem := s.checkAuthorize(p, q, r.PathValue("tenant"))
		if problem != nil {
			s.wrongPage(w, p, problem)
			return
		}
		if code, text := s.checkRest(req, q); code != "" {
			s.redirect(w, r, req, url.Values{"error": {code}, "error_description": {text}})
			return
		}
		if q.Get("prompt") == "none" {
			s.redirect(w, r, req, url.Values{"error": {"interaction_required"}, "error_description": {"nobody is signed in"}})
			return
		}
		name := q.Get("sandbox_person")
		if name == "" {
			s.consentPage(w, r, req, p.person(req.hint))
			return
		}
		who := p.person(name)
		if who == nil {
			s.wrongPage(w, p, &mistake{"Nobody by that name", "sandbox_person=" + name + " is not one of the cast.", "unknown person"})
			return
		}
		switch q.Get("sandbox_consent") {
		case "allow":
			granted := req.scopes
			if q.Has("sandbox_scopes") {
				only := split(q.Get("sandbox_scopes"))
				granted = slices.DeleteFunc(slices.Clone(granted), func(x string) bool { return !slices.Contains(only, x) })
			}
			s.allow(w, r, req, who, granted)
		case "deny":
			s.deny(w, r, req, who)
		default:
			s.consentPage(w, r, req, who)
		}
	}
}

// mistake is shown to the person, because there is no redirect URI that could be trusted with it (RFC 6749 §4.1.2.1).
type mistake struct{ title, text, cause string }

func (s *Sandbox) checkAuthorize(p *provider, q url.Values, tenant string) (*authRequest, *mistake) {
	for name, values := range q {
		if len(values) > 1 { // RFC 6749 §3.1
			return nil, &mistake{"Invalid request", "The parameter " + name + " is there more than once.", "doubled parameter"}
		}
	}
	c := s.client(p.id, q.Get("client_id"))
	if c == nil {
		return nil, s.unknownClient(p, q.Get("client_id"), q.Get("redirect_uri"))
	}
	if c.Disabled {
		return nil, &mistake{"App disabled", "This app has been switched off.", "client disabled"}
	}
	req := &authRequest{provider: p, client: c, redirectURI: q.Get("redirect_uri"), redirectGiven: q.Has("redirect_uri"), tenant: tenant}
	if !req.redirectGiven && len(c.RedirectURIs) == 1 && p.id != OIDC {
		req.redirectURI = c.RedirectURIs[0]
	}
	if !slices.Contains(c.RedirectURIs, req.redirectURI) {
		return nil, &mistake{redirectTitle(p.id), "The redirect URI of the request, " + req.redirectURI + ", is not on the list of this app. It must be the same, to the last character.", "redirect_uri mismatch"}
	}
	req.state, req.hasState = q.Get("state"), q.Has("state")
	if p.id == Microsoft {
		if why := knownTenant(p, tenant); why != "" {
			return nil, &mistake{"AADSTS90002", why, "unknown tenant"}
		}
	}
	return req, nil
}

func redirectTitle(provider string) string {
	switch provider {
	case Zoom:
		return "Invalid redirect (4,700)"
	case Google:
		return "Error 400: redirect_uri_mismatch"
	case Microsoft:
		return "AADSTS50011"
	case Slack:
		return "redirect_uri did not match any configured URIs"
	}
	return "Invalid redirect_uri"
}

// checkRest checks what may be answered at the redirect URI, and returns an error code of RFC 6749 §4.1.2.1.
func (s *Sandbox) checkRest(req *authRequest, q url.Values) (code, text string) {
	p, c := req.provider, req.client
	if rt := q.Get("response_type"); rt != "code" && (p.id != Slack || rt != "") {
		return "unsupported_response_type", "only response_type=code"
	}
	if m := q.Get("response_mode"); m != "" && m != "query" {
		return "invalid_request", "only response_mode=query"
	}
	req.challenge, req.method = q.Get("code_challenge"), q.Get("code_challenge_method")
	if req.challenge != "" && req.method == "" && p.plainPKCE {
		req.method = "plain"
	}
	switch {
	case req.challenge == "" && (p.needsPKCE || c.RequirePKCE || c.AuthMethod == "none"):
		return "invalid_request", "code_challenge is needed"
	case req.challenge == "" && req.method != "":
		return "invalid_request", "code_challenge_method without code_challenge"
	case req.challenge == "":
	case req.method == "S256" && !challengeS256.MatchString(req.challenge):
		return "invalid_request", "code_challenge is not base64url of 32 bytes"
	case req.method == "plain" && p.plainPKCE && verifierForm.MatchString(req.challenge):
	case req.method != "S256":
		return "invalid_request", "code_challenge_method must be S256"
	}
	req.scopes, req.userScopes = split(q.Get("scope")), split(q.Get("user_scope"))
	req.optional = split(q.Get("optional_scope"))
	for _, o := range req.optional {
		if !slices.Contains(req.scopes, o) {
			req.scopes = append(req.scopes, o)
		}
	}
	if len(req.scopes) == 0 && len(req.userScopes) == 0 {
		switch {
		case p.id == Zoom && len(c.Scopes) > 0: // the scopes come from the app's build page
			req.scopes = slices.Clone(c.Scopes)
		case len(p.defaultScopes) > 0:
			req.scopes = slices.Clone(p.defaultScopes)
		default:
			return "invalid_scope", "scope is empty"
		}
	}
	if !c.allows(req.scopes) || !c.allows(req.userScopes) {
		return "invalid_scope", "the app is not registered for all of these scopes"
	}
	if p.id == OIDC && !slices.Contains(req.scopes, "openid") {
		return "invalid_scope", "scope must contain openid"
	}
	if p.untick {
		req.optional = slices.DeleteFunc(slices.Clone(req.scopes), func(x string) bool { return x == "openid" })
	}
	req.nonce = q.Get("nonce")
	req.hint = q.Get("login_hint")
	req.incremental = q.Get("include_granted_scopes") == "true"
	req.fresh = slices.Contains(strings.Fields(q.Get("prompt")), "consent")
	switch p.id {
	case Google:
		req.offline = q.Get("access_type") == "offline"
	case Microsoft, OIDC:
		req.offline = slices.Contains(req.scopes, "offline_access")
	case Slack:
		req.offline = c.Rotation
	default:
		req.offline = true
	}
	return "", ""
}

// allow makes the code and sends the browser back with it.
func (s *Sandbox) allow(w http.ResponseWriter, r *http.Request, req *authRequest, who *Person, granted []string) {
	if who.Status != "active" && !req.provider.inactiveSignIn {
		s.redirect(w, r, req, url.Values{"error": {"access_denied"}, "error_description": {"the account is deactivated"}})
		return
	}
	var kept []string
	for _, x := range req.scopes { // in the order of the request, and never less than what was not optional
		if slices.Contains(granted, x) || !slices.Contains(req.optional, x) {
			kept = append(kept, x)
		}
	}
	if req.incremental {
		for _, g := range s.grants {
			if g.client == req.client && g.person == who && g.ended == "" {
				kept = append(kept, slices.DeleteFunc(slices.Clone(g.scopes), func(x string) bool { return slices.Contains(kept, x) })...)
			}
		}
	}
	code := "sbx_code_" + randomText(40)
	now := time.Now()
	s.sweepCodes(now)
	s.codes[code] = &authCode{authRequest: req, person: who, granted: kept, userGrant: req.userScopes, expires: now.Add(req.provider.codeTTL), authorized: now}
	e := Entry{Provider: req.provider.id, Client: req.client.ID, Person: who.Handle, Kind: "code"}
	e.Event, e.Detail = "consent", strings.Join(append(slices.Clone(kept), req.userScopes...), " ")
	s.ledger.add(e)
	e.Event, e.Detail, e.Fingerprint = "issued", "", Fingerprint(code)
	s.ledger.add(e)
	out := url.Values{"code": {code}}
	switch req.provider.id {
	case Google:
		out.Set("scope", strings.Join(kept, " "))
		out.Set("authuser", "0")
	case Microsoft:
		out.Set("session_state", guid([32]byte{1}))
	}
	s.redirect(w, r, req, out)
}

// sweepCodes forgets codes that are long expired. A spent code is remembered for an hour, so that its reuse can be seen.
func (s *Sandbox) sweepCodes(now time.Time) {
	if len(s.codes) < max(1000, s.sweepAt) {
		return
	}
	for k, c := range s.codes {
		if now.After(c.expires.Add(time.Hour)) || len(s.codes) > 100_000 {
			delete(s.codes, k)
		}
	}
	s.sweepAt = 2 * len(s.codes)
}

func (s *Sandbox) deny(w http.ResponseWriter, r *http.Request, req *authRequest, who *Person) {
	e := Entry{Event: "denied", Provider: req.provider.id, Client: req.client.ID}
	if who != nil {
		e.Person = who.Handle
	}
	s.ledger.add(e)
	out := url.Values{"error": {"access_denied"}}
	if req.provider.id == Microsoft {
		out.Set("error_description", "AADSTS65004: User declined to consent to access the app.")
	}
	s.redirect(w, r, req, out)
}

// redirect answers the authorization request at the client's redirect URI.
func (s *Sandbox) redirect(w http.ResponseWriter, r *http.Request, req *authRequest, out url.Values) {
	if req.hasState {
		out.Set("state", req.state)
	}
	if req.provider.issParam {
		out.Set("iss", s.issuer(req.provider))
	}
	to := req.redirectURI
	if strings.Contains(to, "?") {
		to += "&" + out.Encode()
	} else {
		to += "?" + out.Encode()
	}
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", to)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
}

// issuer is what a provider calls itself.
func (s *Sandbox) issuer(p *provider) string { return s.base + "/" + p.id }

// verified checks a code_verifier (RFC 7636 §4.6).
func (req *authRequest) verified(verifier string) bool {
	if !verifierForm.MatchString(verifier) {
		return false
	}
	if req.method == "plain" {
		return verifier == req.challenge
	}
	h := sha256Sum(verifier)
	return base64.RawURLEncoding.EncodeToString(h[:]) == req.challenge
}
