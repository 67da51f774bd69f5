package wire

import "time"

// TokenRequest reads an access token: POST /v1/connections/{id}/token.
type TokenRequest struct {
	MinTTLSeconds int      `json:"min_ttl_seconds,omitempty" minimum:"0" maximum:"86400" doc:"It should live at least this long; renewed first if not"`
	Scopes        []string `json:"scopes,omitempty" maxItems:"100" doc:"It must carry these"`
}

// TokenFor reads an access token by end user: POST /v1/tokens.
type TokenFor struct {
	EndUserID     string   `json:"end_user_id" minLength:"1" maxLength:"255"`
	Provider      string   `json:"provider,omitempty" doc:"Or app_id"`
	AppID         string   `json:"app_id,omitempty"`
	Label         string   `json:"label,omitempty" maxLength:"64"`
	Scopes        []string `json:"scopes,omitempty" maxItems:"100"`
	MinTTLSeconds int      `json:"min_ttl_seconds,omitempty" minimum:"0" maximum:"86400"`
	ReturnURL     string   `json:"return_url,omitempty" maxLength:"2000" doc:"For the connect_url of the answer where nothing is connected yet; absent: the project's first"`
}

// Token is an access token for a caller entitled to it.
type Token struct {
	ConnectionID  string     `json:"connection_id"`
	AccessToken   string     `json:"access_token"`
	TokenType     string     `json:"token_type"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" doc:"Absent: it does not expire"`
	Scopes        []string   `json:"scopes"`
	MissingScopes []string   `json:"missing_scopes"`
	Fingerprint   string     `json:"fingerprint" doc:"Names the token without giving it away: the first 16 hex digits of its SHA-256"`
	APIBase       string     `json:"api_base,omitempty" doc:"Where the provider wants its API called"`
	Warning       string     `json:"warning,omitempty" doc:"Renewing failed, and this token still lives: the code of why"`
}

// TokenReport says that the provider refused a token:
// POST /v1/connections/{id}/token/report.
type TokenReport struct {
	Fingerprint string `json:"fingerprint" minLength:"16" maxLength:"16"`
	Status      int    `json:"status,omitempty" minimum:"0" maximum:"599" doc:"The HTTP status that the provider's API gave"`
}

// ForcedRefresh renews now: POST /v1/connections/{id}/refresh.
type ForcedRefresh struct {
	Fingerprint string `json:"fingerprint" minLength:"16" maxLength:"16" doc:"Of the token you hold; another one means that it was renewed already"`
}

// Renewed is the answer to both.
type Renewed struct {
	Renewed bool `json:"renewed" doc:"Read the token again"`
}

// ReconnectRequest asks for an invitation: POST /v1/connections/{id}/reconnect.
type ReconnectRequest struct {
	ReturnURL string `json:"return_url,omitempty" maxLength:"2000"`
	Origin    string `json:"origin,omitempty" maxLength:"200"`
}

// JoinTokenRequest mints what a meeting needs: POST /v1/join-tokens.
type JoinTokenRequest struct {
	ConnectionID  string      `json:"connection_id,omitempty" maxLength:"64" doc:"Or candidates. For local_recording alone it may be left out: then it is the host's, where that is known"`
	Candidates    []Candidate `json:"candidates,omitempty" maxItems:"20" doc:"On whose behalf: the first in order who can be used"`
	MeetingURL    string      `json:"meeting_url,omitempty" maxLength:"4096" doc:"Any shape of link, as people paste it"`
	MeetingNumber string      `json:"meeting_number,omitempty" maxLength:"20" doc:"9 to 11 digits"`
	Types         []string    `json:"types" minItems:"1" maxItems:"3" doc:"onbehalf, zak, local_recording; the key needs the scope of each"`
}

// JoinTokens is what a bot joins with. Nothing of it is stored.
type JoinTokens struct {
	MeetingNumber string        `json:"meeting_number"`
	Passcode      string        `json:"passcode,omitempty"`
	RegistrantTK  string        `json:"tk,omitempty" doc:"Registrant token of a personal join link"`
	Tokens        []JoinToken   `json:"tokens"`
	Failed        []JoinFailure `json:"failed,omitempty" doc:"Types that could not be had, beside those that could"`
	Used          string        `json:"used,omitempty" doc:"On whose behalf, where several might have been: the connection"`
	Skipped       []Skipped     `json:"skipped,omitempty" doc:"Who came before, and why not on theirs"`
}

// JoinToken is one join token and the SDK parameter that takes it.
type JoinToken struct {
	Type       string            `json:"type"`
	Token      string            `json:"token"`
	ExpiresAt  *time.Time        `json:"expires_at,omitempty" doc:"Absent: the provider did not say"`
	Parameters map[string]string `json:"parameters" doc:"Name of the parameter in the SDK: web, native, android, ios"`
}

// JoinFailure says why one type was not minted.
type JoinFailure struct {
	Type        string `json:"type"`
	Code        string `json:"code"`
	Detail      string `json:"detail"`
	UserMessage string `json:"user_message,omitempty"`
}
