package refresh_test

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/grant"
	"lanyard/internal/refresh"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

// pretend is a database of grants and providers that answer as they are told.
type pretend struct {
	t  *testing.T
	mu sync.Mutex

	apps   map[lanyard.AppID]*pretendApp
	calls  tally                // that were sent, at any provider
	late   map[string]time.Time // name of a grant → when its call began
	looks  int
	most   int           // that were asked for at once
	slow   time.Duration // from the beginning of a renewal to the gate
	broken error
}

type pretendApp struct {
	ask    grant.Ask
	rows   map[lanyard.GrantID]*row
	due    [4]index
	took   time.Duration                  // of a call
	says   func() (o lanyard.Outcome)     // nil: ok
	refuse func(g lanyard.Grant) error    // before anything is sent, and nothing is written
	calls  tally                          // of this app
	fresh  int                            // renewed
	wait   func(failed int) time.Duration // after a failure
}

type row struct {
	lanyard.Grant
	leased bool
	failed int
	done   chan struct{}
}

// index finds what is due first, of one rank. Entries of rows that have moved on
// stay until they are met.
type index []entry

type entry struct {
	at  time.Time
	row *row
}

func (x index) Len() int           { return len(x) }
func (x index) Less(i, j int) bool { return x[i].at.Before(x[j].at) }
func (x index) Swap(i, j int)      { x[i], x[j] = x[j], x[i] }
func (x *index) Push(e any)        { *x = append(*x, e.(entry)) }
func (x *index) Pop() any          { e := (*x)[len(*x)-1]; *x = (*x)[:len(*x)-1]; return e }

// due returns up to limit rows that are due, the first ones first.
func (x *index) due(limit int, now time.Time, leased bool) (out []*row) {
	var back []entry
	for len(*x) > 0 && len(out) < limit && !(*x)[0].at.After(now) {
		e := heap.Pop(x).(entry)
		if !e.row.RefreshAt.Equal(e.at) {
			continue
		}
		back = append(back, e)
		if leased || !e.row.leased {
			out = append(out, e.row)
		}
	}
	for _, e := range back {
		heap.Push(x, e)
	}
	return out
}

func (a *pretendApp) put(r *row, at time.Time) {
	r.RefreshAt = at
	heap.Push(&a.due[r.Rank], entry{at, r})
}

func newPretend(t *testing.T) *pretend {
	return &pretend{t: t, apps: map[lanyard.AppID]*pretendApp{}, late: map[string]time.Time{}}
}

// add makes an app with n grants that are due then.
func (p *pretend) add(name, project string, n int, at time.Time) *pretendApp {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := ask(name)
	a.Project = lanyard.ProjectID("prj_" + project)
	app := &pretendApp{ask: a, rows: map[lanyard.GrantID]*row{}, took: 50 * time.Millisecond,
		wait: func(failed int) time.Duration { return min(time.Second<<min(failed, 10), time.Minute) }}
	p.apps[a.App] = app
	for i := range n {
		app.plan(fmt.Sprintf("%s-%d", name, i), lanyard.RankInUse, at)
	}
	return app
}

func (a *pretendApp) plan(name string, rank lanyard.Rank, at time.Time) lanyard.Grant {
	g := lanyard.Grant{ID: lanyard.GrantID("grt_" + name), Project: a.ask.Project, App: a.ask.App, Family: "fam", Generation: 1, Rank: rank, RefreshAt: at}
	r := &row{Grant: g}
	a.rows[g.ID] = r
	a.put(r, at)
	return g
}

func (p *pretend) DueApps(context.Context) (out []store.DueApp, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	now := time.Now()
	for id, app := range p.apps {
		d := store.DueApp{App: id}
		for rank := range app.due {
			for _, r := range app.due[rank].due(1, now, true) {
				if d.Since.IsZero() || r.RefreshAt.Before(d.Since) {
					d.Since = r.RefreshAt
				}
			}
		}
		if !d.Since.IsZero() {
			out = append(out, d)
		}
	}
	return out, p.broken
}

