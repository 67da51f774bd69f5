package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// scenario is one way of breaking things.
type scenario struct {
	name      string
	what      string
	databases []string
	nodes     int  // at least
	faults    bool // needs the program with fault points
	strike    func(ctx context.Context, w *world) error
}

var both = []string{"sqlite", "postgres"}

func scenarios() []scenario {
	return []scenario{
		{name: "kill", what: "kill -9 at random under load", databases: both, nodes: 1, strike: killAtRandom},
		{name: "term", what: "SIGTERM under load", databases: both, nodes: 1, strike: terminate},
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
	w, err := newWorld(ctx, o, dir, s, db, progress)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
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
	w.say("settling")
	final, err := w.settle(ctx)
	if err != nil {
		return r, fmt.Errorf("settle: %w", err)
	}
	if err := w.haltNodes(ctx); err != nil {
		return r, err
	}
	disk, err := w.onDisk(ctx)
	if err != nil {
		return r, fmt.Errorf("look at what is on disk: %w", err)
	}
	return w.judge(final, disk), nil
}
