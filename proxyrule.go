package lanyard

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ProxyRule is one kind of call that a key or a bot may make through the proxy. A call is
// let through by the first rule that fits it; where there are rules and none fits, it is
// refused.
type ProxyRule struct {
	Methods   []string              `json:"methods"`              // GET, POST …
	Host      string                `json:"host,omitempty"`       // one of the provider's API hosts; empty: the usual one
	Path      string                `json:"path"`                 // "/v2/users/me/meetings"; "*" is one segment, "**" at the end the rest
	Query     map[string]QueryLimit `json:"query,omitempty"`      // parameters it may have; empty: any
	Headers   []string              `json:"headers,omitempty"`    // headers it may carry beside the usual ones
	MaxAnswer int64                 `json:"max_answer,omitempty"` // bytes; 0: the server's limit
}

// ProxyMethods are those that the proxy knows. TRACE is not one: its answer is the request,
// and with it the token.
var ProxyMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// ProxyCall is a call as rules see it.
type ProxyCall struct {
	Method string
	Host   string     // that the caller has named; empty: the usual one
	Paths  [][]string // what servers may take the path for, in segments: decoded once, twice …
	Query  url.Values
}

// Fits says whether the rule lets the call through; now is in the project's time zone. A
// path has to fit in every reading: what a server makes of %2F is not ours to know.
func (r ProxyRule) Fits(c ProxyCall, now time.Time) bool {
	if !slices.Contains(r.Methods, c.Method) || r.Host != c.Host || len(c.Paths) == 0 {
		return false
	}
	pattern := segmentsOf(r.Path)
	for _, path := range c.Paths {
		if !fitsPath(pattern, path) {
			return false
		}
	}
	if len(r.Query) == 0 {
		return true
	}
	for name, values := range c.Query {
		limit, known := r.Query[name]
		if !known || len(values) != 1 || !limit.Fits(values[0], now) {
			return false
		}
	}
	for name, limit := range r.Query {
		if limit.Required && len(c.Query[name]) == 0 {
			return false
		}
	}
	return true
}

// FitProxy returns the first rule that fits.
func FitProxy(rules []ProxyRule, c ProxyCall, now time.Time) (ProxyRule, bool) {
	i := slices.IndexFunc(rules, func(r ProxyRule) bool { return r.Fits(c, now) })
	if i < 0 {
		return ProxyRule{}, false
	}
	return rules[i], true
}

func segmentsOf(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

func fitsPath(pattern, path []string) bool {
	for i, p := range pattern {
		switch {
		case p == "**":
			return len(path) > i
		case i >= len(path), p == "*" && path[i] == "", p != "*" && p != path[i]:
			return false
		}
	}
	return len(path) == len(pattern)
}

const (
	mostRules  = 50
	mostLimits = 30 // parameters of a rule, and values of a parameter
)

// CheckProxyRules returns what is wrong with rules, as CodeInvalidRequest.
func CheckProxyRules(rules []ProxyRule) error {
	if len(rules) > mostRules {
		return Errorf(CodeInvalidRequest, "rules: at most %d", mostRules)
	}
	for i, r := range rules {
		if err := r.check(); err != "" {
			return Errorf(CodeInvalidRequest, "rules[%d]: %s", i, err)
		}
	}
	return nil
}

func (r ProxyRule) check() string {
	if len(r.Methods) == 0 {
		return "methods: say at least one of " + strings.Join(ProxyMethods, ", ")
	}
	for _, m := range r.Methods {
		if !slices.Contains(ProxyMethods, m) {
			return "methods: there are " + strings.Join(ProxyMethods, ", ")
		}
	}
	segments := segmentsOf(r.Path)
	switch {
	case !strings.HasPrefix(r.Path, "/") || len(r.Path) > 512 || strings.ContainsAny(r.Path, "%?#\\") || strings.ContainsFunc(r.Path, control):
		return "path: begins with a slash, and is written as it is, without % and without a query"
	case len(r.Query) > mostLimits || len(r.Headers) > mostLimits:
		return "query, headers: at most 30"
	case r.MaxAnswer < 0:
		return "max_answer: a number of bytes"
	case r.Host != strings.ToLower(r.Host) || strings.ContainsAny(r.Host, "/@?#%\\ *"):
		return "host: a host name in lower case"
	}
	for i, s := range segments {
		switch {
		case s == "." || s == ".." || s == "" && i < len(segments)-1:
			return "path: has an empty segment, or one of dots"
		case s == "**" && i < len(segments)-1 || strings.Contains(s, "*") && s != "*" && s != "**":
			return "path: * stands for a whole segment, and ** for the rest"
		}
	}
	for name, limit := range r.Query {
		if name == "" || strings.ContainsFunc(name, control) {
			return "query: a parameter has no name"
		}
		if err := limit.check(); err != "" {
			return "query: " + err
		}
	}
	for _, h := range r.Headers {
		if h == "" || strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "headers: letters, digits and hyphens"
		}
	}
	return ""
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// ProxyWithin says whether whoever has the rules theirs may give away those: each is one of
// theirs. No rules are no limit.
func ProxyWithin(theirs, given []ProxyRule) bool {
	if len(theirs) == 0 {
		return true
	}
	for _, g := range given {
		if !slices.ContainsFunc(theirs, g.equal) {
			return false
		}
	}
	return len(given) > 0
}
