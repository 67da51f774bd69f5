package sandbox

import (
	"net/http"
	"time"
)

// provider is what distinguishes one pretend provider from the next, as data.
type provider struct {
	id, name string
	people   []*Person
	crowd    map[string]*Person
	key      signer

	class      Class
	accessTTL  time.Duration // 0: access tokens do not expire
	refreshTTL time.Duration // 0: refresh tokens do not expire
	codeTTL    time.Duration

	oneGrant         bool // authorising again kills the person's earlier grants of the same client
	killsAccess      bool // rotating kills the access tokens issued before
	needsPKCE        bool
	plainPKCE        bool // takes the method "plain", and means it when none is named (RFC 7636 §4.3)
	queryParams      bool // the token endpoint takes parameters from the query too
	strictAuth       bool // clients authenticate as registered and in no other way
	issParam         bool // names itself in the authorization answer (RFC 9207)
	codeReuseRevokes bool // a code used twice takes its tokens with it (RFC 6749 §4.1.2)
	untick           bool // the person may leave out single scopes
	inactiveSignIn   bool // a deactivated person can still consent

	defaultScopes []string
	refuse        func(w http.ResponseWriter, f *refusal) // writes a token endpoint's error in this provider's words
	answer        func(s *Sandbox, w http.ResponseWriter, r *http.Request, out []issued)
}

func allProviders() (map[string]*provider, []string) {
	list := []*provider{zoomProvider(), googleProvider(), microsoftProvider(), slackProvider(), oidcProvider()}
	byID := make(map[string]*provider, len(list))
	var order []string
	for _, p := range list {
		byID[p.id] = p
		order = append(order, p.id)
	}
	return byID, order
}

// refusal is why a token request was turned down; each provider puts it into its own words.
type refusal struct {
	code  string // as in RFC 6749 §5.2
	cause cause
	text  string
}

// cause says more than RFC 6749's six words do.
type cause int

const (
	causeRequest      cause = iota // malformed, or a parameter is missing or doubled
	causeGrantType                 // this endpoint does not know the grant type
	causeUnknown                   // no such client
	causeSecret                    // wrong secret, or authenticated in the wrong way
	causeDisabled                  // the client is switched off
	causeCode                      // no such code, or it belongs to another client
	causeCodeUsed                  // the code was spent before
	causeCodeExpired               // the code came late
	causeRedirect                  // redirect_uri differs from the authorization request
	causeVerifier                  // PKCE failed
	causeRefresh                   // no such refresh token, or it belongs to another client
	causeRefreshUsed               // rotated away
	causeRefreshOld                // expired
	causeRevoked                   // the person or the provider ended the grant
	causeScope                     // asks for more than was granted
	causeNotPermitted              // this client may not use this
)

func refuse(code string, c cause, text string) *refusal {
	return &refusal{code: code, cause: c, text: text}
}
