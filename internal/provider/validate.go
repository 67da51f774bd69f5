package provider

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"lanyard"
)

// Problem is one thing that is wrong with a definition: where, in the words of the file, and what.
type Problem struct {
	Field string // "endpoints.token"
	What  string
}

func (p Problem) Error() string { return p.Field + ": " + p.What }

var (
	idShape   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	pathShape = regexp.MustCompile(`^(token:)?[A-Za-z0-9_:/-]+([.|+][A-Za-z0-9_:/-]+)*$`)
	hostShape = regexp.MustCompile(`^[a-z0-9.{}-]+(:[0-9]+)?$`)
)

// Validate returns everything that is wrong with a definition; nothing: it can be used.
func (d *Definition) Validate() []Problem {
	var out []Problem
	bad := func(field, format string, args ...any) {
		out = append(out, Problem{field, fmt.Sprintf(format, args...)})
	}
	oneOf := func(field, v string, allowed ...string) {
		if !slices.Contains(allowed, v) {
			bad(field, "%q is not one of %s", v, strings.Join(slices.DeleteFunc(allowed, func(s string) bool { return s == "" }), ", "))
		}
	}
	if !idShape.MatchString(d.ID) {
		bad("id", "lower-case letters, digits and dashes")
	}
	if d.Name == "" || len(d.Name) > 64 {
		bad("name", "missing or longer than 64 characters")
	}
	d.validateEndpoints(bad)
	oneOf("client_auth", d.ClientAuth, AuthBasic, AuthPost, AuthNone)
	oneOf("class", string(d.Class), "", string(ClassStatic), string(ClassOverlap), string(ClassGrace), string(ClassStrict), string(ClassReuseKill))
	oneOf("authorize.pkce", d.Authorize.PKCE, "", PKCERequired, PKCESupported, PKCEUnknown, PKCEPublicOnly, PKCEUnsupported)
	oneOf("authorize.scope_separator", d.Authorize.ScopeSeparator, "", " ", ",", "+", ";")
	oneOf("revoke.style", d.Revoke.Style, "", RevokeNone, RevokeRFC, RevokeAccess, RevokeBearer)
	oneOf("revoke.auth", d.Revoke.Auth, "", AuthBasic, AuthPost, AuthNone)
	oneOf("probe", d.Probe, "", ProbeClientCredentials, ProbeBogusRefresh, ProbeNone)
	oneOf("identity.method", d.Identity.Method, "", "GET", "POST")
	for _, k := range slices.Sorted(maps.Keys(d.Authorize.Params)) {
		switch k {
		case "response_type", "client_id", "redirect_uri", "state", "scope", "nonce", "code_challenge", "code_challenge_method", "request", "request_uri":
			bad("authorize.params."+k, "is ours to say")
		}
	}
	if d.Class == ClassGrace && (d.Times.Grace < 1 || d.Times.Grace > 86400) {
		bad("times.grace", "class grace needs it, 1 to 86400 seconds")
	}
	for _, n := range []struct {
		field string
		v     int64
	}{{"times.access", d.Times.Access}, {"times.refresh", d.Times.Refresh}, {"times.refresh_idle", d.Times.RefreshIdle}, {"times.consent", d.Times.Consent}, {"times.code", d.Times.Code}} {
		if n.v < 0 && !(n.field == "times.access" && n.v == -1) || n.v > 20*365*86400 {
			bad(n.field, "seconds, 0 where it is not known")
		}
	}
	if r := d.Rules.RenewalsPerSecond; r != 0 && !(r >= 0.01 && r <= 1000) {
		bad("rules.renewals_per_second", "0.01 to 1000, or left out where it is not known")
	}
	d.validateIdentity(bad)
	for _, k := range slices.Sorted(maps.Keys(d.Errors)) {
		if err := d.Errors[k].check(); err != nil || k == "" {
			bad("errors."+k, "%v", err)
		}
	}
	for i, s := range d.Scopes {
		if s.Scope == "" || strings.ContainsAny(s.Scope, " \t\r\n") || s.Say == "" {
			bad(fmt.Sprintf("scopes[%d]", i), "needs s and say, and s has no spaces")
		}
	}
	for i, l := range d.Cannot {
		if l.Say == "" {
			bad(fmt.Sprintf("cannot[%d]", i), "needs say")
		}
	}
	return out
}

func (d *Definition) validateEndpoints(bad func(field, format string, args ...any)) {
	d.Endpoints.each(func(name string, v *string) {
		field := "endpoints." + name
		switch {
		case *v == "" && (name == "authorize" || name == "token"):
			bad(field, "missing")
			return
		case *v == "":
			return
		}
		probe := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllStringFunc(strings.ReplaceAll(*v, "{api}", d.Endpoints.API), func(m string) string {
			if _, known := d.Params[m[1:len(m)-1]]; !known && m != "{tid}" {
				bad(field, "%s is not among the params", m)
			}
			return "x"
		})
		u, err := url.Parse(probe)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && lanyard.Loopback(u.Hostname())) {
			bad(field, "must be an absolute https URL without user and fragment")
		}
	})
	for i, h := range d.APIHosts {
		if !hostShape.MatchString(h) {
			bad(fmt.Sprintf("api_hosts[%d]", i), "a host name in lower case")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Params)) {
		p := d.Params[name]
		re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
		if err != nil || p.Pattern == "" {
			bad("params."+name, "pattern is not a regular expression")
		} else if p.Default != "" && !re.MatchString(p.Default) {
			bad("params."+name, "default does not match pattern")
		}
	}
}

func (d *Definition) validateIdentity(bad func(field, format string, args ...any)) {
	i := d.Identity
	for _, p := range []struct{ field, path string }{
		{"subject", i.Subject}, {"email", i.Email}, {"name", i.Name}, {"organization", i.Organization}, {"state", i.State},
		{"claims.subject", i.Claims.Subject}, {"claims.email", i.Claims.Email}, {"claims.name", i.Claims.Name}, {"claims.organization", i.Claims.Organization}} {
		if p.path != "" && !pathShape.MatchString(p.path) {
			bad("identity."+p.field, "not a path such as user.id")
		}
	}
	switch {
	case i.Subject == "" && i.Claims.Subject == "":
		bad("identity.subject", "missing: without it nobody knows whose account it is")
	case i.Subject != "" && !strings.HasPrefix(i.Subject, "token:") && d.Endpoints.Identity == "":
		bad("endpoints.identity", "missing, though identity.subject is read there")
	}
	if i.Claims.Subject != "" && (d.Endpoints.Issuer == "" || d.Endpoints.JWKS == "" && d.Endpoints.Discovery == "") {
		bad("identity.claims", "ID tokens need endpoints.issuer, and endpoints.jwks or endpoints.discovery")
	}
	if (i.State == "") != (i.StateActive == "") {
		bad("identity.state", "state and state_active belong together")
	}
	for _, a := range i.Algorithms {
		if !slices.ContainsFunc(algorithms, func(known jose.SignatureAlgorithm) bool { return string(known) == a }) {
			bad("identity.algorithms", "%q is not an asymmetric signature algorithm", a)
		}
	}
}
