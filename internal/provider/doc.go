// Package provider speaks OAuth with the providers of the catalogue: what is asked, what is sent, and what an answer means.
//
//	Definition  one provider as data: endpoints, fixed client authentication, class, times, errors, scopes in plain words
//	Target      a definition joined with one app: everything that app's calls need, resolved and fixed
//	AuthorizeURL → Exchange → Parse → Identify → Refresh → Parse → … → Revoke
//
// Exchange and Refresh send once and return a raw Answer, which the caller keeps before anybody reads it. Parse is pure: the
// same answer gives the same result a year later, so a fault in it is mended by the next release and not by the person.
// No provider's text leaves Parse but its error code, cleaned. When and whether to call is decided elsewhere (threats: I1–I21).
package provider
