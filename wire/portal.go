package wire

import "time"

// NewPortalSession makes a link to a person's own connections: POST /v1/portal-sessions.
type NewPortalSession struct {
	EndUserID string `json:"end_user_id" minLength:"1" maxLength:"255" doc:"Who is logged in at yours now; your own name for them"`
	ReturnURL string `json:"return_url,omitempty" maxLength:"2000" doc:"One of the project's return_urls, exactly; the page links back to it"`
}

// PortalSession is such a link.
type PortalSession struct {
	URL       string    `json:"url" doc:"For that person's browser; opens one, once"`
	ExpiresAt time.Time `json:"expires_at" doc:"Of the link"`
}
