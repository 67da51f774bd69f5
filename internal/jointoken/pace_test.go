package jointoken_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
)

// passed notes who was let through, and when.
type passed struct {
	mu  sync.Mutex
	who []int
	at  []time.Time
}

func (l *passed) note(who int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.who, l.at = append(l.who, who), append(l.at, time.Now())
}

// most is the largest number in any window of this length.
func (l *passed) most(window time.Duration) (most int) {
	from := 0
	for i, at := range l.at {
		for !l.at[from].Add(window).After(at) {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func one() int { return 1 }

// Two hundred bots of one company join within a minute, most of them at the full second:
// each that is refused comes again when it was told to. In no second are there more than
// the rate, all get in, and those of another company do not wait for them.
func TestNoSecondHasMoreThanTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := jointoken.NewPace(10, one), &passed{}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				time.Sleep(time.Duration(i/50) * 10 * time.Second)
				for {
					err := p.Enter(t.Context(), "acme", "prj_a")
					if err == nil {
						l.note(i)
						return
					}
					e, ok := errors.AsType[*lanyard.Error](err)
					if !ok || e.Code != lanyard.CodeRateLimited || e.RetryAfter < time.Second || e.RetryAfter > 10*time.Second {
						t.Errorf("got %v, want rate_limited with a time to wait", err)
						return
					}
					time.Sleep(e.RetryAfter)
				}
			})
		}
		wg.Go(func() {
			time.Sleep(100 * time.Millisecond)
			if began := time.Now(); p.Enter(t.Context(), "globex", "prj_a") != nil || time.Since(began) > 0 {
				t.Error("another company had to wait")
			}
		})
		wg.Wait()
		if got := l.most(time.Second); len(l.who) != 200 || got > 10 {
			t.Errorf("got %d through, at most %d in a second, want 200 and 10", len(l.who), got)
		}
		if took := l.at[199].Sub(l.at[0]); took > 40*time.Second {
			t.Errorf("took %s, want it as fast as the rate lets", took)
		}
	})
}

// Who waits is let through in the order in which they came, and nobody waits longer than
// some seconds, or than they themselves want to.
func TestTurnsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, l := jointoken.NewPace(5, one), &passed{}
		var wg sync.WaitGroup
		refused := 0
		for i := range 40 {
			time.Sleep(time.Millisecond)
			wg.Go(func() {
				ctx := t.Context()
				if i == 7 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, 300*time.Millisecond)
					defer stop()
				}
				began := time.Now()
				if err := p.Enter(ctx, "acme", "prj_a"); err == nil {
					l.note(i)
				} else if refused++; i > 24 && time.Since(began) > 0 {
					t.Errorf("%d waited %s and was refused then, want it told at once", i, time.Since(began))
				}
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("%d waited %s", i, took)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		if !slices.IsSorted(l.who) || slices.Contains(l.who, 7) || len(l.who) != 20 || refused != 20 {
			t.Errorf("got %v, want the first 21 without 7, who had no time, in order", l.who)
		}
	})
}

// Two projects have connections of one company. One floods it: the other's few bots are let
// through in turn with its own, and both together have no more than the rate.
func TestProjectsThatShareACompanyTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, all, few := jointoken.NewPace(10, one), &passed{}, &passed{}
		var wg sync.WaitGroup
		for i := range 400 { // ten times what the rate lets through
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				if p.Enter(t.Context(), "acme", "prj_many") == nil {
					all.note(i)
				}
			})
		}
		for i := range 12 {
			wg.Go(func() {
				time.Sleep(time.Second + time.Duration(i)*100*time.Millisecond)
				began := time.Now()
				if err := p.Enter(t.Context(), "acme", "prj_few"); err != nil {
					t.Errorf("the small project's bot %d: %v", i, err)
					return
				}
				all.note(-1)
				few.note(i)
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("the small project's bot %d waited %s, want its turn", i, took)
				}
			})
		}
		wg.Wait()
		if got := all.most(time.Second); got > 10 {
			t.Errorf("got %d in a second, want at most 10 of both", got)
		}
		if n := len(all.who) - len(few.who); n < 50 {
			t.Errorf("got %d of the large project through, want it hardly slower", n)
		}
	})
}

// The provider says that it was too much, in as many answers as were under way: the rate is
// halved once, nothing is sent for as long as it asks, who would wait in vain is told, and
// the full rate is back within half a minute. What asks for longer is waited for.
func TestTooMuchHalvesTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := jointoken.NewPace(10, one)
		began := time.Now()
		for range 10 {
			if err := p.Enter(t.Context(), "acme", "prj_a"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(50 * time.Millisecond)
		patient, told := make(chan error, 1), make(chan error, 20)
		go func() { patient <- p.Enter(t.Context(), "acme", "prj_a") }()
		synctest.Wait()
		for range 20 {
			go func() { told <- p.Enter(t.Context(), "acme", "prj_a") }()
		}
		synctest.Wait()
		for range 10 {
			p.Refused("acme", began, 2*time.Second)
		}
		refusedAt := time.Now()
		if err := <-patient; err != nil || time.Since(refusedAt) < 2*time.Second {
			t.Errorf("got %v after %s, want it let through when the provider allows it", err, time.Since(refusedAt))
		}
		vain := 0
		for range 20 {
			if err := <-told; err != nil {
				vain++
			}
		}
		if vain != 11 { // five at 2 s, the patient one among them, five more at 3.05 s
			t.Errorf("got %d told that it takes too long, want 11", vain)
		}
		rate := func() int {
			l := &passed{}
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					if p.Enter(t.Context(), "acme", "prj_a") == nil {
						l.note(i)
					}
				})
			}
			wg.Wait()
			return l.most(time.Second)
		}
		if got := rate(); got > 7 || got < 5 {
			t.Errorf("just after: got %d a second, want about half", got)
		}
		time.Sleep(30 * time.Second)
		if got := rate(); got != 10 {
			t.Errorf("half a minute later: got %d a second, want the full rate", got)
		}
		p.Refused("acme", time.Now(), 15*time.Minute)
		e, ok := errors.AsType[*lanyard.Error](p.Enter(t.Context(), "acme", "prj_a"))
		if !ok || e.RetryAfter < 14*time.Minute {
			t.Errorf("got %+v, want to be told when the day's limit is over", e)
		}
	})
}

// Nodes share the rate: three of them have no more than it together, and a rate below one
// call a second is one call in so many seconds.
func TestNodesShareTheRate(t *testing.T) {
	for _, c := range []struct {
		rate   float64
		nodes  int
		most   int // of one node in any window
		window time.Duration
	}{{10, 3, 3, time.Second}, {10, 10, 1, time.Second}, {1, 2, 1, 2 * time.Second}, {2.5, 1, 2, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			p, l := jointoken.NewPace(c.rate, func() int { return c.nodes }), &passed{}
			for i := range 12 {
				for p.Enter(t.Context(), "acme", "prj_a") != nil {
					time.Sleep(time.Second)
				}
				l.note(i)
			}
			if got := l.most(c.window); got != c.most {
				t.Errorf("%v on %d nodes: got %d in %s, want %d", c.rate, c.nodes, got, c.window, c.most)
			}
		})
	}
}
