package wire

import "time"

// Refresh is what is due, and how renewing it goes on the node that answers: GET /v1/operator/refresh.
type Refresh struct {
	Stopped   *RefreshStop     `json:"stopped,omitempty" doc:"Absent: what is due is renewed"`
	Nodes     int              `json:"nodes" doc:"How many share the rates"`
	Rate      float64          `json:"rate" doc:"Calls per second, on all nodes, of an app whose provider says nothing"`
	InFlight  int              `json:"in_flight"`
	Places    int              `json:"places" doc:"How many calls may be in flight on this node"`
	Callers   int              `json:"callers" doc:"Callers who wait for their turn"`
	OldestDue *time.Time       `json:"oldest_due,omitempty" doc:"Since when the first of what is due has been waiting; absent: nothing is due"`
	Calls     map[string]int64 `json:"calls" doc:"By outcome, since the start of this node"`
	Apps      []RefreshApp     `json:"apps" doc:"Those with something due or that have called lately, at most 500, the longest due first"`
	Hosts     []RefreshHost    `json:"hosts" doc:"Token hosts that do not answer"`
}

// RefreshStop says who has stopped renewals.
type RefreshStop struct {
	By      string     `json:"by" doc:"The operator's name; refresh_stop: this node's setting"`
	At      *time.Time `json:"at,omitempty"`
	Callers bool       `json:"callers" doc:"Nothing is renewed for callers either"`
}

// RefreshApp is one app's pace on this node.
type RefreshApp struct {
	App         string      `json:"app_id"`
	Project     string      `json:"project_id"`
	Due         int         `json:"due" doc:"Grants to be renewed now, counted up to 100,000"`
	Since       *time.Time  `json:"since,omitempty"`
	InFlight    int         `json:"in_flight"`
	Callers     int         `json:"callers"`
	Rate        float64     `json:"rate" doc:"Calls per second now; 0: it has not called lately"`
	FullRate    float64     `json:"full_rate" doc:"And when all is well"`
	PausedUntil *time.Time  `json:"paused_until,omitempty" doc:"The provider has asked to wait"`
	Host        string      `json:"host,omitempty" doc:"Of its token endpoint"`
	Breaker     *AppBreaker `json:"breaker,omitempty" doc:"Absent: it may call"`
	LastOutcome string      `json:"last_outcome,omitempty"`
	LastAt      *time.Time  `json:"last_at,omitempty"`
}

// AppBreaker stops an app on all nodes for a cause that is no person's.
type AppBreaker struct {
	State    string    `json:"state" enum:"open,storm,wary" doc:"open: the app's own settings are wrong; storm: so many grants were refused at once that nobody is believed; wary: a call got through, and refusals are watched"`
	Reason   string    `json:"reason"`
	Error    string    `json:"error,omitempty" doc:"The provider's error code"`
	OpenedAt time.Time `json:"opened_at"`
	ProbeAt  time.Time `json:"probe_at" doc:"When one call is let through next"`
	Probes   int64     `json:"probes" doc:"So far"`
}

// RefreshHost is a host that gets one call at a time until it answers.
type RefreshHost struct {
	Host  string    `json:"host"`
	Row   int       `json:"row" doc:"Calls in a row without an answer"`
	Until time.Time `json:"until" doc:"The next call is not made before"`
}

// StopRefresh stops renewals on all nodes: POST /v1/operator/refresh/stop.
type StopRefresh struct {
	Callers bool `json:"callers,omitempty" doc:"Renew nothing for callers either: a token that has expired is then not to be had"`
}