func (p *pretend) Due(_ context.Context, app lanyard.AppID, limit int) (out []lanyard.Grant, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(p.most, limit)
	for rank := range p.apps[app].due {
		for _, r := range p.apps[app].due[rank].due(limit-len(out), time.Now(), false) {
			out = append(out, r.Grant)
		}
	}
	return out, p.broken
}

// at is this world as one node sees it, through its gate.
func (p *pretend) at(g *refresh.Gate) *pretendNode { return &pretendNode{pretend: p, gate: g} }

type pretendNode struct {
	*pretend
	gate *refresh.Gate
	busy sync.Map // grants that this node renews
}

func (p *pretendNode) Renew(ctx context.Context, seen lanyard.Grant, by lanyard.Principal) (lanyard.Grant, error) {
	if _, twice := p.busy.LoadOrStore(seen.ID, true); twice {
		p.t.Errorf("got %s begun twice at once", seen.ID)
	}
	defer p.busy.Delete(seen.ID)
	p.mu.Lock()
	slow := p.slow
	p.mu.Unlock()
	time.Sleep(slow)
	return p.renew(ctx, seen, by.Name != grant.Scheduled("").Name)
}

// renew is what grant.Service does: the gate, the lease, the call, the commit.
func (p *pretendNode) renew(_ context.Context, seen lanyard.Grant, waits bool) (lanyard.Grant, error) {
	p.mu.Lock()
	app := p.apps[seen.App]
	r := app.rows[seen.ID]
	is := r.Grant
	refuse := app.refuse
	p.mu.Unlock()
	if is.Generation != seen.Generation {
		return is, nil
	}
	if refuse != nil {
		if err := refuse(seen); err != nil {
			return is, err
		}
	}
	a := app.ask
	a.Rank, a.Waiting = seen.Rank, waits
	leave, err := p.gate.Enter(context.Background(), a)
	if err != nil {
		return is, err
	}
	out := lanyard.OutcomeDropped
	defer func() { leave(out, 0) }()
	p.mu.Lock()
	for r.leased { // another node, or another caller
		done := r.done
		p.mu.Unlock()
		<-done
		p.mu.Lock()
	}
	if r.Generation != seen.Generation {
		defer p.mu.Unlock()
		return r.Grant, nil
	}
	r.leased, r.done = true, make(chan struct{})
	p.late[string(r.ID)] = time.Now()
	says, took := app.says, app.took
	p.mu.Unlock()
	p.calls.add()
	app.calls.add()
	time.Sleep(took)
	if out = lanyard.OutcomeOK; says != nil {
		out = says()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.leased = false
	close(r.done)
	if out != lanyard.OutcomeOK {
		r.failed++
		app.put(r, time.Now().Add(app.wait(r.failed)))
		return r.Grant, lanyard.Errorf(lanyard.CodeRefreshFailed, "")
	}
	r.failed = 0
	r.Generation++
	app.put(r, time.Now().Add(24*time.Hour))
	app.fresh++
	return r.Grant, nil
}

func (p *pretend) renewed(a *pretendApp) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return a.fresh
}

// node is one process with a gate and a schedule, which goes until the test ends.
type node struct {
	gate *refresh.Gate
	s    *refresh.Scheduler
	stop func()
	over chan struct{}
}

func (p *pretend) node(db *store.DB, c refresh.GateConfig, change ...func(*refresh.Config)) *node {
	p.t.Helper()
	n := &node{gate: refresh.NewGate(c), over: make(chan struct{})}
	cfg := refresh.Config{Gate: n.gate, Grants: p.at(n.gate), Store: db}
	for _, f := range change {
		f(&cfg)
	}
	n.s = refresh.New(cfg)
	var ctx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	go func() {
		defer close(n.over)
		if err := n.s.Run(ctx); err != nil {
			p.t.Errorf("run: %v", err)
		}
	}()
	p.t.Cleanup(func() { n.stop(); <-n.over })
	return n
}

func database(t *testing.T) *store.DB { return storetest.Open(t) }
