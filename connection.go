package lanyard

import (
	"slices"
	"time"
)

// Grant is the one credential a provider account has given to one app: unique
// by (app, issuer, subject, kind). Several connections may hold it.
type Grant struct {
	ID               GrantID
	Project          ProjectID
	App              AppID
	Issuer           string
	Kind             string // "user"; Slack's bot credential is "bot"
	SubjectHash      []byte // keyed hash of the provider's id for the account
	AccountHash      []byte // the same without its organisation; written when the grant is made, and not read back
	OrganizationHash []byte // of the organisation alone; nil: it has none. Likewise
	Family           string // refresh tokens of one consent; a new consent makes a new one
	Generation       int64  // counts renewals inside the family
	Tokens           []byte // sealed TokenSet
	Previous         []byte // sealed TokenSet before the last renewal, until the new one has worked (I16)
	Scopes           []string
	Requested        []string  // scopes that were asked for at consent; granted ⊂ requested
	AccessExpires    time.Time // zero: never
	HasRefresh       bool
	Health           Health
	Reason           Code // true cause when not healthy
	Lease            Lease
	RefreshAt        time.Time
	RefreshedAt      time.Time
	RejectedAt       time.Time // first unconfirmed rejection of this generation
	RetryAt          time.Time // no attempt before: back-off after a failure

	// When to renew it, and who comes first.
	UsedAt         time.Time // a token of it was read; within a minute or so
	EagerAt        time.Time // when it is renewed while it is in use
	NeededAt       time.Time // a meeting needs it then
	Rank           Rank
	RefreshExpires time.Time // the refresh token dies then if it stays unused; zero: not known
	ExpiringAt     time.Time // when that is near, and is told unless renewing moves it; zero: not known, or told
	DeadAt         time.Time // when it was called dead

	ConsentedAt time.Time // when the code of its last consent was sent; zero: before that was noted
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Rank orders what is due of one app: lower comes first.
type Rank int64

const (
	RankGrace Rank = iota // an answer was lost, and the old refresh token works for some seconds more
	RankSoon              // a meeting needs it, or its refresh token is near its death
	RankInUse             // used in the last day
	RankIdle              // kept alive; and quiet tries of what is dead
)

// Lease says which node may call the provider for a grant, and until when.
type Lease struct {
	Owner string
	Until time.Time
}

// Health is the state of a grant.
type Health string

const (
	Healthy  Health = "healthy"
	Degraded Health = "degraded" // renewing fails for a cause that is not the person's, or is unconfirmed
	Dead     Health = "dead"     // confirmed: only the person can mend it
)

// ConnectionState is what the customer or the person has decided.
type ConnectionState string

const (
	Live    ConnectionState = "live"
	Paused  ConnectionState = "paused"
	Revoked ConnectionState = "revoked"
)

// Connection is a person's hold on a grant.
type Connection struct {
	ID        ConnectionID
	Project   ProjectID
	App       AppID
	Provider  string
	Grant     GrantID
	Person    PersonID
	Label     string
	State     ConnectionState
	Origin    string   // how it came: "hosted", "own_callback", "link", OriginUnbound
	Account   []byte   // sealed AccountData, under the person's key
	Needed    []string // scopes the app asked for as required
	Metadata  map[string]string
	CreatedAt time.Time
	UpdatedAt time.Time
	DroppedAt time.Time // the customer has let go of it; it may have ended before
}

// AccountData says whose account it is at the provider. Sealed.
type AccountData struct {
	ID             string `json:"id"`
	Email          string `json:"email,omitempty"`
	DisplayName    string `json:"display_name,omitempty"`
	OrganizationID string `json:"organization_id,omitempty"`
}

// Status is what a connection is worth now; see docs/states.md.
type Status string

const (
	StatusActive      Status = "active"
	StatusPartial     Status = "partial"
	StatusDegraded    Status = "degraded"
	StatusNeedsReauth Status = "needs_reauth"
	StatusPaused      Status = "paused"
	StatusRevoked     Status = "revoked"
)

// StatusOf is the one place where a status is made: a pure function of the
// connection's state, the grant's health and the scopes, worst first.
func StatusOf(state ConnectionState, health Health, missing []string) Status {
	switch {
	case state == Revoked:
		return StatusRevoked
	case state == Paused:
		return StatusPaused
	case health == Dead:
		return StatusNeedsReauth
	case health == Degraded:
		return StatusDegraded
	case len(missing) > 0:
		return StatusPartial
	}
	return StatusActive
}

// MissingScopes returns which of the needed scopes were not granted, sorted.
// Scopes are compared case-sensitively, as a set (RFC 6749 §3.3).
func MissingScopes(needed, granted []string) []string {
	var out []string
	for _, s := range needed {
		if !slices.Contains(granted, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// OriginUnbound is the origin of a connection that came by a code without state, as the
// vendors' clients send them.
const OriginUnbound = "unbound_code"

// TokenSet is what a provider gave for one consent or renewal.
type TokenSet struct {
	Access    Secret
	Refresh   Secret // empty: none was given
	IDToken   Secret
	TokenType string    // "Bearer" unless the provider says otherwise
	ExpiresAt time.Time // counted from when the request was sent; zero: never
	Scopes    []string  // granted; nil: the answer did not say, so as requested (RFC 6749 §5.1)
	APIBase   string    // where the provider wants its API called, if it said

	RefreshExpires time.Time // of Refresh, where the answer said; not kept with the tokens
}
