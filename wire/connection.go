package wire

import "time"

// Account is whose account a connection is at the provider.
type Account struct {
	ID             string `json:"id"`
	Email          string `json:"email,omitempty"`
	DisplayName    string `json:"display_name,omitempty"`
	OrganizationID string `json:"organization_id,omitempty"`
}

// Connection is an end user's hold on a grant.
type Connection struct {
	ID                   string            `json:"id"`
	Provider             string            `json:"provider"`
	AppID                string            `json:"app_id"`
	Kind                 string            `json:"kind" doc:"user; bot for Slack's bot credential"`
	Label                string            `json:"label"`
	EndUser              EndUser           `json:"end_user"`
	Account              Account           `json:"account"`
	Status               string            `json:"status" enum:"active,partial,degraded,needs_reauth,paused,revoked"`
	Reason               string            `json:"reason,omitempty" doc:"The true cause, a code"`
	Message              string            `json:"message,omitempty" doc:"The cause in a sentence"`
	Origin               string            `json:"origin" doc:"hosted, own_callback, link, unbound_code"`
	ScopesGranted        []string          `json:"scopes_granted"`
	ScopesMissing        []string          `json:"scopes_missing"`
	Metadata             map[string]string `json:"metadata"`
	AccessTokenExpiresAt *time.Time        `json:"access_token_expires_at,omitempty" doc:"Absent: never, or none"`
	LastRefreshedAt      *time.Time        `json:"last_refreshed_at,omitempty"`
	NextRefreshAt        *time.Time        `json:"next_refresh_at,omitempty"`
	ReconnectURL         string            `json:"reconnect_url,omitempty" doc:"A signed link for the person, good for 7 days; there when it would help"`
	CreatedAt            time.Time         `json:"created_at"`
	UpdatedAt            time.Time         `json:"updated_at"`
}

// CompletedConnection is the answer to NewConnection.
type CompletedConnection struct {
	Connection
	Also  []string `json:"also,omitempty" doc:"Further connections of the same consent: Slack's user beside its bot"`
	State string   `json:"state,omitempty" doc:"Your own state of GET /v1/authorize-url"`
}

// ConnectionChange changes a connection: PATCH /v1/connections/{id}.
type ConnectionChange struct {
	Label    *string           `json:"label,omitempty" maxLength:"64"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Paused   *bool             `json:"paused,omitempty"`
	NeededAt *time.Time        `json:"needed_at,omitempty" doc:"A meeting needs an access token then: it is renewed shortly before if it would not last for half an hour from there"`
}

// Revocation says how letting go went: DELETE /v1/connections/{id}.
type Revocation struct {
	Outcome    string     `json:"outcome" enum:"revoked,not_supported,failed,shared"`
	Detail     string     `json:"detail,omitempty"`
	LivesUntil *time.Time `json:"access_token_lives_until,omitempty" doc:"An access token that the provider did not end works until then"`
}

// Attempt is one call to the provider's token endpoint.
type Attempt struct {
	ID                string     `json:"id"`
	Kind              string     `json:"kind" enum:"code,refresh,revoke"`
	Generation        int64      `json:"generation"`
	StartedAt         time.Time  `json:"started_at"`
	EndedAt           *time.Time `json:"ended_at,omitempty" doc:"Absent: running, or its node died"`
	Outcome           string     `json:"outcome,omitempty"`
	Class             string     `json:"class" doc:"The provider's class at the time"`
	Error             string     `json:"error,omitempty" doc:"The provider's error code"`
	HTTPStatus        int        `json:"http_status,omitempty"`
	ProviderRequestID string     `json:"provider_request_id,omitempty" doc:"For the provider's support"`
}
