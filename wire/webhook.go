package wire

import "time"

// WebhookEndpoint is a URL of yours that is told of events.
type WebhookEndpoint struct {
	ID           string     `json:"id"`
	Name         string     `json:"name,omitempty"`
	URL          string     `json:"url"`
	Format       string     `json:"format" enum:"standard,attendee,meetstream"`
	Types        []string   `json:"types" doc:"Event types it is told of, or connection.* and the like; empty: all"`
	State        string     `json:"state" enum:"enabled,disabled"`
	Reason       string     `json:"reason,omitempty" doc:"Why it was disabled, where you did not: webhook_gone, webhook_failing, tampered"`
	PublicKeys   []string   `json:"public_keys" doc:"Of the ed25519 signatures (v1a), the newest first; two during a rotation"`
	OldUntil     *time.Time `json:"old_secret_until,omitempty" doc:"Until then messages are signed by the secret before the last rotation as well"`
	FailingSince *time.Time `json:"failing_since,omitempty" doc:"No try has worked since"`
	HoldUntil    *time.Time `json:"hold_until,omitempty" doc:"It asked, by Retry-After, to be left alone until then"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

// NewWebhookEndpoint makes an endpoint: POST /v1/webhook-endpoints.
type NewWebhookEndpoint struct {
	URL    string   `json:"url" minLength:"1" maxLength:"2000"`
	Name   string   `json:"name,omitempty" maxLength:"100"`
	Format string   `json:"format,omitempty" enum:"standard,attendee,meetstream" doc:"standard: Standard Webhooks. The others are for receivers written for that vendor"`
	Types  []string `json:"types,omitempty" maxItems:"50" doc:"Such as connection.needs_reauth or connection.*; empty: all"`
}

// MadeWebhookEndpoint is an endpoint with its secret, which is shown this once.
type MadeWebhookEndpoint struct {
	WebhookEndpoint
	Secret string `json:"secret" doc:"Checks the signatures of kind v1"`
}

// WebhookEndpointChange changes an endpoint: PATCH /v1/webhook-endpoints/{id}. What is
// absent stays.
type WebhookEndpointChange struct {
	URL   *string  `json:"url,omitempty" maxLength:"2000"`
	Name  *string  `json:"name,omitempty" maxLength:"100"`
	Types []string `json:"types,omitempty" maxItems:"50" doc:"[] means all"`
	State *string  `json:"state,omitempty" enum:"enabled,disabled"`
}

// RotateWebhookSecret replaces a secret: POST /v1/webhook-endpoints/{id}/rotate.
type RotateWebhookSecret struct {
	OverlapSeconds *int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" doc:"For how long the old one signs as well; absent: a day"`
}

// RedeliverSince asks for what was missed: POST /v1/webhook-endpoints/{id}/redeliver.
type RedeliverSince struct {
	Since time.Time `json:"since"`
	After string    `json:"after,omitempty" maxLength:"64" doc:"next_cursor of the answer before"`
}

// Redelivered says how many events were queued.
type Redelivered struct {
	Queued     int    `json:"queued"`
	NextCursor string `json:"next_cursor" doc:"Not empty: send it as after to go on"`
}

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID         string     `json:"id"`
	EndpointID string     `json:"endpoint_id"`
	EventID    string     `json:"event_id" doc:"The webhook-id of every try"`
	Type       string     `json:"type" enum:"connection.created,connection.reconnected,connection.recovered,connection.partial,connection.scopes_changed,connection.degraded,connection.needs_reauth,connection.paused,connection.resumed,connection.revoked,connection.deleted,connection.expiring,app.misconfigured,app.recovered,security.granted_beyond_request,security.end_user_mismatch,security.subject_changed,security.account_alert,security.possible_grant_conflict,security.rejection_storm,security.tampered,bot.scheduled,bot.ready,bot.joining,bot.waiting_for_person,bot.waiting_room,bot.joined,bot.left,bot.failed,bot.cancelled,endpoint.disabled,endpoint.test"`
	State      string     `json:"state" enum:"pending,delivered,failed,stopped"`
	Tries      int64      `json:"tries"`
	NextTryAt  *time.Time `json:"next_try_at,omitempty"`
	LastTryAt  *time.Time `json:"last_try_at,omitempty"`
	Status     int64      `json:"status,omitempty" doc:"HTTP status of the last answer"`
	Error      string     `json:"error,omitempty" doc:"Why there was none: timeout, tls, name_not_found, not_reachable, address_not_allowed, connection_lost"`
	TookMS     int64      `json:"took_ms,omitempty"`
	Answer     string     `json:"answer,omitempty" doc:"How the last answer began, without what looks like a secret"`
	CreatedAt  time.Time  `json:"created_at"`
}
