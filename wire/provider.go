package wire

// Provider is an entry of the catalogue: GET /v1/providers.
type Provider struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Category   string   `json:"category,omitempty"`
	Class      string   `json:"class" doc:"What becomes of a refresh token once it was used: static, overlap, grace, strict, reuse_kill"`
	PKCE       bool     `json:"pkce" doc:"A code challenge (S256) is sent"`
	ManageURL  string   `json:"manage_url,omitempty" doc:"Where a person takes access away at the provider"`
	JoinTokens []string `json:"join_tokens,omitempty" doc:"What its meetings take"`
	AccessTTL  int64    `json:"access_ttl_seconds,omitempty" doc:"Documented life of an access token"`
	CodeTTL    int64    `json:"code_ttl_seconds,omitempty" doc:"Documented life of an authorization code"`
	Scopes     []Scope  `json:"scopes"`
}

// Scope is a scope in plain words.
type Scope struct {
	Scope     string `json:"scope"`
	Say       string `json:"say" doc:"What it lets the app do, as the connect page says it"`
	Sensitive bool   `json:"sensitive"`
	Writes    bool   `json:"writes"`
	Admin     bool   `json:"admin" doc:"An administrator has to consent"`
}
