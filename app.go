package lanyard

import "time"

// AppState is draft until client id and secret are in.
type AppState string

const (
	AppDraft AppState = "draft"
	AppReady AppState = "ready"
)

// App is the project's own OAuth client at a provider.
type App struct {
	ID                AppID
	Project           ProjectID
	Provider          string // an id of the catalogue, or "custom"
	Name              string
	State             AppState
	ClientID          string
	Secret            []byte // sealed
	NextSecret        []byte // sealed; the new one during a rotation
	WebhookSecret     []byte // sealed
	NextWebhookSecret []byte // sealed; the new one during a rotation
	Scopes            []string
	ScopesOptional    []string
	RedirectURIs      []string          // the customer's own callbacks
	Endpoints         map[string]string // overrides by name: authorize, token, revoke, identity, issuer, api, jwks
	Params            map[string]string // what the catalogue entry asks for: tenant, …
	Custom            []byte            // JSON of a whole definition; custom providers only
	PKCE              string            // "", "on" or "off": overrides the catalogue
	ConfigVersion     int64             // counts changes of what is sent to the provider
	CreatedAt         time.Time
	UpdatedAt         time.Time
}
