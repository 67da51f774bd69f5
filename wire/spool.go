package wire

import "time"

// Spool is how the answers on a server's local disk are: GET /v1/operator/spool.
type Spool struct {
	Node          string     `json:"node" doc:"Whose disk it is"`
	Dir           string     `json:"dir"`
	State         string     `json:"state" enum:"ok,below_floor,full,stalled,broken,closed" doc:"Where it is not ok, no call to a provider begins here"`
	Why           string     `json:"why,omitempty"`
	Segments      int        `json:"segments"`
	Bytes         int64      `json:"bytes" doc:"That the segments take, allocated ahead"`
	Receipts      int        `json:"receipts" doc:"Answers of providers that are kept; each for a day at least"`
	Pending       int        `json:"pending" doc:"Of these, the ones that the database is not known to have"`
	OldestPending *time.Time `json:"oldest_pending,omitempty"`
	Rooms         int        `json:"rooms" doc:"Set aside for calls that run"`
	Damaged       int        `json:"damaged" doc:"Stretches that could not be read when it was opened; a write that a crash has cut is one"`
	Marks         int        `json:"marks" doc:"Grants of which it is noted when they were last stored"`
	Free          int64      `json:"free" doc:"Bytes of the disk"`
	Floor         int64      `json:"floor" doc:"Bytes that must be free for a call to begin"`
}

// DeclareLost says that a node will not come back, and its disk neither: POST
// /v1/operator/spool/declare-lost.
type DeclareLost struct {
	Node string `json:"node" doc:"Its id, as the status has it"`
}

// LostNode is what that has ended.
type LostNode struct {
	Node   string `json:"node"`
	Closed int    `json:"closed" doc:"Calls of which nobody will know the answer"`
}
