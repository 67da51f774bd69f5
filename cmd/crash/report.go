package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is what one run of one scenario came to.
type report struct {
	Scenario string         `json:"scenario"`
	Database string         `json:"database"`
	Nodes    int            `json:"nodes"`
	Seed     uint64         `json:"seed"`
	Again    string         `json:"again"`
	Seconds  int            `json:"seconds"`
	Strikes  int            `json:"strikes"`
	Did      map[string]int `json:"did"` // what was done, and how often
	Classes  []row          `json:"classes"`
	Connects struct {
		Asked  int `json:"asked"`  // journeys that reached the provider's token endpoint
		Orphan int `json:"orphan"` // of which the provider knows and nobody here
	} `json:"connects"`
	Told      *told    `json:"told,omitempty"`
	Receipts  int      `json:"receipts"`            // refresh tokens found in the nodes' spools
	Unreached []string `json:"unreached,omitempty"` // fault points that nothing here leads to
	Waits     []string `json:"waits"`               // what waits, and for what
	Excuses   []string `json:"excuses"`             // why each excusable loss could not be helped
	Wrong     []string `json:"wrong"`               // what must not happen and did
}

// row is one class, or the sum.
type row struct {
	Class        string `json:"class"`
	Connections  int    `json:"connections"`
	Renewals     int    `json:"renewals"`
	Undelivered  int    `json:"undelivered"` // renewals whose answer never arrived
	Inexcusable  int    `json:"lost_inexcusably"`
	Excusable    int    `json:"lost_excusably"`
	ResponseLost int    `json:"said_response_lost"` // of these: named as what they are
	Undecided    int    `json:"undecided"`          // of these: still degraded in the end, no cause said yet
	OtherCause   int    `json:"said_another_cause"` // of these
	DeadWrongly  int    `json:"called_dead_wrongly"`
	ActiveDead   int    `json:"active_while_dead"`
	SpentTwice   int    `json:"spent_twice"`
	Waiting      int    `json:"waiting"`  // alive, and degraded in the end of a run that had no time for its class's patience
	Stuck        int    `json:"not_back"` // alive at the provider, held here, and not renewed in the end
}

func (r *row) add(o row) {
	r.Connections += o.Connections
	r.Renewals += o.Renewals
	r.Undelivered += o.Undelivered
	r.Inexcusable += o.Inexcusable
	r.Excusable += o.Excusable
	r.ResponseLost += o.ResponseLost
	r.Undecided += o.Undecided
	r.OtherCause += o.OtherCause
	r.DeadWrongly += o.DeadWrongly
	r.ActiveDead += o.ActiveDead
	r.SpentTwice += o.SpentTwice
	r.Waiting += o.Waiting
	r.Stuck += o.Stuck
}

func (r report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s on %s, %d node(s): %d strikes in %d s\n", r.Scenario, r.Database, r.Nodes, r.Strikes, r.Seconds)
	var did []string
	for _, what := range slices.Sorted(maps.Keys(r.Did)) {
		did = append(did, fmt.Sprintf("%d × %s", r.Did[what], what))
	}
	fmt.Fprintln(out, strings.Join(did, "; "))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "class\tconnections\trenewals\tanswers not delivered\tlost inexcusably\tlost excusably\tas response_lost\tundecided\tother cause\tcalled dead wrongly\tactive while dead\tspent twice\twaiting\tnot back\t")
	for _, c := range r.Classes {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.Class, c.Connections, c.Renewals, c.Undelivered, c.Inexcusable, c.Excusable,
			c.ResponseLost, c.Undecided, c.OtherCause, c.DeadWrongly, c.ActiveDead, c.SpentTwice, c.Waiting, c.Stuck)
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	fmt.Fprintf(out, "connects: %d reached the provider, %d of them came to nothing; %d refresh tokens are in receipts\n", r.Connects.Asked, r.Connects.Orphan, r.Receipts)
	if t := r.Told; t != nil {
		fmt.Fprintf(out, "webhooks: %d events, %d of them promised by an answer; %d messages, %d of them not the first under their id; all had come %.1f s after the exam\n",
			t.Events, t.Promised, t.Messages, t.Again, float64(t.LastMS)/1000)
	}
	if len(r.Unreached) > 0 {
		fmt.Fprintln(out, "not reached:", strings.Join(r.Unreached, ", "))
	}
	for _, e := range r.Waits {
		fmt.Fprintln(out, "waiting:", e)
	}
	for _, e := range r.Excuses {
		fmt.Fprintln(out, "excusable:", e)
	}
	for _, v := range r.Wrong {
		fmt.Fprintln(out, "WRONG:", v)
	}
	fmt.Fprintln(out, "again with:", r.Again)
}
