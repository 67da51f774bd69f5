package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"lanyard/internal/store/pgtemp"
)

// pair is a primary and a standby that follows it through a link which can be cut.
// Each has a lasting name, a symbolic link to its socket's directory.
type pair struct {
	dir     string
	primary *pgtemp.Cluster
	standby *pgtemp.Cluster
	follow  *link
	name    map[*pgtemp.Cluster]string
}

// newPair begins with a primary that is there.
func (w *world) newPair(ctx context.Context, primary *pgtemp.Cluster) (*pair, error) {
	p := &pair{dir: w.dir, primary: primary, name: map[*pgtemp.Cluster]string{}}
	if err := p.call(primary, "pg1"); err != nil {
		return nil, err
	}
	var err error
	if p.follow, err = newLink(ctx, "", "unix", primary.Socket(), false); err != nil {
		return nil, err
	}
	return p, p.secondary("pg2")
}

func (p *pair) call(c *pgtemp.Cluster, name string) error {
	p.name[c] = name
	path := filepath.Join(p.dir, name)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(c.Dir(), path)
}

// secondary makes a standby of the primary.
func (p *pair) secondary(name string) (err error) {
	host, port := hostPort(p.follow.address())
	if p.standby, err = p.primary.Standby("host=" + host + " port=" + port); err != nil {
		return err
	}
	return p.call(p.standby, name)
}

// url names both: whichever takes changes is the one.
func (p *pair) url() string {
	return "postgres:///postgres?user=lanyard&target_session_attrs=read-write&host=" + filepath.Join(p.dir, "pg1") + "," + filepath.Join(p.dir, "pg2")
}

// failOver has the standby fall behind, kills the primary and promotes the standby,
// which has not got what was committed last.
func failOver(ctx context.Context, w *world) error {
	dice, p := w.dice(6), w.pair
	for i := range w.strikes {
		pause(ctx, between(dice, 2*time.Second, 5*time.Second))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.follow.set(silent)
		behind := between(dice, 300*time.Millisecond, 4*time.Second)
		w.note("", "the standby hears nothing any more, %s", behind)
		pause(ctx, behind)
		w.book.next(time.Second)
		over := w.suffers("", "the primary is killed", false)
		if err := p.primary.Stop(); err != nil {
			return err
		}
		if dice.IntN(4) == 0 {
			n := w.all[dice.IntN(len(w.all))]
			w.note(n.name, "kill -9 between primary and standby")
			if err := n.end("kill"); err != nil && !errors.Is(err, errNotRunning) {
				return err
			}
			w.counted.kills++
		}
		pause(ctx, between(dice, 0, 2*time.Second))
		p.follow.set(closed)
		if err := p.standby.Promote(); err != nil {
			return err
		}
		over()
		w.note("", "the standby is the primary; the last %s of commits are lost", behind)
		w.counted.struck++
		for _, n := range w.all {
			if err := w.revive(ctx, n); err != nil {
				return err
			}
		}
		// The old primary never comes back; its name goes to a new standby.
		old, name := p.primary, p.name[p.primary]
		p.primary = p.standby
		w.cluster = p.primary
		p.follow.lead("unix", p.primary.Socket())
		p.follow.set(open)
		if err := errors.Join(old.Close(), p.secondary(name)); err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return ctx.Err()
}
