package wire

import "time"

// Runner runs bots for you: a bot vendor, asked with your key, or a URL of yours.
type Runner struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind" enum:"webhook,attendee,meetstream,recall,meetingbaas"`
	Name      string    `json:"name,omitempty"`
	URL       string    `json:"url" doc:"Where the vendor's API begins; of a webhook, where it is told"`
	Default   bool      `json:"default" doc:"For bots that name none"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// NewRunner makes a runner: POST /v1/runners.
type NewRunner struct {
	Kind    string  `json:"kind" enum:"webhook,attendee,meetstream,recall,meetingbaas"`
	Name    string  `json:"name,omitempty" maxLength:"100"`
	URL     string  `json:"url,omitempty" maxLength:"2000" doc:"Needed for a webhook; of a vendor, absent means where its API is by its documentation"`
	Key     *string `json:"key,omitempty" maxLength:"1000" doc:"Your key at the vendor; sealed, and never shown again"`
	Default bool    `json:"default,omitempty" doc:"For bots that name none; the default until now no longer is"`
}

// MadeRunner is a runner and, of a webhook, the secret that signs its calls, which is
// shown this once.
type MadeRunner struct {
	Runner
	Secret string `json:"secret,omitempty" doc:"whsec_…: checks the signatures of kind v1 of a webhook"`
}

// RunnerChange changes a runner: PATCH /v1/runners/{id}. What is absent stays.
type RunnerChange struct {
	Name    *string `json:"name,omitempty" maxLength:"100"`
	URL     *string `json:"url,omitempty" maxLength:"2000" doc:"On another host a vendor's key has to be said again"`
	Key     *string `json:"key,omitempty" maxLength:"1000"`
	Default *bool   `json:"default,omitempty"`
}
