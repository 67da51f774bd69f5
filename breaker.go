package lanyard

import "time"

// BreakerState is what an app may do at its provider.
type BreakerState string

const (
	BreakerClosed BreakerState = ""      // everything; there is no row
	BreakerOpen   BreakerState = "open"  // nothing but a probe now and then: the app's own settings are wrong
	BreakerStorm  BreakerState = "storm" // so many grants were refused at once that nobody is believed; a canary now and then
	BreakerWary   BreakerState = "wary"  // a canary got through: go on, and look who is refused
)

// Breaker stops an app as a whole, on all nodes, for causes that are no person's (I9).
type Breaker struct {
	App           AppID
	Project       ProjectID
	State         BreakerState
	Reason        Code
	Error         string // the provider's error code, cleaned
	ConfigVersion int64  // of the app, when it opened: a change of its settings is tried at once
	OpenedAt      time.Time
	ProbeAt       time.Time // no call before, and then one
	ProbeNode     string
	Probes        int64 // so far
	UpdatedAt     time.Time
}

// Node is a process that shares the database. Its disk may hold receipts that
// the database has not.
type Node struct {
	ID        string
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
	LostAt    time.Time // an operator said that its disk is gone
}
