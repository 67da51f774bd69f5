package lanyard

import "time"

// Meeting is what is known of a meeting whose host's account is connected. Neither its
// number nor its topic nor a name is in it.
type Meeting struct {
	App     AppID
	Key     []byte // keyed hash of its number
	Project ProjectID
	Host    []byte // keyed hash of the account that hosts it, as Listing.Account

	// What was said of it, and when, by the provider's clock.
	Personal bool // the host's personal meeting
	Listed   bool // it was on the host's list; otherwise a notice said so
	Gone     bool // deleted, or another account hosts it now; kept so that what is late does not bring it back
	SaidAt   time.Time

	// Its last run that we were told of.
	State  RunState
	Run    []byte    // keyed hash of the provider's id for the run
	RunAt  time.Time // of the last notice about it
	ToldAt time.Time // we were told of its start then; zero: not

	KeepUntil time.Time // it is forgotten then
}

// RunState is how a run of a meeting stands.
type RunState string

const (
	RunNone    RunState = ""
	RunStarted RunState = "started"
	RunEnded   RunState = "ended"
)

// Attendance is somebody's stay in a run of a meeting.
type Attendance struct {
	App         AppID
	Meeting     []byte // Meeting.Key
	Run         []byte
	Participant []byte // keyed hash of what the provider calls the stay
	Project     ProjectID
	Account     []byte // keyed hash of the account, as Listing.Account; empty: the provider names none
	Here        bool
	At          time.Time // by the provider's clock
}

// Presence says whether the account of a connection is in a meeting.
type Presence string

const (
	Present     Presence = "present"
	Absent      Presence = "absent"
	NotKnowable Presence = "not_knowable" // nobody tells us: a host who is not connected, or notices that do not come
)

// Listing says when the meetings of a grant's account are listed.
type Listing struct {
	Grant      GrantID
	Project    ProjectID
	App        AppID
	Account    []byte    // keyed hash of the account's id; nil: not known before the first list
	ListAt     time.Time // next
	LeaseUntil time.Time // somebody lists until then
	ListedAt   time.Time // the last time that worked; zero: never
	Code       Code      // why the last time it did not, or not fully
	Tries      int64     // that failed since it worked
}
