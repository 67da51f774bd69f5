// Command crash breaks a running Lanyard in every way it can think of, and counts
// what was lost. See docs/crash.md.
//
//	world      pretend providers of every class, a database, one to three nodes of
//	           the ordinary program as child processes, and customers' requests
//	strikes    kill -9, fault points, a full disk, a stopped database, a fail-over,
//	           cut networks, stopped processes, wrong clocks: one scenario each
//	settle     nothing is broken any more; everybody has time to recover
//	exam       each connection has to renew once more, and its token has to work
//	judge      the provider's own ledger: which refresh token is the current one,
//	           whether the answer with it arrived, and whether whoever got it lived
//
// It exits with 1 where something was lost that could have been kept.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lanyard/internal/store/pgtemp"
)

// options is what the command was asked for.
type options struct {
	seed     uint64
	strikes  int           // of a scenario, where their number is open
	grants   int           // connections of each class
	workers  int           // customers that ask at once
	nodes    int           // 0: what the scenario is about
	scale    float64       // LANYARD_TIME_SCALE
	settle   time.Duration // how long recovery may take
	dawdle   time.Duration // an answer that arrived must be on disk by then
	perPoint int           // how many times each fault point strikes, at most
	outage   time.Duration // the longest time that the database is away
	points   string        // fault points, comma separated; empty: all
	dir      string
	program  string // built without tags
	faulty   string // built with -tags faults
	logLevel string
	keep     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil:
		return
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "crash:", err)
	os.Exit(1)
}

func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	var o options
	var wanted, databases string
	var asJSON bool
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	flags.StringVar(&wanted, "scenario", "kill", "comma separated, or all: "+strings.Join(names(), ", "))
	flags.StringVar(&databases, "db", "sqlite,postgres", "databases; a scenario leaves out the one it does not concern")
	flags.Uint64Var(&o.seed, "seed", 0, "repeats a run; 0: a new one")
	flags.IntVar(&o.strikes, "strikes", 0, "how often it strikes; 0: as the scenario has it, 40 for most")
	flags.IntVar(&o.grants, "grants", 8, "connections of each class")
	flags.IntVar(&o.workers, "workers", 12, "requests at once")
	flags.IntVar(&o.nodes, "nodes", 0, "nodes on one PostgreSQL; 0: what the scenario is about")
	flags.Float64Var(&o.scale, "time-scale", 60, "LANYARD_TIME_SCALE of the nodes")
	flags.DurationVar(&o.settle, "settle", 4*time.Minute, "how long recovery may take at the end")
	flags.DurationVar(&o.dawdle, "dawdle", 250*time.Millisecond, "an answer must be on disk so soon after it arrived")
	flags.IntVar(&o.perPoint, "per-point", 3, "how often each kind of each fault point strikes, at most; those that -points names: as often as there is an Nth time")
	flags.DurationVar(&o.outage, "outage", 2*time.Minute, "the longest time that the database is away")
	flags.StringVar(&o.points, "points", "", "fault points, comma separated; empty: all of the table")
	flags.StringVar(&o.dir, "dir", "", "where databases and logs are put; default: the system's for temporary files")
	flags.StringVar(&o.program, "lanyard", "", "the lanyard program; default: it is built")
	flags.StringVar(&o.faulty, "lanyard-faults", "", "the same with -tags faults; default: it is built where it is needed")
	flags.StringVar(&o.logLevel, "log", "info", "log level of the nodes")
	flags.BoolVar(&o.keep, "keep", false, "leave databases and logs where they are")
	flags.BoolVar(&asJSON, "json", false, "print the report as JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.strikes < 0 || o.grants < 1 || o.workers < 1 || o.scale <= 0 || o.nodes < 0 || o.nodes > 9 {
		return errors.New("-grants, -workers and -time-scale must be positive, -strikes not negative, -nodes 0 to 9")
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixMilli() % 1e9)
	}
	chosen, err := choose(wanted)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "lanyard-crash-")
	if err != nil {
		return err
	}
	defer func() {
		if o.keep {
			fmt.Fprintln(progress, "logs and data are in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := o.build(ctx, dir, chosen); err != nil {
		return err
	}
	var all []report
	for _, s := range chosen {
		for _, db := range strings.Split(databases, ",") {
			if !slices.Contains(s.databases, db) {
				continue
			}
			r, err := play(ctx, o, dir, s, db, progress)
			if errors.Is(err, pgtemp.ErrNoPrograms) {
				return fmt.Errorf("%w: %s\nor leave it out: -db sqlite", err, pgtemp.HowToGet)
			}
			if err != nil {
				return fmt.Errorf("%s on %s: %w\nagain with: %s", s.name, db, err, o.again(s, db))
			}
			r.Again = o.again(s, db)
			all = append(all, r)
			if !asJSON {
				r.print(out)
			}
		}
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(all); err != nil {
			return err
		}
	}
	return verdict(all)
}

// verdict is an error that says in how many runs something was wrong.
func verdict(all []report) error {
	var wrong []string
	for _, r := range all {
		if n := len(r.Wrong); n > 0 {
			wrong = append(wrong, fmt.Sprintf("%s on %s: %d, again with: %s", r.Scenario, r.Database, n, r.Again))
		}
	}
	if len(all) == 0 {
		return errors.New("no scenario concerns these databases")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("what must not happen happened:\n%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// again is the command that repeats a run.
func (o options) again(s scenario, db string) string {
	c := fmt.Sprintf("go run ./cmd/crash -scenario %s -db %s -seed %d -strikes %d -grants %d -workers %d -time-scale %g -settle %s", s.name, db, o.seed,
		cmp.Or(o.strikes, s.strikes, usual), o.grants, o.workers, o.scale, o.settle)
	if s.faults {
		c += fmt.Sprintf(" -per-point %d", o.perPoint)
	}
	if o.points != "" {
		c += " -points " + o.points
	}
	if o.nodes > 0 {
		c += fmt.Sprintf(" -nodes %d", o.nodes)
	}
	return c
}

// build makes the programs that the scenarios need and that were not named.
func (o *options) build(ctx context.Context, dir string, chosen []scenario) error {
	make := func(name string, tags ...string) (string, error) {
		program := filepath.Join(dir, name)
		args := append(append([]string{"build"}, tags...), "-o", program, "lanyard/cmd/lanyard")
		if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("build lanyard: %w: %s", err, out)
		}
		return program, nil
	}
	var err error
	if o.program == "" && slices.ContainsFunc(chosen, func(s scenario) bool { return !s.faults }) {
		if o.program, err = make("lanyard"); err != nil {
			return err
		}
	}
	if o.faulty == "" && slices.ContainsFunc(chosen, func(s scenario) bool { return s.faults }) {
		o.faulty, err = make("lanyard-faults", "-tags", "faults")
	}
	return err
}
