package lanyard

import (
	"slices"
	"time"
)

// Scope is what an API key may do.
type Scope string

const (
	ScopeConnect       Scope = "connect"        // invite people, complete connections
	ScopeRead          Scope = "read"           // see connections, not tokens
	ScopeToken         Scope = "token"          // read access tokens
	ScopeJoinOnBehalf  Scope = "join:onbehalf"  // Zoom OBF tokens
	ScopeJoinRecording Scope = "join:recording" // Zoom local-recording tokens
	ScopeJoinZAK       Scope = "join:zak"       // Zoom ZAK: acts as the user
	ScopeProxy         Scope = "proxy"          // calls through us
	ScopeWebhooks      Scope = "webhooks"       // events and where they go
	ScopeAudit         Scope = "audit"          // the log
	ScopeAdmin         Scope = "admin"          // apps, keys, project settings
)

// Scopes lists every scope, in the order they are shown.
var Scopes = []Scope{ScopeConnect, ScopeRead, ScopeToken, ScopeJoinOnBehalf, ScopeJoinRecording,
	ScopeJoinZAK, ScopeProxy, ScopeWebhooks, ScopeAudit, ScopeAdmin}

// Origin is where a request came from. It is personal data: in a row it is
// sealed, in a log it is left out.
type Origin struct {
	IP        string `json:"ip,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

// Principal is who asks, found by package access and by nobody else. The zero
// Principal may do nothing.
type Principal struct {
	Project   ProjectID // empty for the operator
	Person    PersonID  // a person in the portal: only what is theirs is there
	Name      string    // for the log: "key:lyk_…", "operator", "person", "provider:zoom", "lanyard"
	Key       KeyID
	Operator  bool
	Scopes    []Scope
	Providers []string // the key is for these only; empty: all
	Labels    []string // connections with these labels only; empty: all
	Dialect   Dialect  // whose words the key uses at /api/v1
	Bot       BotID    // the key is this bot's own: it may do nothing but for the bot
	Rules     []ProxyRule
	ExpiresAt time.Time
	Origin    Origin
	RequestID string
}

// May says whether the principal holds the scope.
func (p Principal) May(s Scope) bool {
	return p.Operator || p.Project != "" && slices.Contains(p.Scopes, s)
}

// Need returns CodeScopeMissing unless the principal holds the scope; to a bot's own key,
// which has those of what the bot may, CodeBotNotAllowed.
func (p Principal) Need(s Scope) error {
	if p.May(s) {
		return nil
	}
	if p.Bot != "" {
		return Errorf(CodeBotNotAllowed, "this bot's key does not have the scope %q; make the bot with what needs it in allow", string(s))
	}
	return Errorf(CodeScopeMissing, "this key does not have the scope %q; make one that has it", string(s))
}

// Sees says whether a connection of that person is there at all for the principal.
func (p Principal) Sees(of PersonID) bool { return p.Person == "" || p.Person == of }

// Reaches returns an error unless the key's limits let it touch a connection at
// this provider with this label.
func (p Principal) Reaches(provider, label string) error {
	if len(p.Providers) > 0 && !slices.Contains(p.Providers, provider) {
		return Errorf(CodeKeyLimited, "this key is limited to other providers than %s", provider)
	}
	if len(p.Labels) > 0 && !slices.Contains(p.Labels, label) {
		return Errorf(CodeKeyLimited, "this key is limited to connections with other labels")
	}
	return nil
}
