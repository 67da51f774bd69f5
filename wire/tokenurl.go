package wire

import "time"

// NewTokenURL asks for a token URL: POST /v1/token-urls.
type NewTokenURL struct {
	Name          string      `json:"name,omitempty" maxLength:"100" doc:"For people; shown in lists"`
	Contract      string      `json:"contract,omitempty" enum:"plain,meetstream,attendee" doc:"How it is asked and answers. Absent: plain, which Recall and Meeting BaaS take"`
	Types         []string    `json:"types" minItems:"1" maxItems:"3" doc:"One of onbehalf, zak, local_recording, access_token; with Attendee's contract up to three, which come in one answer"`
	Candidates    []Candidate `json:"candidates,omitempty" maxItems:"20" doc:"On whose behalf, in order. With Attendee's contract and a signing secret it may be absent: whom the call names, or the meeting's host"`
	Scopes        []string    `json:"scopes,omitempty" maxItems:"100" doc:"An access token must carry these"`
	Meetings      []string    `json:"meetings,omitempty" maxItems:"100" doc:"Links or numbers of the meetings it is for; absent: any. Where it is one, the call need not say which"`
	SigningSecret string      `json:"signing_secret,omitempty" maxLength:"1000" doc:"Attendee's webhook secret, as it shows it; for MeetStream what its bots send as X-Webhook-Secret"`
	CIDRs         []string    `json:"cidrs,omitempty" maxItems:"100" doc:"It may be called from these networks only"`
	ExpiresAt     *time.Time  `json:"expires_at,omitempty" doc:"Not usable after"`
}

// TokenURL is a token URL without its secret.
type TokenURL struct {
	ID         string      `json:"id"`
	Name       string      `json:"name,omitempty"`
	Contract   string      `json:"contract" enum:"plain,meetstream,attendee"`
	Types      []string    `json:"types"`
	Candidates []Candidate `json:"candidates"`
	Scopes     []string    `json:"scopes,omitempty"`
	Meetings   []string    `json:"meetings,omitempty" doc:"Numbers of the meetings it is for; absent: any"`
	Signed     bool        `json:"signed" doc:"Its callers have to prove who they are with the signing secret"`
	CIDRs      []string    `json:"cidrs,omitempty"`
	KeyID      string      `json:"key_id,omitempty" doc:"The API key that made it, whose limits it has; absent: the operator, on the server's own machine"`
	BotID      string      `json:"bot_id,omitempty" doc:"The bot that it was made for, which decides on whose behalf it joins and with which it ends"`
	ExpiresAt  *time.Time  `json:"expires_at,omitempty"`
	RevokedAt  *time.Time  `json:"revoked_at,omitempty"`
	LastUsedAt *time.Time  `json:"last_used_at,omitempty" doc:"Up to 30 seconds late"`
	CreatedAt  time.Time   `json:"created_at"`
}

// MadeTokenURL is the answer to NewTokenURL: the only time the URL is shown.
type MadeTokenURL struct {
	TokenURL
	URL string `json:"url" doc:"The whole URL, for the vendor. Whoever has it gets tokens. It is shown once and cannot be read again"`
}

// RevokedTokenURLs is the answer to DELETE /v1/token-urls.
type RevokedTokenURLs struct {
	Revoked int `json:"revoked" doc:"How many were in force"`
}
