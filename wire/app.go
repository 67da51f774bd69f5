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
	RedirectURI          string            `json:"redirect_uri" doc:"Ours: paste it at the provider, byte for byte"`
	WebhookURL           string            `json:"webhook_url" doc:"Ours: paste it at the provider for its notices"`
	CreatedAt            time.Time         `json:"created_at"`
	UpdatedAt            time.Time         `json:"updated_at"`
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
