package wire

import "time"

// Meeting says whose meeting it is and who is there: GET /v1/meetings.
type Meeting struct {
	Provider      string              `json:"provider"`
	MeetingNumber string              `json:"meeting_number"`
	Host          string              `json:"host" enum:"connected,not_known" doc:"connected: its host's connection is below, with host"`
	State         string              `json:"state" enum:"started,ended,not_known" doc:"Of its last run that the provider has told us of"`
	Personal      bool                `json:"personal" doc:"It is the host's personal meeting"`
	Connections   []MeetingConnection `json:"connections" doc:"The host's, those known to be present, and those you asked about"`
}

// MeetingConnection is a connection with what it has to do with a meeting.
type MeetingConnection struct {
	ConnectionID string     `json:"connection_id"`
	AppID        string     `json:"app_id"`
	Host         bool       `json:"host" doc:"Its account hosts the meeting"`
	Presence     string     `json:"presence" enum:"present,absent,not_knowable" doc:"Whether its account is in the meeting, signed in; not_knowable: nobody tells us"`
	ListedAt     *time.Time `json:"listed_at,omitempty" doc:"When the account's meetings were listed last; absent: never"`
	ListProblem  string     `json:"list_problem,omitempty" doc:"Why they were not, or not all: the code of an error, such as scopes_missing"`
}
