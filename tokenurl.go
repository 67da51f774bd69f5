package lanyard

import (
	"slices"
	"time"
)

// TokenContract is how a token URL is asked and answers.
type TokenContract string

const (
	ContractPlain      TokenContract = "plain"      // text/plain: Recall, Meeting BaaS, and who knows no other
	ContractMeetStream TokenContract = "meetstream" // GET text/plain, POST JSON
	ContractAttendee   TokenContract = "attendee"   // POST, JSON with up to four tokens
)

// TokenContracts lists every contract.
var TokenContracts = []TokenContract{ContractPlain, ContractMeetStream, ContractAttendee}

// TokenURL is a capability: whoever has its secret gets a token of its type, for the
// meetings and from the networks it names. It reaches no further than the key that made it.
type TokenURL struct {
	ID         TokenURLID
	Project    ProjectID
	Name       string
	SecretHash []byte        // keyed; the secret itself is shown once
	Types      []string      // onbehalf, zak, local_recording, access_token: one; with Attendee's contract all that can be had of them
	Contract   TokenContract //
	Sealed     []byte        // TokenURLData, under the project's key; nil: nothing is in it
	Bot        BotID         // made for a bot: it decides on whose behalf; empty: none
	Candidates []Candidate   // on whose behalf, in order; empty with Attendee's contract: whom the call names
	Scopes     []string      // an access token must carry them
	CIDRs      []string      // it may be called from; empty: anywhere
	Key        KeyID         // that made it; empty: the operator
	Providers  []string      // connections at these only; empty: all
	Labels     []string      // with these labels only; empty: all
	ExpiresAt  time.Time     // zero: never
	RevokedAt  time.Time
	LastUsedAt time.Time // up to 30 seconds late
	CreatedAt  time.Time
}

// TokenURLData is what is sealed of a token URL.
type TokenURLData struct {
	Meetings []string `json:"meetings,omitempty"` // numbers of those it is for; empty: any
	Signing  []byte   `json:"signing,omitempty"`  // what its caller signs with, or sends; empty: it does neither
}

// InForce says whether it is neither revoked nor past its end.
func (u TokenURL) InForce(now time.Time) bool {
	return u.RevokedAt.IsZero() && (u.ExpiresAt.IsZero() || now.Before(u.ExpiresAt))
}

// Invites says where somebody whom the URL is for, and who has nothing connected yet, comes
// back to from connecting at an app, and under which label. ok is false where they cannot be
// invited in the URL's name: it is over, the app is not ready or beyond its reach, it is for
// several labels, or the project has no page to come back to. Coming back is what makes such
// an invitation safe to show to strangers, as a vendor is one: the customer's own session has
// to be that person's, and the account to have their e-mail address.
func (u TokenURL) Invites(pr Project, a App, now time.Time) (returnURL, label string, ok bool) {
	if len(u.Labels) == 1 {
		label = u.Labels[0]
	}
	beyond := len(u.Labels) > 1 || len(u.Providers) > 0 && !slices.Contains(u.Providers, a.Provider)
	if beyond || !u.InForce(now) || a.State != AppReady || len(pr.Settings.ReturnURLs) == 0 {
		return "", "", false
	}
	return pr.Settings.ReturnURLs[0], label, true
}

// TokenURLPurpose is what the secrets of token URLs are hashed for.
const TokenURLPurpose = "token-url"

// ScopeOfType is what a key needs for a type of token: a ZAK acts as the user, so a key
// for one type does not do for another. "" where there is no such type.
func ScopeOfType(typ string) Scope {
	switch typ {
	case "onbehalf":
		return ScopeJoinOnBehalf
	case "zak":
		return ScopeJoinZAK
	case "local_recording":
		return ScopeJoinRecording
	case "access_token":
		return ScopeToken
	}
	return ""
}
