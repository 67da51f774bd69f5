package wire

import "time"

// Consent is one consent of a person, and how it ended: GET /v1/consents/{id}.
type Consent struct {
	ID           string `json:"id"`
	State        string `json:"state" enum:"given,superseded,withdrawn"`
	ConnectionID string `json:"connection_id" doc:"That it made, or renewed. The record outlives it"`
	SessionID    string `json:"session_id,omitempty"`
	EndUserID    string `json:"end_user_id,omitempty" doc:"Absent once the person was erased"`
	Provider     string `json:"provider"`
	AppID        string `json:"app_id"`
	ClientID     string `json:"client_id" doc:"Of the app at the provider, at that time"`
	Origin       string `json:"origin" doc:"hosted, reconnect, link, own_callback, unbound_code"`

	Shown         string       `json:"shown" enum:"page,continued,not_seen" doc:"page: our page, from which Continue was pressed. continued: Continue came without the mark of a page; the text is what the page said then. not_seen: no page of ours"`
	Text          *ConsentText `json:"text,omitempty" doc:"What the person was shown; absent where it was not ours"`
	ScopesAsked   []string     `json:"scopes_asked"`
	ScopesGranted []string     `json:"scopes_granted"`
	ScopesMissing []string     `json:"scopes_missing" doc:"Needed, and not granted"`
	ShownAt       *time.Time   `json:"shown_at,omitempty"`
	AskedAt       time.Time    `json:"asked_at" doc:"Continue was pressed, or your authorize URL was made"`
	GrantedAt     time.Time    `json:"granted_at" doc:"The provider's answer came; with your own callback, its code reached us"`
	CompletedBy   string       `json:"completed_by" doc:"key:…, operator, person, lanyard"`
	KeyID         string       `json:"key_id,omitempty"`
	IP            string       `json:"ip,omitempty" doc:"Where Continue was pressed; for keys with the scope audit"`
	UserAgent     string       `json:"user_agent,omitempty" doc:"Likewise"`

	SupersededBy string      `json:"superseded_by,omitempty" doc:"The consent that took its place"`
	Withdrawal   *Withdrawal `json:"withdrawal,omitempty"`
	EndedAt      *time.Time  `json:"ended_at,omitempty"`
}

// ConsentText is what a person was shown, word for word.
type ConsentText struct {
	Version  string         `json:"version" doc:"Of the words of our page"`
	Hash     string         `json:"hash" doc:"SHA-256 of version, language, lines, and scopes as scope=words, each with a line feed after it"`
	Language string         `json:"language"`
	Lines    []string       `json:"lines,omitempty" doc:"As they stood on the page; not in lists"`
	Scopes   []ScopeInWords `json:"scopes,omitempty" doc:"The scopes in plain words; not in lists"`
}

// ScopeInWords is a scope as it was put to the person.
type ScopeInWords struct {
	Scope    string `json:"scope"`
	Words    string `json:"words"`
	Optional bool   `json:"optional,omitempty"`
}

// Withdrawal says how a consent was taken back, and what the provider answered.
type Withdrawal struct {
	By         string     `json:"by" enum:"customer,person,provider,operator"`
	Reason     string     `json:"reason,omitempty" doc:"A code, where the provider gave a cause"`
	AtProvider string     `json:"at_provider" enum:"pending,revoked,not_supported,failed,shared,connected_again,told_us"`
	HTTPStatus int        `json:"http_status,omitempty" doc:"Of the provider's answer"`
	Detail     string     `json:"detail,omitempty"`
	TriedAgain bool       `json:"tried_again,omitempty" doc:"Failed, and the provider is told again, for a day"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
	LivesUntil *time.Time `json:"access_token_lives_until,omitempty" doc:"An access token that the provider did not end works until then"`
}
