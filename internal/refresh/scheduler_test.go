package refresh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/refresh"
)

// A provider is down for an hour, and 20,000 tokens expire meanwhile. When it is
// back, nobody who waits is behind them, the rate holds, and all are fresh within a
// fifth more than the rate alone would take.
func TestAfterAnOutageAllAreFreshInTimeAndCallersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const backlog, rate = 20_000, 50
		p := newPretend(t)
		a := p.add("a", "1", backlog, time.Now())
		down := true
		a.says = func() lanyard.Outcome {
			p.mu.Lock()
			defer p.mu.Unlock()
			if down {
				return lanyard.OutcomeNotSent
			}
			return lanyard.OutcomeOK
		}
		n := p.node(database(t), refresh.GateConfig{Rate: rate})
		time.Sleep(time.Hour)
		if got := p.calls.n(); got > 300 {
			t.Errorf("got %d calls in an hour without an answer, want few", got)
		}
		p.mu.Lock()
		down = false
		p.mu.Unlock()
		back := time.Now()

		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		var slowest time.Duration
		served := 0
		callers.Go(func() { // one each second wants a token that has expired, from the far end of the list
			for i := backlog - 1; ctx.Err() == nil; i-- {
				began := time.Now()
				g := p.at(n.gate)
				_, err := g.renew(ctx, lanyard.Grant{ID: lanyard.GrantID(fmt.Sprintf("grt_a-%d", i)), App: a.ask.App, Generation: 1, Rank: lanyard.RankInUse}, true)
				if err != nil {
					t.Errorf("caller %d: %v", backlog-i, err)
				}
				if d := time.Since(began); time.Since(back) > 35*time.Second { // until then the host was not known to be back
					slowest = max(slowest, d)
				}
				served++
				time.Sleep(time.Second)
			}
		})
		for p.renewed(a) < backlog && time.Since(back) < 2*backlog/rate*time.Second {
			time.Sleep(time.Second)
		}
		took := time.Since(back)
		stop()
		callers.Wait()
		if want := time.Duration(1.2 * backlog / rate * float64(time.Second)); took > want || p.renewed(a) < backlog {
			t.Errorf("got %d renewed in %s, want all %d in %s", p.renewed(a), took, backlog, want)
		}
		if slowest > 200*time.Millisecond || served < 300 {
			t.Errorf("got %d callers served, the slowest in %s; want none behind the backlog", served, slowest)
		}
		a.calls.neverAbove(t, rate)
		if p.most > 256 {
			t.Errorf("got %d grants read at once, want a few hundred at most", p.most)
		}
	})
}

// T39: a project with 20,000 due at a provider that is slow, or hangs, or has many
// apps, does not hold up another's one grant.
func TestABacklogOfOneProjectDoesNotDelayAnother(t *testing.T) {
	for name, tc := range map[string]struct {
		apps int
		took time.Duration
		says lanyard.Outcome
	}{
		"slow": {1, 11 * time.Second, lanyard.OutcomeOK}, "hangs": {1, 45 * time.Second, lanyard.OutcomeUnknown},
		"many apps that hang": {40, 45 * time.Second, lanyard.OutcomeUnknown}, "fast": {40, time.Millisecond, lanyard.OutcomeOK},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretend(t)
			for i := range tc.apps {
				a := p.add(fmt.Sprint("big", i), "big", 20_000/tc.apps, time.Now())
				a.took, a.says = tc.took, func() lanyard.Outcome { return tc.says }
			}
			small := p.add("small", "small", 0, time.Time{})
			p.node(database(t), refresh.GateConfig{Rate: 50})
			var late time.Duration
			for i := range 100 {
				time.Sleep(3700 * time.Millisecond)
				p.mu.Lock()
				g := small.plan(fmt.Sprint("small-", i), lanyard.RankIdle, time.Now())
				p.mu.Unlock()
				due := time.Now()
				time.Sleep(3 * time.Second)
				p.mu.Lock()
				began, ok := p.late[string(g.ID)]
				p.mu.Unlock()
				if !ok {
					t.Fatalf("%s: got it not begun after 3 s", name)
				}
				late = max(late, began.Sub(due))
			}
			if late > 1300*time.Millisecond { // it is seen within 1.2 s
				t.Errorf("%s: got a grant of another project begun %s after it was due, want that it is not held up", name, late)
			}
		})
	}
}

func TestProjectsTakeTurnsThenTheirApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		many := []*pretendApp{p.add("m1", "many", 2000, time.Now()), p.add("m2", "many", 2000, time.Now()), p.add("m3", "many", 2000, time.Now())}
		one := p.add("one", "one", 2000, time.Now())
		p.node(database(t), refresh.GateConfig{Rate: 1000, InFlight: 1})
		time.Sleep(time.Minute)
		sum := 0
		for _, a := range many {
			n := p.renewed(a)
			sum += n
			if n < 150 || n > 250 {
				t.Errorf("got %d for one of three apps of a project, want a sixth of 1200", n)
			}
		}
		if n := p.renewed(one); n < 500 || n > 700 || sum < 500 {
			t.Errorf("got %d for a project with one app, %d for one with three; want as many for each", n, sum)
		}
	})
}

func TestTheMostUrgentComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		a := p.add("a", "1", 0, time.Time{})
		long := time.Now().Add(-time.Hour)
		for i := range 500 {
			a.plan(fmt.Sprint("idle-", i), lanyard.RankIdle, long)
			a.plan(fmt.Sprint("used-", i), lanyard.RankInUse, long)
		}
		for i := range 100 {
			a.plan(fmt.Sprint("soon-", i), lanyard.RankSoon, time.Now())
			a.plan(fmt.Sprint("grace-", i), lanyard.RankGrace, time.Now().Add(5*time.Second))
		}
		p.node(database(t), refresh.GateConfig{Rate: 50})
		time.Sleep(2 * time.Minute)
		when := func(kind string) (first, last time.Time) {
			for id, at := range p.late {
				if strings.HasPrefix(id, "grt_"+kind) {
					if first.IsZero() || at.Before(first) {
						first = at
					}
					if at.After(last) {
						last = at
					}
				}
			}
			return first, last
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		_, soon := when("soon")
		used, usedLast := when("used")
		idle, _ := when("idle")
		grace, graceLast := when("grace")
		if used.Before(soon) || idle.Before(usedLast) {
			t.Errorf("got soon until %s, in use from %s until %s, idle from %s; want one after the other", soon, used, usedLast, idle)
		}
		if d := graceLast.Sub(grace); d > 2500*time.Millisecond || grace.After(usedLast) {
			t.Errorf("got those in their grace period begun from %s to %s, want them at once although others were due before", grace, graceLast)
		}
	})
}

// Two nodes walk the same list without stepping on each other's toes.
func TestTwoNodesShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const backlog, rate = 6000, 50
		p := newPretend(t)
		a := p.add("a", "1", backlog, time.Now())
		a.took = 300 * time.Millisecond
		db := database(t)
		two := func() int { return 2 }
		for i := range 2 {
			p.node(db, refresh.GateConfig{Rate: rate, Nodes: two}, func(c *refresh.Config) { c.Part = func() (int, int) { return i, 2 } })
		}
		began := time.Now()
		for p.renewed(a) < backlog && time.Since(began) < 10*time.Minute {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 132*time.Second {
			t.Errorf("got %d renewed in %s, want %d in 120 s and a tenth", p.renewed(a), took, backlog)
		}
		a.calls.neverAbove(t, rate)
		if n := p.calls.n(); n != backlog {
			t.Errorf("got %d calls for %d grants, want one for each", n, backlog)
		}
	})
}

// A database that takes its time before each call costs no pace, and nothing is begun
// that then waits for long.
func TestASlowDatabaseCostsNoPace(t *testing.T) {
	for _, rate := range []float64{1, 10, 50, 300} {
		synctest.Test(t, func(t *testing.T) {
			p := newPretend(t)
			a := p.add("a", "1", 30_000, time.Now())
			p.slow = 200 * time.Millisecond
			n := p.node(database(t), refresh.GateConfig{Rate: rate, InFlight: 1000})
			time.Sleep(10 * time.Second)
			began, queued := a.calls.n(), 0
			for range 100 {
				time.Sleep(197 * time.Millisecond)
				st := refresh.GateStatus(n.gate)
				queued = max(queued, st.Scheduled)
			}
			if got, want := float64(a.calls.n()-began)/19.7, rate; got < 0.92*want {
				t.Errorf("rate %v: got %.1f calls a second", rate, got)
			}
			if queued > 2+int(rate/2) {
				t.Errorf("rate %v: got %d scheduled calls at the gate, want few", rate, queued)
			}
			a.calls.neverAbove(t, rate)
		})
	}
}

