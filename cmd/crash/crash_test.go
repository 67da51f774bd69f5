package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"lanyard/internal/store/pgtemp"
)

// The long form: go test ./cmd/crash -timeout 4h -args -crash.scenario all -crash.strikes 300 -crash.settle 4m
var (
	scenarioFlag = flag.String("crash.scenario", "", "scenarios, comma separated, or all, instead of the short form")
	databaseFlag = flag.String("crash.db", "sqlite,postgres", "databases")
	strikesFlag  = flag.String("crash.strikes", "0", "how often it strikes; 0: as the scenario has it")
	settleFlag   = flag.String("crash.settle", "4m", "how long recovery may take")
	seedFlag     = flag.String("crash.seed", "0", "repeats a run")
)

// crash runs the command on one database and fails where it found something.
func crash(t *testing.T, args ...string) []report {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what was acknowledged is known on Linux only")
	}
	var out bytes.Buffer
	err := run(t.Context(), append(args, "-json", "-seed", *seedFlag), &out, t.Output())
	if errors.Is(err, pgtemp.ErrNoPrograms) && os.Getenv("CI") == "" {
		t.Skip(pgtemp.HowToGet)
	}
	var reports []report
	if bad := json.Unmarshal(out.Bytes(), &reports); bad != nil && err == nil {
		t.Fatal(bad)
	}
	for _, r := range reports {
		r.print(t.Output())
	}
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

// short is the form for every change: nodes are killed 40 times, stopped six times,
// and killed ten times while they tell of something, on each database, and there is a
// little time to recover.
func short(t *testing.T, program, db string) {
	for _, r := range crash(t, "-scenario", "kill", "-db", db, "-strikes", "40", "-settle", "12s", "-lanyard", program) {
		all := r.Classes[len(r.Classes)-1]
		if r.Strikes != 40 || all.Renewals < 200 || r.Receipts < 100 {
			t.Errorf("got %d kills, %d renewals, %d refresh tokens in receipts: too little was going on to prove anything", r.Strikes, all.Renewals, r.Receipts)
		}
	}
	crash(t, "-scenario", "term", "-db", db, "-strikes", "6", "-settle", "12s", "-lanyard", program)
	for _, r := range crash(t, "-scenario", "webhooks", "-db", db, "-strikes", "10", "-settle", "12s", "-grants", "2", "-workers", "2", "-lanyard", program) {
		if r.Strikes != 10 || r.Told.Again < 5 || r.Told.Promised < 10 {
			t.Errorf("got %d kills and %+v: too little was under way to prove anything", r.Strikes, *r.Told)
		}
	}
}

func TestNothingIsLostThatCouldHaveBeenKept(t *testing.T) {
	if *scenarioFlag != "" {
		crash(t, "-scenario", *scenarioFlag, "-db", *databaseFlag, "-strikes", *strikesFlag, "-settle", *settleFlag)
		return
	}
	program := filepath.Join(t.TempDir(), "lanyard")
	o := options{}
	if err := o.build(t.Context(), filepath.Dir(program), scenarios()[:1]); err != nil {
		t.Fatal(err)
	}
	for _, db := range both {
		t.Run(db, func(t *testing.T) {
			if db == "postgres" && os.Getenv("LANYARD_TEST_POSTGRES") == "off" {
				t.Skip("LANYARD_TEST_POSTGRES is off")
			}
			t.Parallel()
			short(t, program, db)
		})
	}
}

func TestTheScenariosAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scenarios() {
		if seen[s.name] || s.what == "" || s.strike == nil || len(s.databases) == 0 {
			t.Errorf("scenario %q is there twice, or something of it is missing", s.name)
		}
		seen[s.name] = true
	}
	if got, err := choose("kill,term"); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v for two scenarios", got, err)
	}
	if _, err := choose("kil"); err == nil || !strings.Contains(err.Error(), "kill") {
		t.Errorf("got %v for a misspelt scenario, want what there is", err)
	}
}
