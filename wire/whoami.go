package wire

import "time"

// Whoami says who asks, as the server sees it: GET /v1/whoami.
type Whoami struct {
	Name      string     `json:"name" doc:"As in the audit log: key:lyk_…, or operator"`
	Project   string     `json:"project,omitempty" doc:"The project of the key; absent for the operator"`
	Operator  bool       `json:"operator"`
	KeyID     string     `json:"key_id,omitempty"`
	Scopes    []string   `json:"scopes"`
	Providers []string   `json:"providers,omitempty" doc:"The key is for these only; absent: all"`
	Labels    []string   `json:"labels,omitempty" doc:"Connections with these labels only; absent: all"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}
