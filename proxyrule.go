package lanyard

// ProxyRule is one kind of call that a key or a bot may make through the proxy. A call is
// let through by the first rule that fits it; where there are rules and none fits, it is
// refused.
type ProxyRule struct {
	Methods   []string              `json:"methods"`              // GET, POST …
	Path      string                `json:"path"`                 // "/v2/users/me/meetings"; "*" is one segment, "**" at the end the rest
	Query     map[string]QueryLimit `json:"query,omitempty"`      // parameters it may have; empty: any
	MaxAnswer int64                 `json:"max_answer,omitempty"` // bytes; 0: the server's limit
}

// QueryLimit is what a query parameter may be. Values, or a range of days, or of numbers.
type QueryLimit struct {
	Values   []string `json:"values,omitempty"`
	From     string   `json:"from,omitempty"` // a day or later: "today", "today-1d", "2026-12-31"; or a number
	To       string   `json:"to,omitempty"`   // likewise, or earlier: "today+7d"
	Required bool     `json:"required,omitempty"`
}
