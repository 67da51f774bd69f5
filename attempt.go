package lanyard

import "time"

// AttemptKind is what was sent to the token endpoint.
type AttemptKind string

const (
	AttemptCode    AttemptKind = "code"    // trade an authorization code
	AttemptRefresh AttemptKind = "refresh" // renew
	AttemptRevoke  AttemptKind = "revoke"  // give back
)

// Outcome is what became of a call to a token endpoint. Only "rejected" speaks
// about the person's grant, and only after confirmation; "unknown" is never a verdict.
type Outcome string

const (
	OutcomeOpen        Outcome = ""            // running, or its node died
	OutcomeOK          Outcome = "ok"          // usable tokens
	OutcomePartial     Outcome = "ok_partial"  // usable, salvaged from a damaged answer
	OutcomeNotSent     Outcome = "not_sent"    // DNS, dial, TLS: nothing left here
	OutcomeUnknown     Outcome = "unknown"     // something was sent, no usable answer
	OutcomeThrottled   Outcome = "throttled"   // 429, or 503 with Retry-After
	OutcomeAppError    Outcome = "app_error"   // the app's fault: id, secret, settings
	OutcomeRejected    Outcome = "rejected"    // invalid_grant and its aliases
	OutcomeInteraction Outcome = "interaction" // the person has to do something at the provider
	OutcomeDropped     Outcome = "dropped"     // answered, but the family or generation had moved on
)

// Attempt is one call to a token endpoint: a durable row before it is made (I1).
type Attempt struct {
	ID         AttemptID
	Project    ProjectID
	App        AppID
	Grant      GrantID // empty for a code exchange that made none
	Flow       FlowID
	Kind       AttemptKind
	Family     string
	Generation int64 // the generation whose refresh token was sent
	Node       string
	StartedAt  time.Time
	Deadline   time.Time
	EndedAt    time.Time // zero: open
	Outcome    Outcome
	Class      string // the provider's class at the time
	Error      string // the provider's error code, cleaned; never its text
	Status     int    // HTTP status; 0: none
	RequestID  string // the provider's own, for its support
}
