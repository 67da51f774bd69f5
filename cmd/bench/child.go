package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
)

// childFlag makes this program the other end of startChild.
const childFlag = "-child"

// orders is the first line that a child reads: what it is to be.
type orders struct {
	Role        string            // "product", "ceiling" or "renewals"
	Settings    map[string]string // of the product
	Log         string            // file for the log
	Bare        bool              // the ceiling without the product's front
	DatabaseURL string            // of the ceiling; empty: SQLite
	SQLite      string            // path of the ceiling's database
	Key         []byte            // of the ceiling's AES-256-GCM
	Profile     string            // begins the names of files for profiles; empty: none

	// Of the ceiling of renewals.
	TokenURL     string
	Flight       int    // renewals at once
	FreshCalls   bool   // a connection for each call, as where a second try would do harm
	Dir          string // where its spool is put
	App, Besides string // whose grants; but for this one
}

// ready is the first line that it answers.
type ready struct {
	URL string
	Key string // the first API key, when the database was empty
}

// process is a child: it serves until its standard input ends.
type process struct {
	ready
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startChild(ctx context.Context, o orders) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, childFlag)
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.ask(o, &p.ready); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", o.Role, err), p.close())
	}
	return p, nil
}

// ask writes one line and reads one.
func (p *process) ask(question, answer any) error {
	if err := json.NewEncoder(p.in).Encode(question); err != nil {
		return err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the child ended: %w", err)
	}
	return json.Unmarshal(line, answer)
}

func (p *process) usage() (u usage, err error) { return u, p.ask("usage", &u) }

func (p *process) close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// child is the other end: it serves what it is told to until in ends.
func child(in io.Reader, out io.Writer) (err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return errors.New("no orders")
	}
	var o orders
	if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	serve := serveProduct
	switch o.Role {
	case "ceiling":
		serve = serveCeiling
	case "renewals":
		serve = serveRenewals
	}
	r, wait, err := serve(ctx, o)
	if err != nil {
		return err
	}
	if o.Profile != "" {
		stop, err := profile(o.Profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(r); err != nil {
		return err
	}
	for lines.Scan() { // every further line asks the same
		if err := answers.Encode(used()); err != nil {
			return err
		}
	}
	stop()
	return errors.Join(lines.Err(), wait())
}

// profile writes where time goes to path.cpu.pprof, and allocations to
// path.allocs.pprof, until stop.
func profile(path string) (stop func() error, err error) {
	cpu, err := os.Create(path + ".cpu.pprof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(path + ".allocs.pprof")
		if err == nil {
			err = errors.Join(pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close())
		}
		return errors.Join(err, cpu.Close())
	}, nil
}