// A node that comes to others waits until they have made room for it in the rate.
func TestANodeThatJoinsWaitsUntilTheOthersKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 50
		p := newPretend(t)
		a := p.add("a", "1", 100_000, time.Now())
		db := database(t)
		begun := time.Now()
		old := func() (int, int) { // it looks every ten seconds
			if time.Since(begun) < 69*time.Second {
				return 0, 1
			}
			return 0, 2
		}
		p.node(db, refresh.GateConfig{Rate: rate, Nodes: func() int { _, of := old(); return of }}, func(c *refresh.Config) { c.Part = old })
		time.Sleep(time.Minute)
		p.node(db, refresh.GateConfig{Rate: rate, Nodes: func() int { return 2 }}, func(c *refresh.Config) {
			c.Part, c.Settle = func() (int, int) { return 1, 2 }, 12*time.Second
		})
		time.Sleep(time.Minute)
		a.calls.neverAbove(t, rate)
		if n := a.calls.n(); n < 110*rate {
			t.Errorf("got %d calls in two minutes, want nearly all that may be", n)
		}
	})
}

// What is refused and stays due is left alone for a while, and does not stand in the
// way of what is behind it.
func TestARefusedGrantRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		a := p.add("a", "1", 0, time.Time{})
		asked := map[lanyard.GrantID]int{}
		a.refuse = func(g lanyard.Grant) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			asked[g.ID]++
			switch {
			case strings.HasPrefix(string(g.ID), "grt_later"):
				return &lanyard.Error{Code: lanyard.CodeRefreshFailed, RetryAfter: 30 * time.Second}
			case strings.HasPrefix(string(g.ID), "grt_broken"):
				return errors.New("something else")
			}
			return nil
		}
		for i := range 60 {
			a.plan(fmt.Sprint("later-", i), lanyard.RankGrace, time.Now().Add(-time.Hour))
			a.plan(fmt.Sprint("broken-", i), lanyard.RankGrace, time.Now().Add(-time.Hour))
			a.plan(fmt.Sprint("good-", i), lanyard.RankIdle, time.Now())
		}
		p.node(database(t), refresh.GateConfig{Rate: 50})
		time.Sleep(time.Minute)
		p.mu.Lock()
		defer p.mu.Unlock()
		if a.fresh != 60 {
			t.Errorf("got %d of those behind renewed, want all 60", a.fresh)
		}
		for id, n := range asked {
			if strings.HasPrefix(string(id), "grt_later") && n > 3 || strings.HasPrefix(string(id), "grt_broken") && n > 61 {
				t.Errorf("got %s tried %d times in a minute", id, n)
			}
		}
	})
}

// Where there is nothing to do, next to nothing is done: also while what is due may
// not be called.
func TestNothingSpins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		n := p.node(database(t), refresh.GateConfig{Rate: 50})
		time.Sleep(10 * time.Minute)
		p.mu.Lock()
		looks := p.looks
		p.mu.Unlock()
		if looks < 500 || looks > 750 {
			t.Errorf("got %d looks in ten minutes, want about one a second", looks)
		}
		a := p.add("a", "1", 1000, time.Now())
		asked := 0
		a.refuse = func(lanyard.Grant) error { p.mu.Lock(); defer p.mu.Unlock(); asked++; return nil }
		leave, err := n.gate.Enter(t.Context(), waiting(a.ask))
		if err != nil {
			t.Fatal(err)
		}
		leave(lanyard.OutcomeThrottled, 15*time.Minute)
		time.Sleep(14 * time.Minute)
		p.mu.Lock()
		defer p.mu.Unlock()
		if asked > 0 || p.looks > 1800 {
			t.Errorf("got %d renewals begun and %d looks while the app was paused, want none", asked, p.looks-looks)
		}
	})
}

var operator = lanyard.Principal{Name: "operator", Operator: true}

func TestAStopHoldsOnAllNodesUntilTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		a := p.add("a", "1", 5_000, time.Now())
		db := database(t)
		n1, n2 := p.node(db, refresh.GateConfig{Rate: 10}), p.node(db, refresh.GateConfig{Rate: 10})
		time.Sleep(10 * time.Second)
		if p.renewed(a) == 0 {
			t.Fatal("got nothing renewed before the stop")
		}
		if _, err := n1.s.Stop(t.Context(), lanyard.Principal{Name: "key:lyk_x", Project: "prj_1", Scopes: lanyard.Scopes}, false); !errors.Is(err, lanyard.CodeOperatorOnly) {
			t.Errorf("got %v for a project's key, want operator_only", err)
		}
		caller := func(n *node) error {
			_, err := p.at(n.gate).renew(t.Context(), lanyard.Grant{ID: "grt_a-4999", App: a.ask.App, Generation: a.rows["grt_a-4999"].Generation}, true)
			return err
		}
		halted := func(want bool) int {
			t.Helper()
			time.Sleep(3 * time.Second)
			before := p.renewed(a)
			time.Sleep(time.Minute)
			got := p.renewed(a) - before
			if (got == 0) != want {
				t.Errorf("got %d renewed in a minute, want a stop: %v", got, want)
			}
			return got
		}
		if st, err := n1.s.Stop(t.Context(), operator, false); err != nil || st.By != "operator" || st.At.IsZero() || st.Callers {
			t.Errorf("got %+v, %v", st, err)
		}
		halted(true)
		for _, n := range []*node{n1, n2} {
			if err := caller(n); err != nil {
				t.Errorf("a caller while the schedule is stopped: got %v, want it served", err)
			}
		}
		if st, err := n2.s.Status(t.Context()); err != nil || !st.Stop.On() || st.Stop.By != "operator" {
			t.Errorf("got %+v, %v on the other node, want the stop", st.Stop, err)
		}
		if _, err := n2.s.Stop(t.Context(), operator, true); err != nil {
			t.Error(err)
		}
		halted(true)
		for _, n := range []*node{n1, n2} {
			if err := caller(n); !errors.Is(err, lanyard.CodeRefreshFailed) {
				t.Errorf("a caller while everything is stopped: got %v, want refresh_failed", err)
			}
		}
		if st, err := n2.s.Start(t.Context(), operator); err != nil || st.On() {
			t.Errorf("got %+v, %v", st, err)
		}
		if got := halted(false); got < 1100 {
			t.Errorf("got %d renewed in a minute by two nodes at ten a second, want 1200", got)
		}
		if err := caller(n1); err != nil {
			t.Errorf("a caller after the start: got %v", err)
		}
	})
}

func TestANodeThatIsStoppedByItsSettingsOrHeldRenewsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		a := p.add("a", "1", 1000, time.Now())
		db := database(t)
		stopped := p.node(db, refresh.GateConfig{}, func(c *refresh.Config) { c.Stopped = true })
		var held error = lanyard.Errorf(lanyard.CodeInstanceNotAdopted, "")
		p.node(db, refresh.GateConfig{}, func(c *refresh.Config) {
			c.Hold = func() error { p.mu.Lock(); defer p.mu.Unlock(); return held }
		})
		time.Sleep(time.Minute)
		if _, err := stopped.s.Start(t.Context(), operator); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if n := p.renewed(a); n != 0 {
			t.Errorf("got %d renewed, want none", n)
		}
		if st, err := stopped.s.Status(t.Context()); err != nil || !st.Stop.Setting || !st.Stop.On() {
			t.Errorf("got %+v, %v, want it said", st.Stop, err)
		}
		p.mu.Lock()
		held = nil
		p.mu.Unlock()
		time.Sleep(time.Minute)
		if n := p.renewed(a); n != 1000 {
			t.Errorf("got %d renewed after the hold, want all", n)
		}
	})
}

func TestADrainStartsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		a := p.add("a", "1", 10_000, time.Now())
		a.took = 2 * time.Second
		n := p.node(database(t), refresh.GateConfig{Rate: 50})
		time.Sleep(10 * time.Second)
		n.s.Drain()
		n.gate.Close()
		<-n.over
		sent := p.calls.n()
		time.Sleep(time.Minute)
		if got := p.calls.n(); got != sent {
			t.Errorf("got %d calls begun after the drain", got-sent)
		}
		if got := p.renewed(a); got != sent || refresh.GateStatus(n.gate).InFlight != 0 {
			t.Errorf("got %d of %d calls to their end, %d under way; want all", got, sent, refresh.GateStatus(n.gate).InFlight)
		}
		n.s.Drain()
		p.mu.Lock()
		looks := p.looks
		p.mu.Unlock()
		for range 50 { // as a task, it is run again until the process ends
			if err := n.s.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.looks != looks {
			t.Errorf("got %d looks after the drain, want none", p.looks-looks)
		}
	})
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestADatabaseThatIsAwayIsSaidOnceAndWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretend(t)
		a := p.add("a", "1", 10, time.Now())
		p.broken = lanyard.Errorf(lanyard.CodeStoreUnavailable, "")
		var log safeBuffer
		p.node(database(t), refresh.GateConfig{}, func(c *refresh.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		time.Sleep(10 * time.Minute)
		if n := strings.Count(log.String(), "ERROR"); n != 1 {
			t.Errorf("got it said %d times, want once:\n%s", n, log.String())
		}
		p.mu.Lock()
		p.broken = nil
		p.mu.Unlock()
		time.Sleep(10 * time.Second)
		if n := p.renewed(a); n != 10 {
			t.Errorf("got %d renewed when it was back, want 10", n)
		}
	})
}
