package provider

import (
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/egress"
)

// DefaultDeadline bounds one call to a provider, from dialling to the last byte.
const DefaultDeadline = 20 * time.Second

// Target is everything one app's calls need, resolved and fixed: endpoints after overrides, client authentication, class,
// PKCE. It holds no secret. Safe for concurrent use; fields are read only.
type Target struct {
	App                 lanyard.AppID
	Provider            string // id in the catalogue, or "custom"
	Name                string // for people: "Zoom"
	ClientID            string
	Class               Class
	PKCE                bool   // an S256 challenge is sent
	Issuer              string // what iss must equal when an answer carries it (RFC 9207), byte for byte; "" : the provider has none
	IssuerRequired      bool   // an answer without iss is refused
	Deadline            time.Duration
	CodeTTL             time.Duration // life of an authorization code; 0: not known
	Grace               time.Duration // ClassGrace: how long the old refresh token works
	AccessTTL           time.Duration // documented life of an access token; 0: not known, or they do not expire
	RefreshTTL          time.Duration // 0: not known
	RefreshIdle         time.Duration // 0: not known
	ConsentTTL          time.Duration // after which no renewal works; 0: not known, or none
	RotationKillsAccess bool
	RenewalsPerSecond   float64 // 0: not known
	OneGrantPerSubject  bool
	ManageURL           string

	def    Definition // endpoints and params resolved
	scopes []string   // what the app asks for, required and optional: the spelling granted scopes are given in
	api    []string   // host[:port] an access token may be sent to
	code   any
	client *egress.Client
	keys   *keySets
}

// Credentials prove the client at the token endpoint.
type Credentials struct {
	ClientID string
	Secret   lanyard.Secret
}

// ExchangeRequest trades a code. RedirectURI is byte for byte the one that was sent in the authorization request.
type ExchangeRequest struct {
	Code        lanyard.Secret
	RedirectURI string
	Verifier    lanyard.Secret // PKCE; sent whenever it is there
}

// Result is what an answer means.
type Result struct {
	Outcome    lanyard.Outcome
	Tokens     []Issued // ok and ok_partial
	Error      string   // the provider's error code, [A-Za-z0-9_.-]{1,64}; never its text
	Reason     lanyard.Code
	RetryAfter time.Duration // throttled: 1 s to 15 min; 0: the provider did not say
}

// Issued is one credential of an answer; Slack gives two at once.
type Issued struct {
	Kind   string // "user", "bot"
	Tokens lanyard.TokenSet
	Hint   Identity // what the answer itself says of the account; not verified
}

// Identity is an account at the provider. The key is (Issuer, Subject); e-mail and name identify nobody.
type Identity struct {
	Issuer         string
	Subject        string
	Email          string
	DisplayName    string
	OrganizationID string
	Active         bool
}

// RevokeResult says how giving back went. Tokens that live on are named, with the time they end.
type RevokeResult struct {
	Outcome string // "revoked", "not_supported", "failed"
	Detail  string // safe to show: no provider text
	Status  int
	Error   string // the provider's error code, cleaned
	Lives   []LivingToken
	Retry   bool          // failed, and trying again later makes sense
	After   time.Duration // when; 0: not said
}

// LivingToken is a token that still works after a revocation.
type LivingToken struct {
	Token string    // "access", "refresh"
	Until time.Time // zero: not known
}

// What RevokeResult.Outcome can be.
const (
	RevokeDone         = "revoked"
	RevokeNotSupported = "not_supported"
	RevokeFailed       = "failed"
)

// ErrTokenRefused means the provider no longer takes this access token: renew once, then try once more.
var ErrTokenRefused = errors.New("provider: access token refused")

// AuthorizeRequest is one trip to the provider.
type AuthorizeRequest struct {
	RedirectURI    string
	State          string
	Nonce          string // sent when openid is asked for
	Challenge      string // PKCE S256; sent when Target.PKCE
	Scopes         []string
	ScopesOptional []string
	LoginHint      string
}
