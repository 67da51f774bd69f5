package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2" //nolint:depguard // a run is repeated from its seed; nothing secret comes from it
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lanyard/client"
	"lanyard/internal/fault"
	"lanyard/wire"
)

// strike is a fault point that has struck.
type strike struct {
	at    time.Time
	point fault.Point
	kind  fault.Kind
}

// destroys says whether the answer that was under way may be lost by it: up to the
// moment at which it is on disk, whatever ends the call. An error of the disk is no
// such thing: another segment has the receipt then.
func (s strike) destroys() bool {
	switch s.point {
	case fault.CallHalf, fault.CallWritten, fault.CallHeaders, fault.CallBody, fault.CallTLS, fault.GrantAnswer:
		return true
	}
	return false
}

// holdsUp says whether answers may wait for their place on the disk, and how long:
// a delay is of one second, a stop of two.
func (s strike) holdsUp() (time.Duration, bool) {
	early := s.destroys() || strings.HasPrefix(string(s.point), "spool.")
	switch s.kind {
	case fault.Delay:
		return time.Second, early
	case fault.Stop:
		return 2 * time.Second, true
	}
	return 0, false
}

// times are the occasions at which a point fails: the first ones, and for what is
// passed all the time some that are in the middle of the load.
var times = []int{1, 2, 3, 10, 60, 250}

// eachPoint goes through the fault points: each kind, the Nth time, as long as
// there is an Nth time.
func eachPoint(ctx context.Context, w *world) error {
	n, dice := w.all[0], w.dice(3)
	wanted := strings.FieldsFunc(w.points, func(r rune) bool { return r == ',' })
	for _, spec := range fault.Table() {
		if len(wanted) > 0 && !slices.Contains(wanted, string(spec.Point)) {
			continue
		}
		for _, kind := range spec.Kinds {
			parameters := []string{""}
			if kind == fault.Error && strings.HasPrefix(string(spec.Point), "spool.") {
				parameters = []string{"EIO", "ENOSPC"}
			}
			for _, parameter := range parameters {
				reached := 0
				for _, nth := range times {
					hit, err := w.oneFault(ctx, n, spec.Point, kind, nth, parameter, dice)
					if err != nil {
						return fmt.Errorf("%s %s, time %d: %w", spec.Point, kind, nth, err)
					}
					if !hit {
						break
					}
					reached++
					if len(w.points) == 0 && reached >= w.perPoint {
						break
					}
				}
				if reached == 0 {
					w.unreached = append(w.unreached, string(spec.Point)+" "+string(kind))
				}
				w.say("%s %s %s: %d times, %d renewals", spec.Point, kind, parameter, reached, w.book.renewals())
			}
		}
	}
	return nil
}

// oneFault restarts the node with one fault armed, sees whether it strikes, and
// leaves a node that runs.
func (w *world) oneFault(ctx context.Context, n *node, p fault.Point, k fault.Kind, nth int, parameter string, dice *rand.Rand) (hit bool, err error) {
	armed := fmt.Sprintf("%s:%s:%d", p, k, nth)
	if parameter != "" {
		armed += ":" + parameter
	}
	// Something has to be left over for those that are passed while it starts.
	if w.book.next(2 * time.Second); n.running() {
		w.note(n.name, "kill -9, to be armed with %s", armed)
		pause(ctx, between(dice, 0, 2*time.Millisecond))
		if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
			return false, err
		}
		w.counted.kills++
	}
	from, err := size(n.log)
	if err != nil {
		return false, err
	}
	if err := n.launch(ctx, "LANYARD_FAULT="+armed); err != nil {
		return false, err
	}
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		_ = n.await(ctx, 60*time.Second) // it may never be
	}()
	hit, err = w.watch(ctx, n, from, p, k)
	if err != nil {
		return hit, err
	}
	select { // it may have died of it, or be on its way
	case <-ready:
	case <-time.After(20 * time.Second):
	}
	if n.running() && n.answers(ctx) {
		return hit, ctx.Err()
	}
	if n.running() {
		if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
			return hit, err
		}
	}
	return hit, n.start(ctx)
}

// watch looks whether the fault strikes, and has a stopped process go on.
func (w *world) watch(ctx context.Context, n *node, from int64, p fault.Point, k fault.Kind) (hit bool, err error) {
	mark := []byte(fmt.Sprintf("fault: %s %s", p, k))
	until := time.Now().Add(6 * time.Second)
	provoked := false
	for time.Now().Before(until) && ctx.Err() == nil {
		text, err := tail(n.log, from)
		if err != nil {
			return false, err
		}
		if bytes.Contains(text, mark) {
			hit = true
			break
		}
		if !n.running() {
			break // of another cause: the next start says
		}
		if !provoked && n.answers(ctx) {
			provoked = true
			all, enough := context.WithTimeout(ctx, 20*time.Second)
			var provoking sync.WaitGroup
			provoking.Go(func() { w.provoke(all, n, p) })
			defer func() { enough(); provoking.Wait() }()
		}
		pause(ctx, 3*time.Millisecond)
	}
	if !hit {
		return false, nil
	}
	w.mu.Lock()
	w.struck = append(w.struck, strike{time.Now(), p, k})
	w.mu.Unlock()
	w.note(n.name, "fault %s %s", p, k)
	w.counted.struck++
	if k == fault.Stop {
		over := w.suffers(n.name, stopped, false)
		pause(ctx, 2*time.Second)
		over()
		if err := n.signalGo(); err != nil && !errors.Is(err, errNotRunning) {
			return true, err
		}
	}
	pause(ctx, 500*time.Millisecond)
	return true, nil
}

const stopped = "SIGSTOP"

// provoke does what leads to a point that the customers' load does not pass.
func (w *world) provoke(ctx context.Context, n *node, p fault.Point) {
	switch p {
	case fault.VaultRewrap:
		door, err := client.New(client.Config{Socket: filepath.Join(n.dir, "lanyard.sock")})
		var all *wire.List[wire.Project]
		if err == nil {
			all, err = door.ListProjects(ctx, client.Page{})
		}
		if err == nil && len(all.Data) > 0 {
			_, err = door.RotateVault(ctx, wire.RotateVault{Level: "project", Project: all.Data[0].ID})
		}
		if err != nil {
			w.note(n.name, "rotation of the vault: %v", err) // the fault may be the reason
		}
	case fault.ServerDrain:
		if err := n.askToEnd(); err != nil {
			w.note(n.name, "SIGTERM: %v", err)
		}
	}
}

func size(path string) (int64, error) {
	s, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return s.Size(), nil
}

// tail reads a file from a place on.
func tail(path string, from int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, max(s.Size()-from, 0))
	_, err = f.ReadAt(b, from)
	return b, err
}
