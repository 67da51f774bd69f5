package lanyard

import "time"

// RunnerKind says whose words a runner is spoken to in.
type RunnerKind string

const (
	RunnerWebhook     RunnerKind = "webhook" // the customer's own: told by a signed call when a bot is to join
	RunnerAttendee    RunnerKind = "attendee"
	RunnerMeetStream  RunnerKind = "meetstream"
	RunnerRecall      RunnerKind = "recall"
	RunnerMeetingBaaS RunnerKind = "meetingbaas"
)

// RunnerKinds lists every kind.
var RunnerKinds = []RunnerKind{RunnerWebhook, RunnerAttendee, RunnerMeetStream, RunnerRecall, RunnerMeetingBaaS}

// Runner runs bots for a project: a vendor with the customer's key, or a URL of theirs.
type Runner struct {
	ID        RunnerID
	Project   ProjectID
	Kind      RunnerKind
	Name      string
	URL       string // where the vendor's API is, without a slash at the end; of a webhook, where it is told
	Key       []byte // sealed: the vendor's key, or what calls to a webhook are signed with
	Default   bool   // for bots that name none
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Dialect is the vendor whose words a caller uses.
type Dialect string

const (
	DialectNone       Dialect = ""
	DialectAttendee   Dialect = "attendee"
	DialectMeetStream Dialect = "meetstream"
)

// Dialects lists those that there are.
var Dialects = []Dialect{DialectAttendee, DialectMeetStream}
