package page

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Policy is what a page lets the browser do (CSP Level 3): nothing but our own
// style and script, no frame around it, no inline code. The zero Policy is the
// strictest.
type Policy struct {
	Image string // origin of the project's logo
	Leave string // form-action of the page with the form that goes to the provider
}

// Leaving is the form-action of a page with Continue on it. Chromium applies
// form-action to every redirect that follows the POST: the provider, a company's
// single sign-on behind it, our callback and the customer's return URL. Those in
// between cannot be known, so a list would break sign-in for some people only;
// what is named is what all of them have in common. Plain http is for this
// machine; a server that is itself there lets all of it pass, since a CSP has no
// word for [::1].
func Leaving(https bool) string {
	if https {
		return "'self' https: http://localhost:* http://127.0.0.1:*"
	}
	return "'self' https: http:"
}

func (p Policy) csp() string {
	img, form := "'self'", "'self'"
	if p.Image != "" {
		img += " " + p.Image
	}
	if p.Leave != "" {
		form = p.Leave
	}
	return strings.Join([]string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
		"img-src " + img, "base-uri 'none'", "form-action " + form, "frame-ancestors 'none'"}, "; ")
}

// Set puts it, and what goes with it, into the headers of an answer.
func (p Policy) Set(h http.Header) {
	h.Set("Content-Security-Policy", p.csp())
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// A page of ours in a pop-up has to reach the page that opened it, which any
	// other value would cut off.
	h.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
}

var hostShape = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// WebURL returns u if it is an http or https URL with a plain host, and its
// origin as a CSP takes it; "" and "" otherwise. A host of another shape could
// end a directive and begin one of its own.
func WebURL(s string) (clean, origin string) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !hostShape.MatchString(u.Host) {
		return "", ""
	}
	return u.String(), u.Scheme + "://" + u.Host
}
