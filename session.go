package lanyard

import "time"

// SessionState is how far an invitation has come.
type SessionState string

const (
	SessionOpen      SessionState = "open"      // may be opened and tried
	SessionConnected SessionState = "connected" // made its connection
	SessionExpired   SessionState = "expired"
)

// Session is a short-lived invitation for one person (cs_). Its link carries a
// secret of its own, kept as a hash.
type Session struct {
	ID             SessionID
	Project        ProjectID
	App            AppID
	Person         PersonID
	Purpose        string       // "connect", "reconnect" or "link"
	Connection     ConnectionID // reconnect: which; connect: the outcome
	LinkHash       []byte
	ReturnURL      string
	Origin         string // of the page that opens us as a pop-up
	Label          string
	Metadata       map[string]string
	Scopes         []string
	ScopesOptional []string
	Sealed         []byte // link, and connect by a token URL's link: an Expected, as JSON, under the person's key
	State          SessionState
	LastError      Code
	ExpiresAt      time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Expected says whose account a link must end in, where no session of the
// customer's vouches for the browser (T01). Sealed.
type Expected struct {
	Subject string `json:"subject,omitempty"` // the provider's id for the account
	Email   string `json:"email,omitempty"`
}

// FlowState is how far one trip to the provider has come. Each step spends the
// one before: no code is ever traded twice.
type FlowState string

const (
	FlowStarted   FlowState = "started"   // state, PKCE and cookie made
	FlowParked    FlowState = "parked"    // code sealed, completion made
	FlowRedeeming FlowState = "redeeming" // completion spent; the code is on its way
	FlowReceived  FlowState = "received"  // tokens are here, sealed; whose they are is not known yet
	FlowDone      FlowState = "done"
	FlowFailed    FlowState = "failed"
)

// Flow is one trip to the provider and back.
type Flow struct {
	ID                  FlowID
	Project             ProjectID
	App                 AppID
	Session             SessionID // empty for the own-callback journey, and for codes without state
	Person              PersonID  // empty for a code without state, until it is known whose account it is
	StateHash           []byte
	CodeHash            []byte // of a code that came without state; it stays
	CookieHash          []byte // empty: no browser of ours was seen
	Sealed              []byte // FlowData, under the project's key
	Parked              []byte // the code, sealed
	CompletionHash      []byte
	CompletionExpiresAt time.Time
	State               FlowState
	Error               Code
	ExpiresAt           time.Time
	CreatedAt           time.Time
}
