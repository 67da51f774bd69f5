package wire

import (
	"encoding/json"
	"time"
)

// App is the project's own OAuth client at a provider. No secret is ever shown.
type App struct {
	ID                   string            `json:"id"`
	Provider             string            `json:"provider"`
	Name                 string            `json:"name"`
	State                string            `json:"state" doc:"draft until client id and secret are in, then ready"`
	ClientID             string            `json:"client_id,omitempty"`
	HasSecret            bool              `json:"has_secret"`
	HasNextSecret        bool              `json:"has_next_secret" doc:"A new secret waits beside the old one"`
	HasWebhookSecret     bool              `json:"has_webhook_secret"`
	HasNextWebhookSecret bool              `json:"has_next_webhook_secret" doc:"A new webhook secret waits beside the old one"`
	Scopes               []string          `json:"scopes"`
	ScopesOptional       []string          `json:"scopes_optional"`
	RedirectURIs         []string          `json:"redirect_uris" doc:"Your own callbacks, for the journey without our pages"`
	Endpoints            map[string]string `json:"endpoints,omitempty" doc:"Overrides by name: authorize, token, revoke, identity, issuer, jwks, api, discovery"`
	Params               map[string]string `json:"params,omitempty"`
	PKCE                 string            `json:"pkce,omitempty" enum:"on,off" doc:"Overrides the catalogue"`
	Published            *Published        `json:"published,omitempty" doc:"Where a provider's meetings ask for it"`
	RedirectURI          string            `json:"redirect_uri" doc:"Ours: paste it at the provider, byte for byte"`
	WebhookURL           string            `json:"webhook_url" doc:"Ours: paste it at the provider for its notices"`
	CreatedAt            time.Time         `json:"created_at"`
	UpdatedAt            time.Time         `json:"updated_at"`
}

// Published says whether the provider has approved an app, so that its bots get into
// meetings outside its owner's own account. No provider says it: you declare it, and what
// meetings say to its bots corrects it.
type Published struct {
	Is         string     `json:"is" enum:"yes,no,unknown" doc:"What is believed"`
	Declared   string     `json:"declared" enum:"yes,no,unknown"`
	DeclaredAt *time.Time `json:"declared_at,omitempty"`
	Refuted    bool       `json:"refuted" doc:"A meeting has spoken against what was declared"`
	Code       string     `json:"sdk_code,omitempty" doc:"With which code of the Meeting SDK; see docs/join-codes.md"`
	RefutedAt  *time.Time `json:"refuted_at,omitempty"`
}

// SDKSignatureRequest asks for a signature that starts a bot's Meeting SDK:
// POST /v1/apps/{id}/sdk-signature.
type SDKSignatureRequest struct {
	MeetingNumber   string `json:"meeting_number,omitempty" maxLength:"20" doc:"9 to 11 digits; the web SDK needs it, the native ones do not"`
	Role            int    `json:"role,omitempty" minimum:"0" maximum:"1" doc:"0 participant, 1 host: for that the key needs join:zak"`
	LifetimeSeconds int    `json:"lifetime_seconds,omitempty" minimum:"1800" maximum:"172800" doc:"Absent: 7200"`
}

// SDKSignature is a JWT of the app, made with its client secret. No person is in it.
type SDKSignature struct {
	Signature  string            `json:"signature"`
	ClientID   string            `json:"client_id"`
	IssuedAt   time.Time         `json:"issued_at" doc:"As it says: half a minute ago, because clocks differ"`
	ExpiresAt  time.Time         `json:"expires_at"`
	Parameters map[string]string `json:"parameters" doc:"Name of the parameter in the SDK: web, native, android, ios"`
}

// NewApp registers an OAuth client: POST /v1/apps. Without client_id it is a
// draft, whose answer carries what to paste at the provider.
type NewApp struct {
	Provider string `json:"provider" minLength:"1" maxLength:"64"`
	AppChange
}

// AppChange changes an app: PATCH /v1/apps/{id}. What is absent stays.
type AppChange struct {
	Name              *string           `json:"name,omitempty" maxLength:"100"`
	ClientID          *string           `json:"client_id,omitempty" maxLength:"500"`
	ClientSecret      *string           `json:"client_secret,omitempty" maxLength:"4000"`
	NextClientSecret  *string           `json:"next_client_secret,omitempty" maxLength:"4000" doc:"During a rotation: tried when the provider refuses the other; empty takes it away"`
	WebhookSecret     *string           `json:"webhook_secret,omitempty" maxLength:"4000" doc:"What the provider signs its notices with; empty takes it away"`
	NextWebhookSecret *string           `json:"next_webhook_secret,omitempty" maxLength:"4000" doc:"During a rotation: notices signed with either are believed; empty takes it away"`
	Scopes            []string          `json:"scopes,omitempty" maxItems:"100"`
	ScopesOptional    []string          `json:"scopes_optional,omitempty" maxItems:"100"`
	RedirectURIs      []string          `json:"redirect_uris,omitempty" maxItems:"50"`
	Endpoints         map[string]string `json:"endpoints,omitempty"`
	Params            map[string]string `json:"params,omitempty"`
	Custom            json.RawMessage   `json:"custom,omitempty" doc:"For provider custom: its definition, in the words of the catalogue"`
	PKCE              *string           `json:"pkce,omitempty" enum:"on,off," doc:"Overrides the catalogue"`
	Published         *string           `json:"published,omitempty" enum:"yes,no,unknown" doc:"Whether the provider has approved the app for meetings outside its owner's account, as you know it; said anew it counts from now"`
}

// AppCheck is what can be known about an app: POST /v1/apps/{id}/check.
type AppCheck struct {
	Lines []CheckLine `json:"lines"`
}

// CheckLine is proved, refused, or cannot be known from here.
type CheckLine struct {
	What  string `json:"what"`
	State string `json:"state" enum:"proved,refused,unknown"`
	How   string `json:"how" doc:"How it was proved, by whom it was refused and what to do, or why it cannot be known"`
}
