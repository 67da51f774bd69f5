package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// usual is how often a scenario strikes.
const usual = 40

// scenario is one way of breaking things.
type scenario struct {
	name      string
	what      string
	databases []string
	nodes     int     // how many there are, unless somebody says otherwise
	faults    bool    // needs the program with fault points
	links     bool    // nodes reach database and providers through links
	pair      bool    // the database has a standby
	settled   bool    // nobody connects while it strikes: what the database loses of that is not ours
	scale     float64 // of time, at most: what lasts a lease is not to outlast a class's patience
	access    int     // seconds that access tokens live; 0: accessTTL
	strikes   int     // unless somebody says otherwise; 0: usual
	disk      func(w *world, n *node) error
	inbox     bool // a customer's server is told of everything
	strike    func(ctx context.Context, w *world) error
}

var both = []string{"sqlite", "postgres"}

func scenarios() []scenario {
	return []scenario{
		{name: "kill", what: "kill -9 at random under load", databases: both, nodes: 1, strike: killAtRandom},
		{name: "term", what: "SIGTERM under load", databases: both, nodes: 1, strike: terminate},
		{name: "faults", what: "each fault point in turn, the first time it is passed, the second, …", databases: both, nodes: 1, faults: true, strike: eachPoint},
		{name: "disk", what: "the disk with data and receipts is full", databases: both, nodes: 1, disk: onSmallDisk, strikes: 20, strike: fillDisk},
		{name: "outage", what: "the database is away for seconds and for minutes", databases: []string{"postgres"}, nodes: 1, strikes: 12, strike: stopDatabase},
		{name: "errors", what: "from some moment on every transaction fails, until the process is killed", databases: both, nodes: 1, faults: true, strikes: 12, strike: failTransactions},
		{name: "failover", what: "the primary is killed, and a standby promoted that lacks the last seconds", databases: []string{"postgres"}, nodes: 2, pair: true, settled: true, strikes: 10, strike: failOver},
		{name: "network", what: "nodes are cut off from the database, from providers, or from both", databases: []string{"postgres"}, nodes: 3, links: true, strike: cutNetworks},
		{name: "pause", what: "a node is stopped for longer than its leases last", databases: []string{"postgres"}, nodes: 2, links: true, scale: 3, access: 600, strikes: 4, strike: pastTheLease},
		{name: "clock", what: "clocks are wrong by up to ten minutes", databases: both, nodes: 1, strikes: 20, strike: stepClock},
		{name: "webhooks", what: "kill -9 while a webhook is on its way", databases: both, nodes: 1, inbox: true, strikes: 100, strike: killWhileTelling},
		{name: "nodes", what: "kill -9 among three nodes", databases: []string{"postgres"}, nodes: 3, links: true, strike: killAtRandom},
	}
}

func names() (out []string) {
	for _, s := range scenarios() {
		out = append(out, s.name)
	}
	return out
}

func choose(wanted string) (out []scenario, err error) {
	all := scenarios()
	if wanted == "all" {
		return all, nil
	}
	for name := range strings.SplitSeq(wanted, ",") {
		i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(names(), ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// play runs one scenario on one database, from an empty database to the verdict.
func play(ctx context.Context, o options, dir string, s scenario, db string, progress io.Writer) (r report, err error) {
	if o.strikes == 0 {
		o.strikes = cmp.Or(s.strikes, usual)
	}
	if s.scale > 0 {
		o.scale = min(o.scale, s.scale)
	}
	w, err := newWorld(ctx, o, dir, s, db, progress)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if s.inbox {
		if err := w.openInbox(ctx); err != nil {
			return r, err
		}
	}
	if err := w.connectAll(ctx); err != nil {
		return r, fmt.Errorf("connect: %w", err)
	}
	w.say("%d connections of %d classes; seed %d", len(w.holds), len(classes), o.seed)
	load := w.startLoad(ctx)
	err = s.strike(ctx, w)
	load.end()
	if err != nil {
		return r, err
	}
	w.say("everything is well again")
	final, err := w.settle(ctx)
	if err != nil {
		return r, fmt.Errorf("settle: %w", err)
	}
	var heard *told
	if s.inbox {
		if heard, err = w.allTold(ctx); err != nil {
			return r, err
		}
	}
	if err := w.haltNodes(ctx); err != nil {
		return r, err
	}
	disk, err := w.onDisk(ctx)
	if err != nil {
		return r, fmt.Errorf("look at what is on disk: %w", err)
	}
	w.say("judging")
	r = w.judge(final, disk)
	if heard != nil {
		r.Told, r.Wrong = heard, append(r.Wrong, heard.wrong...)
	}
	return r, nil
}
