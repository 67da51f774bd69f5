package wire

// Candidate names one or several people on whose behalf a bot may join: exactly one of
// the five. They are tried in their order.
type Candidate struct {
	ConnectionID string `json:"connection_id,omitempty" maxLength:"64"`
	EndUserID    string `json:"end_user_id,omitempty" maxLength:"255" doc:"Your own id of a person: each of their connections at the provider of the meeting"`
	Label        string `json:"label,omitempty" maxLength:"64" doc:"A group: each connection that has this label"`
	AccountID    string `json:"account_id,omitempty" maxLength:"255" doc:"The provider's id of an account"`
	Host         bool   `json:"host,omitempty" doc:"Whoever hosts the meeting, where they are connected"`
}

// Skipped says why somebody was not used.
type Skipped struct {
	ConnectionID string `json:"connection_id,omitempty" doc:"Absent: a candidate that is nobody"`
	Code         string `json:"code"`
	Detail       string `json:"detail" doc:"In words, with the next step"`
	ReconnectURL string `json:"reconnect_url,omitempty" doc:"For the person: there they can mend it"`
	RetryAfter   int    `json:"retry_after,omitempty" doc:"Seconds until they may be tried again"`
}
