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
	Published         Published         // whether the provider has approved it, as the operator has declared
	PublishedAt       time.Time         // declared then; zero: never
	Refuted           string            // the code of a Meeting SDK that spoke against it last: "4011"
	RefutedAt         time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// Published says whether a provider has approved an app, so that its bots get into
// meetings outside its owner's own account.
type Published string

const (
	PublishedUnknown Published = ""
	PublishedYes     Published = "yes"
	PublishedNo      Published = "no"
)

// Publication is what is believed: what was declared, unless a meeting has turned a bot
// away since for want of it. That no token was needed or taken (4012, 504) makes it
// uncertain; that the app may not leave its owner's account (4011, 63) settles it.
func (a App) Publication() (p Published, refuted bool) {
	if a.RefutedAt.IsZero() || a.RefutedAt.Before(a.PublishedAt) || !Refutes(a.Refuted) {
		return a.Published, false
	}
	if f, _ := JoinCode("", a.Refuted); f.Class == JoinNotPublished {
		return PublishedNo, true
	}
	if a.Published == PublishedNo {
		return PublishedNo, false
	}
	return PublishedUnknown, a.Published == PublishedYes
}

// Refutes says whether a code of a Meeting SDK speaks against an app's approval.
func Refutes(code string) bool {
	f, _ := JoinCode("", code)
	return f.Class == JoinNotPublished || f.Class == JoinNeedsToken
}
