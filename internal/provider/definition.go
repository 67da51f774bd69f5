package provider

// Class says what becomes of a refresh token once it was used; an unknown one is treated as ClassReuseKill.
type Class string

const (
	ClassStatic    Class = "static"     // refresh tokens do not change
	ClassOverlap   Class = "overlap"    // a new one comes, the old one goes on working
	ClassGrace     Class = "grace"      // the old one works for some seconds more
	ClassStrict    Class = "strict"     // the old one is dead at once
	ClassReuseKill Class = "reuse_kill" // using the old one kills the whole family
)

// Rotates says whether a renewal may end the refresh token that was sent.
func (c Class) Rotates() bool { return c != ClassStatic && c != ClassOverlap }

// How the client proves who it is at the token endpoint; fixed, never detected: a second try would send a code or a
// refresh token twice.
const (
	AuthBasic = "basic" // RFC 6749 §2.3.1, id and secret form-encoded before base64
	AuthPost  = "post"  // client_id and client_secret in the body
	AuthNone  = "none"  // client_id in the body, no secret
)

// What a provider does with PKCE (RFC 7636). S256 is sent for required, supported and unknown; plain never.
const (
	PKCERequired    = "required"
	PKCESupported   = "supported"
	PKCEUnknown     = "unknown"
	PKCEPublicOnly  = "public_only" // sending it would make the app a public client
	PKCEUnsupported = "unsupported"
)

// Definition is one provider of the catalogue as data. The same names serve YAML files and custom providers' JSON.
type Definition struct {
	ID            string             `yaml:"id" json:"id"`
	Extends       string             `yaml:"extends" json:"extends,omitempty"` // files only: take this entry, then override
	Name          string             `yaml:"name" json:"name"`
	Category      string             `yaml:"category" json:"category,omitempty"`
	ManageURL     string             `yaml:"manage_url" json:"manage_url,omitempty"` // where a person withdraws access at the provider
	Params        map[string]Param   `yaml:"params" json:"params,omitempty"`         // what an app must say: {tenant} in URLs
	Endpoints     Endpoints          `yaml:"endpoints" json:"endpoints"`
	APIHosts      []string           `yaml:"api_hosts" json:"api_hosts,omitempty"`     // the only hosts an access token may be sent to
	APIBaseAt     string             `yaml:"api_base_at" json:"api_base_at,omitempty"` // member of the token answer that names the API base
	ClientAuth    string             `yaml:"client_auth" json:"client_auth"`
	BasicRaw      bool               `yaml:"basic_raw" json:"basic_raw,omitempty"` // id and secret not form-encoded: providers that read Basic literally
	Authorize     AuthorizeRules     `yaml:"authorize" json:"authorize"`
	Class         Class              `yaml:"class" json:"class,omitempty"` // empty: reuse_kill
	Times         Times              `yaml:"times" json:"times"`
	Rules         Rules              `yaml:"rules" json:"rules"`
	Identity      IdentityRules      `yaml:"identity" json:"identity"`
	Revoke        RevokeRules        `yaml:"revoke" json:"revoke"`
	Probe         string             `yaml:"probe" json:"probe,omitempty"`   // how a client secret is tried without side effect: client_credentials, bogus_refresh, none
	Errors        map[string]Verdict `yaml:"errors" json:"errors,omitempty"` // see Verdict
	Scopes        []Scope            `yaml:"scopes" json:"scopes,omitempty"`
	DefaultScopes []string           `yaml:"default_scopes" json:"default_scopes,omitempty"`       // what an app asks for that says nothing
	Equivalent    map[string]string  `yaml:"equivalent_scopes" json:"equivalent_scopes,omitempty"` // other spelling → spelling
	ScopeHosts    []string           `yaml:"scope_prefixes" json:"scope_prefixes,omitempty"`       // prefixes that change nothing: https://graph.microsoft.com/
	NotEchoed     []string           `yaml:"scopes_not_echoed" json:"scopes_not_echoed,omitempty"` // granted although the answer does not say so, once there is a refresh token
	Cannot        []Limit            `yaml:"cannot" json:"cannot,omitempty"`
	Origin        string             `yaml:"-" json:"-"` // file it came from, for messages
}

// Endpoints are absolute https URLs; {param} is replaced. App.Endpoints overrides them by the same names.
type Endpoints struct {
	Authorize string `yaml:"authorize" json:"authorize"`
	Token     string `yaml:"token" json:"token"`
	Revoke    string `yaml:"revoke" json:"revoke,omitempty"`
	Identity  string `yaml:"identity" json:"identity,omitempty"`
	Issuer    string `yaml:"issuer" json:"issuer,omitempty"` // {tid} stands for the claim of that name (Microsoft)
	JWKS      string `yaml:"jwks" json:"jwks,omitempty"`
	Discovery string `yaml:"discovery" json:"discovery,omitempty"`
	Device    string `yaml:"device" json:"device,omitempty"`
	API       string `yaml:"api" json:"api,omitempty"` // base of the provider's API, where the token answer names none
}

// Param is a value an app must supply. Pattern is a regular expression for the whole value; hosts are built from it only after it matched.
type Param struct {
	Pattern string `yaml:"pattern" json:"pattern"`
	Default string `yaml:"default" json:"default,omitempty"`
	Say     string `yaml:"say" json:"say,omitempty"`
}

