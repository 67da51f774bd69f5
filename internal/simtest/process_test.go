package simtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"modernc.org/sqlite"

	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/egress"
	"lanyard/internal/flow"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
	"lanyard/internal/refresh"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

// process is one life of the server, wired as package server does it.
type process struct {
	w      *world
	dir    string
	line   *line
	offset time.Duration // what its clock is wrong by
	stall  *stall

	db     *store.DB
	vault  *vault.Vault
	spool  *spool.Spool
	apps   *app.Service
	grants *grant.Service
	conns  *connection.Service
	flows  *flow.Service
	gate   *refresh.Gate
	sched  *refresh.Scheduler
	out    *egress.Client

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

const publicURL = "https://connect.example"

// start begins a process on the data in dir.
func (w *world) start(dir string, offset time.Duration) (p *process, err error) {
	ctx := context.Background()
	p = &process{w: w, dir: dir, offset: offset, stall: &stall{}, line: &line{w: w, conns: map[net.Conn]bool{}}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start: %w", err), p.close())
		}
	}()
	stalls.Store(filepath.Join(dir, "lanyard.db"), p.stall)
	if p.db, err = store.Open(ctx, store.Config{DataDir: dir, Version: "simulated", Logger: w.log, ClockOffset: offset}); err != nil {
		return nil, err
	}
	kek, err := vault.FindKEK(ctx, "file:"+filepath.Join(w.dir, "kek", "kek"), dir, p.db)
	if err != nil {
		return nil, err
	}
	if p.vault, err = vault.Open(ctx, vault.Config{KEK: kek, Keysets: p.db, Fields: p.db, Logger: w.log}); err != nil {
		return nil, err
	}
	if p.out, err = egress.New(egress.Config{AllowLoopback: true, ClockOffset: offset, Dial: p.line.dial}); err != nil {
		return nil, err
	}
	providers, err := provider.NewSet(p.out, w.entries()...)
	if err != nil {
		return nil, err
	}
	p.apps = app.New(app.Config{Store: p.db, Vault: p.vault, Providers: providers, PublicURL: publicURL})
	if p.spool, err = spool.Open(spool.Config{Dir: filepath.Join(dir, "spool"), Floor: -1, Segment: 2 << 20, Check: time.Minute, Logger: w.log}); err != nil {
		return nil, err
	}
	p.gate = refresh.NewGate(refresh.GateConfig{Rate: w.rate, InFlight: w.inFlight})
	p.grants = grant.New(grant.Config{Store: p.db, Vault: p.vault, Apps: p.apps, Spool: p.spool, Node: "n1", Logger: w.log, Gate: p.gate})
	p.conns = connection.New(connection.Config{Store: p.db, Vault: p.vault, Apps: p.apps, Grants: p.grants, PublicURL: publicURL, Logger: w.log})
	p.flows = flow.New(flow.Config{Store: p.db, Vault: p.vault, Providers: providers, Apps: p.apps, Grants: p.grants, Connections: p.conns,
		PublicURL: publicURL, Logger: w.log})
	p.sched = refresh.New(refresh.Config{Gate: p.gate, Grants: p.grants, Store: p.db, Every: w.every, Logger: w.log})
	if err := p.flows.Offer(ctx); err != nil {
		w.log.Error("receipts that could not be stored at the start", "error", err)
	}
	lost, err := p.grants.Recover(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.flows.Lost(ctx, lost); err != nil {
		return nil, err
	}
	tasks := append(p.grants.Tasks(), p.flows.Tasks()...)
	for i := range tasks {
		tasks[i].Every *= w.slower
	}
	run, stop := context.WithCancel(ctx)
	p.stop = stop
	w.mu.Lock()
	w.starts = append(w.starts, time.Now())
	w.mu.Unlock()
	p.tasks.Go(func() { worker.Run(run, w.log, append(tasks, p.sched.Task())...) })
	return p, nil
}

// drain is a planned stop: nothing new begins, what runs is waited for (I15).
func (p *process) drain() error {
	p.sched.Drain()
	p.gate.Close()
	p.flows.Stop()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	err := p.grants.Drain(ctx)
	p.stop()
	p.tasks.Wait()
	return err
}

// close gives everything back.
func (p *process) close() error {
	var errs []error
	if p.stop != nil {
		p.stop()
		p.tasks.Wait()
	}
	if p.spool != nil {
		errs = append(errs, p.spool.Close())
	}
	if p.vault != nil {
		p.vault.Close()
	}
	if p.db != nil {
		errs = append(errs, p.db.Close())
	}
	if p.out != nil {
		p.out.CloseIdle()
	}
	stalls.Delete(filepath.Join(p.dir, "lanyard.db"))
	return errors.Join(errs...)
}

// crash ends the process at once and returns a copy of its disk as it was at that
// moment: everything else of it stays as it is and has no way to the world any more.
// What it then still does, it does on the old disk. Nothing runs while the copy is
// made, since the clock stands still and everybody waits for something.
func (p *process) crash() (disk string) {
	synctest.Wait()
	disk = p.w.newDir()
	if err := copyDir(disk, p.dir); err != nil {
		panic(err)
	}
	p.line.cut()
	p.w.zombies.Go(func() {
		_ = p.drain()
		_ = p.close()
		_ = os.RemoveAll(p.dir)
	})
	return disk
}

func copyDir(to, from string) error {
	return filepath.Walk(from, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case info.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case strings.HasSuffix(rel, ".lock"), strings.HasSuffix(rel, "-shm"): // those of the process, not of the disk
			return nil
		}
		return copyFile(filepath.Join(to, rel), path)
	})
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// stall holds up the commits of a database, as a disk does that hangs.
type stall struct{ until atomic.Pointer[time.Time] }

// stalls has those of the databases that are open, by their file.
var stalls sync.Map

func (s *stall) set(d time.Duration) {
	until := time.Now().Add(d)
	s.until.Store(&until)
}

func (s *stall) wait() int32 {
	if until := s.until.Load(); until != nil {
		time.Sleep(time.Until(*until))
	}
	return 0
}

func init() {
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, dsn string) error {
		path, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(dsn, "file:"), "//"), "?")
		if s, ok := stalls.Load(path); ok && strings.Contains(dsn, "_txlock=immediate") {
			c.(sqlite.HookRegisterer).RegisterCommitHook(s.(*stall).wait)
		}
		return nil
	})
}
