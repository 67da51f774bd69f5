package wire

import "time"

// EndUser is the customer's user, or an organisation of theirs.
type EndUser struct {
	ID          string `json:"id" minLength:"1" maxLength:"255" doc:"Your own name for them; opaque to us"`
	Kind        string `json:"kind,omitempty" enum:"person,organization"`
	Email       string `json:"email,omitempty" maxLength:"320"`
	DisplayName string `json:"display_name,omitempty" maxLength:"200"`
}

// NewConnectSession invites a person to connect: POST /v1/connect-sessions.
type NewConnectSession struct {
	AppID            string            `json:"app_id,omitempty" doc:"Or provider, where the project has one app there"`
	Provider         string            `json:"provider,omitempty"`
	EndUser          EndUser           `json:"end_user"`
	ReturnURL        string            `json:"return_url,omitempty" maxLength:"2000" doc:"One of the project's return_urls, exactly; the completion comes back to it"`
	Origin           string            `json:"origin,omitempty" maxLength:"200" doc:"Of your page that opens ours as a pop-up"`
	Label            string            `json:"label,omitempty" maxLength:"64"`
	Metadata         map[string]string `json:"metadata,omitempty"`
	Scopes           []string          `json:"scopes,omitempty" maxItems:"100" doc:"Of the app's; absent: all it asks for"`
	ScopesOptional   []string          `json:"scopes_optional,omitempty" maxItems:"100"`
	ExpiresInSeconds int               `json:"expires_in_seconds,omitempty" minimum:"0" maximum:"86400" doc:"60 to 86400; absent: 1800"`
	ExpectedEmail    string            `json:"expected_email,omitempty" maxLength:"320" doc:"Only the account with this address is connected, at once and without a completion; needs allow_link_mode"`
	ExpectedSubject  string            `json:"expected_subject,omitempty" maxLength:"255" doc:"The same by the provider's id for the account"`
}

// ConnectSession is an invitation.
type ConnectSession struct {
	ID           string    `json:"id"`
	ConnectURL   string    `json:"connect_url,omitempty" doc:"The link for the person; shown once"`
	Purpose      string    `json:"purpose" enum:"connect,reconnect,link"`
	AppID        string    `json:"app_id"`
	Status       string    `json:"status" enum:"open,connected,expired"`
	ConnectionID string    `json:"connection_id,omitempty" doc:"What came of it, or what is to be reconnected"`
	LastError    string    `json:"last_error,omitempty" doc:"How the last try ended"`
	UserMessage  string    `json:"user_message,omitempty" doc:"What a bot may say about that"`
	ExpiresAt    time.Time `json:"expires_at"`
	CreatedAt    time.Time `json:"created_at"`
}

// AuthorizeURL begins the journey with a callback of your own: GET /v1/authorize-url.
type AuthorizeURL struct {
	AuthorizeURL string    `json:"authorize_url"`
	State        string    `json:"state" doc:"Comes back to your callback; post it with the code. It works once"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// NewConnection completes either journey: POST /v1/connections. Send completion
// and end_user_id, or app_id, code, state and redirect_uri.
type NewConnection struct {
	Completion  string `json:"completion,omitempty" maxLength:"200" doc:"lanyard_completion of the return URL"`
	EndUserID   string `json:"end_user_id,omitempty" maxLength:"255" doc:"Who is logged in at yours now; must be who was invited"`
	AppID       string `json:"app_id,omitempty"`
	Code        string `json:"code,omitempty" maxLength:"8192"`
	State       string `json:"state,omitempty" maxLength:"200"`
	RedirectURI string `json:"redirect_uri,omitempty" maxLength:"2000"`
	Issuer      string `json:"iss,omitempty" maxLength:"500" doc:"iss, if the provider sent it (RFC 9207)"`
}