// AuthorizeRules says how the authorization request is written.
type AuthorizeRules struct {
	PKCE           string            `yaml:"pkce" json:"pkce,omitempty"`                       // empty: unknown
	ScopeSeparator string            `yaml:"scope_separator" json:"scope_separator,omitempty"` // empty: one space
	ScopesAlways   []string          `yaml:"scopes_always" json:"scopes_always,omitempty"`     // asked for whatever the app says: openid, offline_access
	OptionalParam  string            `yaml:"optional_param" json:"optional_param,omitempty"`   // Zoom: optional_scope; empty: optional scopes are asked for like the others
	UserParam      string            `yaml:"user_param" json:"user_param,omitempty"`           // Slack: user_scope, for scopes written "user:…"
	LoginHint      string            `yaml:"login_hint" json:"login_hint,omitempty"`           // parameter that takes an e-mail address; empty: none
	Params         map[string]string `yaml:"params" json:"params,omitempty"`
	IssuerReturned bool              `yaml:"issuer_returned" json:"issuer_returned,omitempty"` // RFC 9207: the answer always carries iss
}

// Times are in seconds. Zero: not known. Access -1: access tokens do not expire unless the answer says so.
type Times struct {
	Access      int64 `yaml:"access" json:"access,omitempty"`             // used when the answer does not say
	Refresh     int64 `yaml:"refresh" json:"refresh,omitempty"`           // life of a refresh token
	RefreshIdle int64 `yaml:"refresh_idle" json:"refresh_idle,omitempty"` // life of an unused one
	Consent     int64 `yaml:"consent" json:"consent,omitempty"`           // life of a consent, however often it is renewed
	Grace       int64 `yaml:"grace" json:"grace,omitempty"`               // ClassGrace: how long the old one works
	Code        int64 `yaml:"code" json:"code,omitempty"`                 // life of an authorization code
}

// Rules are habits of a provider that others must respect.
type Rules struct {
	RotationKillsAccess bool    `yaml:"rotation_kills_access" json:"rotation_kills_access,omitempty"` // a renewal ends the access token before
	OneGrantPerSubject  bool    `yaml:"one_grant_per_subject" json:"one_grant_per_subject,omitempty"` // a new consent ends the earlier tokens
	OKMember            string  `yaml:"ok_member" json:"ok_member,omitempty"`                         // false there means failure, whatever the status (Slack: ok)
	RenewalsPerSecond   float64 `yaml:"renewals_per_second" json:"renewals_per_second,omitempty"`     // that an app may make; 0: not known, and the setting refresh_rate holds
}

// IdentityRules says whose account it is. Values are paths in the JSON of Endpoints.Identity, such as "user.id"; "a|b" takes the
// first that is there, "a+b" joins both with a dot, a leading "token:" reads the token answer. Claims are the same for a verified ID token.
type IdentityRules struct {
	Method       string   `yaml:"method" json:"method,omitempty"` // GET (default) or POST
	Subject      string   `yaml:"subject" json:"subject,omitempty"`
	Email        string   `yaml:"email" json:"email,omitempty"`
	Name         string   `yaml:"name" json:"name,omitempty"`
	Organization string   `yaml:"organization" json:"organization,omitempty"`
	State        string   `yaml:"state" json:"state,omitempty"`               // path of the account's state …
	StateActive  string   `yaml:"state_active" json:"state_active,omitempty"` // … and the value that means active
	Claims       Claims   `yaml:"claims" json:"claims,omitzero"`
	Needs        []string `yaml:"needs" json:"needs,omitempty"`           // scopes without which the identity cannot be read
	Algorithms   []string `yaml:"algorithms" json:"algorithms,omitempty"` // of ID tokens; empty: RS256
}

// Claims maps the claims of a verified ID token. Subject empty: ID tokens are not used.
type Claims struct {
	Subject      string `yaml:"subject" json:"subject,omitempty"`
	Email        string `yaml:"email" json:"email,omitempty"`
	Name         string `yaml:"name" json:"name,omitempty"`
	Organization string `yaml:"organization" json:"organization,omitempty"`
}

// How access is given back.
const (
	RevokeNone   = "none"    // the provider has no way; tokens live until they expire
	RevokeRFC    = "rfc7009" // form token=, refresh token first
	RevokeAccess = "access"  // form token=, the access token; a 2xx with JSON is the answer (Zoom)
	RevokeBearer = "bearer"  // the token itself in the Authorization header (Slack)
)

// RevokeRules says how access is given back at Endpoints.Revoke.
type RevokeRules struct {
	Style      string `yaml:"style" json:"style,omitempty"`             // empty: rfc7009 if there is an endpoint, else none
	Auth       string `yaml:"auth" json:"auth,omitempty"`               // empty: as ClientAuth; "none": no client authentication
	WholeGrant bool   `yaml:"whole_grant" json:"whole_grant,omitempty"` // one call ends every token of the grant
}

// Scope is one permission in plain words.
type Scope struct {
	Scope   string   `yaml:"s" json:"scope"`
	Also    []string `yaml:"also" json:"also,omitempty"` // other spellings of the same (Zoom's classic scopes)
	Say     string   `yaml:"say" json:"say"`
	RW      string   `yaml:"rw" json:"rw,omitempty"`       // r, w or rw
	Sens    string   `yaml:"sens" json:"sens,omitempty"`   // low, medium or high
	Admin   bool     `yaml:"admin" json:"admin,omitempty"` // needs an administrator's consent
	Product string   `yaml:"product" json:"product,omitempty"`
	Review  string   `yaml:"review" json:"review,omitempty"` // what the provider asks of apps that want it
}

// Limit is a sentence about what the app cannot do, true unless one of Unless was asked for.
type Limit struct {
	Say    string   `yaml:"say" json:"say"`
	Unless []string `yaml:"unless" json:"unless,omitempty"` // ends in "*": any scope that begins so
}
