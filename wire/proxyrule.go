package wire

// ProxyRule is one kind of call that may be made through the proxy.
type ProxyRule struct {
	Methods   []string              `json:"methods" minItems:"1" maxItems:"7" doc:"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"`
	Host      string                `json:"host,omitempty" maxLength:"253" doc:"One of the provider's API hosts; absent: the usual one"`
	Path      string                `json:"path" maxLength:"512" doc:"Such as /v2/users/me/meetings. A segment * is any one, and ** at the end is the rest"`
	Query     map[string]QueryLimit `json:"query,omitempty" doc:"Parameters it may have, and no others; absent: any"`
	Headers   []string              `json:"headers,omitempty" maxItems:"30" doc:"Headers it may carry beside the usual ones"`
	MaxAnswer int64                 `json:"max_answer,omitempty" minimum:"0" doc:"Bytes; absent: the server's limit"`
}

// QueryLimit is what a query parameter may be: one of values, or in a range of days or of
// whole numbers; {} is anything.
type QueryLimit struct {
	Values   []string `json:"values,omitempty" maxItems:"30"`
	From     string   `json:"from,omitempty" maxLength:"20" doc:"A day: today, today-1d, 2026-12-31; or a whole number"`
	To       string   `json:"to,omitempty" maxLength:"20" doc:"Likewise; the whole day"`
	Required bool     `json:"required,omitempty"`
}
