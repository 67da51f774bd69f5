package wire

import "time"

// Key is an API key (lyk_) or operator key (lyo_) without its secret.
type Key struct {
	ID         string      `json:"id"`
	Project    string      `json:"project,omitempty"`
	Operator   bool        `json:"operator"`
	Name       string      `json:"name,omitempty"`
	Scopes     []string    `json:"scopes"`
	Providers  []string    `json:"providers,omitempty"`
	Labels     []string    `json:"labels,omitempty"`
	CIDRs      []string    `json:"cidrs,omitempty" doc:"Addresses the key may be used from; absent: any"`
	Dialect    string      `json:"dialect,omitempty" doc:"Whose words it uses at /api/v1: attendee or meetstream"`
	Rules      []ProxyRule `json:"rules,omitempty" doc:"Calls it may make through the proxy; absent: any, with the scope"`
	ExpiresAt  *time.Time  `json:"expires_at,omitempty"`
	RevokedAt  *time.Time  `json:"revoked_at,omitempty"`
	LastUsedAt *time.Time  `json:"last_used_at,omitempty" doc:"Up to 30 seconds late"`
	CreatedAt  time.Time   `json:"created_at"`
}

// NewKey asks for a key: POST /v1/keys.
type NewKey struct {
	Name      string      `json:"name,omitempty" maxLength:"100" doc:"For people; shown in lists"`
	Scopes    []string    `json:"scopes" minItems:"1" maxItems:"20" doc:"What it may do"`
	Providers []string    `json:"providers,omitempty" maxItems:"100" doc:"For these providers only"`
	Labels    []string    `json:"labels,omitempty" maxItems:"100" doc:"For connections with these labels only"`
	CIDRs     []string    `json:"cidrs,omitempty" maxItems:"100" doc:"Usable from these networks only, such as 203.0.113.0/24"`
	Dialect   string      `json:"dialect,omitempty" enum:"attendee,meetstream" doc:"Whose words it uses at /api/v1"`
	Rules     []ProxyRule `json:"rules,omitempty" maxItems:"50" doc:"Calls it may make through the proxy, and no others; absent: any, with the scope proxy"`
	ExpiresAt *time.Time  `json:"expires_at,omitempty" doc:"Not usable after"`
}

// MadeKey is the answer to NewKey: the only time the credential is shown.
type MadeKey struct {
	Key
	Credential string `json:"credential" doc:"The whole key, as it goes into the Authorization header. It is shown once and cannot be read again"`
}

// RevokedKey is the answer to DELETE /v1/keys/{id}.
type RevokedKey struct {
	ID               string `json:"id"`
	TokenURLsRevoked int    `json:"token_urls_revoked" doc:"Token URLs that it made and that were revoked with it"`
	TokenURLsLeft    int    `json:"token_urls_left" doc:"Token URLs that it made and that are in force: whoever has one gets tokens. DELETE /v1/token-urls?key_id= revokes them"`
}

// NewOperatorKey asks for a key with the operator's door:
// POST /v1/operator/keys. With Operator, it is an operator key and Project and
// Scopes stay empty; otherwise it is a key of that project.
type NewOperatorKey struct {
	Operator  bool        `json:"operator,omitempty"`
	Project   string      `json:"project,omitempty"`
	Name      string      `json:"name,omitempty" maxLength:"100"`
	Scopes    []string    `json:"scopes,omitempty" maxItems:"20"`
	Providers []string    `json:"providers,omitempty" maxItems:"100"`
	Labels    []string    `json:"labels,omitempty" maxItems:"100"`
	CIDRs     []string    `json:"cidrs,omitempty" maxItems:"100"`
	Dialect   string      `json:"dialect,omitempty" enum:"attendee,meetstream"`
	Rules     []ProxyRule `json:"rules,omitempty" maxItems:"50"`
	ExpiresAt *time.Time  `json:"expires_at,omitempty"`
}
