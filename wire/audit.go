package wire

import "time"

// AuditEntry is one line of the audit log: GET /v1/audit/entries.
type AuditEntry struct {
	ID           string            `json:"id"`
	At           time.Time         `json:"at"`
	Who          string            `json:"who" doc:"key:…, operator, person, provider:…, lanyard"`
	What         string            `json:"what" doc:"noun.verb"`
	Outcome      string            `json:"outcome" enum:"ok,denied,failed"`
	Code         string            `json:"code,omitempty" doc:"Why not"`
	AppID        string            `json:"app_id,omitempty"`
	ConnectionID string            `json:"connection_id,omitempty"`
	SessionID    string            `json:"session_id,omitempty"`
	KeyID        string            `json:"key_id,omitempty"`
	Detail       map[string]string `json:"detail,omitempty"`
	IP           string            `json:"ip,omitempty"`
	UserAgent    string            `json:"user_agent,omitempty"`
	RequestID    string            `json:"request_id,omitempty"`
}

// Event is what you are told by webhook: GET /v1/events.
type Event struct {
	ID           string            `json:"id"`
	At           time.Time         `json:"at"`
	Type         string            `json:"type" enum:"connection.created,connection.reconnected,connection.recovered,connection.partial,connection.scopes_changed,connection.degraded,connection.needs_reauth,connection.paused,connection.resumed,connection.revoked,connection.deleted,connection.expiring,app.misconfigured,app.recovered,security.granted_beyond_request,security.end_user_mismatch,security.subject_changed,security.account_alert,security.possible_grant_conflict,security.rejection_storm,security.tampered,bot.scheduled,bot.ready,bot.joining,bot.waiting_for_person,bot.waiting_room,bot.joined,bot.left,bot.failed,bot.cancelled,endpoint.disabled,endpoint.test"`
	ConnectionID string            `json:"connection_id,omitempty"`
	Data         map[string]string `json:"data"`
}
