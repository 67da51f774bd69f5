package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/grant"
	"lanyard/internal/refresh"
)

// tally notes when calls began.
type tally struct {
	mu sync.Mutex
	at []time.Time
}

func (c *tally) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = append(c.at, time.Now())
}

func (c *tally) n() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.at)
}

// most is the largest number of calls in any window of this length.
func (c *tally) most(window time.Duration) (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.at, time.Time.Compare)
	from := 0
	for i, at := range c.at {
		for !c.at[from].Add(window).After(at) {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// neverAbove fails where more calls than the rate and a tenth fall into any window.
func (c *tally) neverAbove(t *testing.T, rate float64) {
	t.Helper()
	for _, window := range []time.Duration{time.Second, 3 * time.Second, time.Minute, 10 * time.Minute} {
		want := math.Max(rate*1.1*window.Seconds(), math.Ceil(rate*window.Seconds())) // a call is a whole one
		if got := c.most(window); float64(got) > want {
			t.Errorf("rate %v: got %d calls in some %s, want at most %.1f", rate, got, window, want)
		}
	}
}

func ask(app string) grant.Ask {
	return grant.Ask{App: lanyard.AppID("app_" + app), Project: lanyard.ProjectID("prj_" + app), Host: app + ".example", Rank: lanyard.RankInUse}
}

func waiting(a grant.Ask) grant.Ask { a.Waiting = true; return a }

func ranked(a grant.Ask, r lanyard.Rank) grant.Ask { a.Rank = r; return a }

// call goes through the gate, takes a while, and ends so.
func call(g *refresh.Gate, a grant.Ask, took time.Duration, o lanyard.Outcome, retryAfter time.Duration) error {
	leave, err := g.Enter(context.Background(), a)
	if err == nil {
		time.Sleep(took)
		leave(o, retryAfter)
	}
	return err
}

func mustCall(t *testing.T, g *refresh.Gate, a grant.Ask, o lanyard.Outcome, retryAfter time.Duration) {
	t.Helper()
	if err := call(g, a, 0, o, retryAfter); err != nil {
		t.Fatalf("got %v, want the call let through", err)
	}
}

// refused is how long whoever is sent away is told to wait.
func refused(t *testing.T, g *refresh.Gate, a grant.Ask, code lanyard.Code) time.Duration {
	t.Helper()
	before := time.Now()
	err := call(g, a, 0, lanyard.OutcomeOK, 0)
	e, ok := errors.AsType[*lanyard.Error](err)
	if !ok || e.Code != code || e.RetryAfter < time.Second {
		t.Fatalf("got %v, want %s with the time to try again", err, code)
	}
	if d := time.Since(before); d > 0 {
		t.Errorf("got sent away after %s, want at once", d)
	}
	return e.RetryAfter
}

func TestCallsAreNeverAboveTheRateAndATenth(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 5, 20, 21, 50, 333, 2000} {
		synctest.Test(t, func(t *testing.T) {
			g := refresh.NewGate(refresh.GateConfig{Rate: rate, InFlight: 4000})
			var calls tally
			ctx, stop := context.WithCancel(t.Context())
			var callers sync.WaitGroup
			for i := range 40 { // some wait, some do not, some do not call after all, some come in bursts
				a := ask("a")
				a.Waiting = i%2 == 0
				callers.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						leave, err := g.Enter(ctx, a)
						if err != nil {
							time.Sleep(time.Duration(i+1) * 37 * time.Millisecond)
							continue
						}
						if i%8 == 7 {
							leave(lanyard.OutcomeDropped, 0)
							time.Sleep(113 * time.Millisecond)
							continue
						}
						calls.add()
						time.Sleep(time.Duration(i) * time.Millisecond)
						leave(lanyard.OutcomeOK, 0)
						if i%5 == 4 && n%20 == 19 {
							time.Sleep(3 * time.Second)
						}
					}
				})
			}
			time.Sleep(20 * time.Second)
			stop()
			callers.Wait()
			calls.neverAbove(t, rate)
			if got, want := float64(calls.n()), rate*20; got < want*0.9 && rate < 500 {
				t.Errorf("rate %v: got %v calls in 20 s, want nearly %v", rate, got, want)
			}
		})
	}
}

// What a provider's entry says counts for its apps, and nodes share it.
func TestTheRateIsTheProvidersAndSharedByTheNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := 1
		g := refresh.NewGate(refresh.GateConfig{Rate: 100, Nodes: func() int { return nodes }})
		a := ask("a")
		a.Rate = 12
		var calls tally
		count := func() int {
			before := calls.n()
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
				mustCall(t, g, waiting(a), lanyard.OutcomeOK, 0)
				calls.add()
			}
			return calls.n() - before
		}
		if got := count(); got < 118 || got > 122 {
			t.Errorf("got %d calls in 10 s, want 120", got)
		}
		nodes = 3
		if got := count(); got < 38 || got > 42 {
			t.Errorf("got %d calls in 10 s by one of three nodes, want 40", got)
		}
	})
}

func TestWhoWaitsComesFirstThenByRankThenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 20})
		var mu sync.Mutex
		var order []string
		var done sync.WaitGroup
		enter := func(name string, a grant.Ask) {
			done.Go(func() {
				if err := call(g, a, 0, lanyard.OutcomeOK, 0); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait()
		}
		for i, r := range []lanyard.Rank{lanyard.RankIdle, lanyard.RankIdle, lanyard.RankIdle, lanyard.RankInUse, lanyard.RankSoon, lanyard.RankInUse, lanyard.RankGrace, lanyard.RankSoon} {
			enter(fmt.Sprint(i, "-rank-", r), ranked(ask("a"), r))
		}
		enter("waits 1", waiting(ask("a")))
		enter("waits 2", waiting(ranked(ask("a"), lanyard.RankIdle)))
		done.Wait()
		want := []string{"0-rank-3", "waits 1", "waits 2", "6-rank-0", "4-rank-1", "7-rank-1", "3-rank-2", "5-rank-2", "1-rank-3", "2-rank-3"}
		if !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

func TestAWaitingCallerIsNotBehindAThousandScheduledCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 10, InFlight: 3000})
		ctx, stop := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for i := range 1000 {
			others.Go(func() {
				for ctx.Err() == nil {
					if call(g, ranked(ask("a"), lanyard.Rank(i%4)), 3*time.Second, lanyard.OutcomeOK, 0) != nil {
						time.Sleep(time.Second)
					}
				}
			})
		}
		time.Sleep(10 * time.Second)
		for range 20 {
			before := time.Now()
			mustCall(t, g, waiting(ask("a")), lanyard.OutcomeOK, 0)
			if d := time.Since(before); d > 100*time.Millisecond {
				t.Errorf("got a caller let through after %s, want the next place at ten a second", d)
			}
			time.Sleep(773 * time.Millisecond)
		}
		stop()
		others.Wait()
	})
}

// Whoever cannot be served in time is told so at once, and when to come back.
func TestWhoWouldWaitTooLongIsSentAwayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1, Patience: 10500 * time.Millisecond})
		var callers sync.WaitGroup
		var served atomic.Int64
		for range 11 {
			callers.Go(func() {
				if call(g, waiting(ask("a")), 0, lanyard.OutcomeOK, 0) == nil {
					served.Add(1)
				}
			})
			synctest.Wait()
		}
		if d := refused(t, g, waiting(ask("a")), lanyard.CodeRefreshFailed); d != 11*time.Second {
			t.Errorf("got told to come back in %s, want 11 s: ten are before it, one a second", d)
		}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		if _, err := g.Enter(ctx, waiting(ask("a"))); !errors.Is(err, lanyard.CodeRefreshFailed) {
			t.Errorf("got %v for one who has less time than that, want it refused", err)
		}
		callers.Wait()
		if served.Load() != 11 {
			t.Errorf("got %d served, want all who were let wait", served.Load())
		}
	})
}

// What nobody waits for does not count against a caller who has little time.
func TestACallerWithLittleTimeIsNotRefusedForWhatIsScheduled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 4})
		var others sync.WaitGroup
		for range 8 {
			others.Go(func() { _ = call(g, ask("a"), 0, lanyard.OutcomeOK, 0) })
			synctest.Wait()
		}
		ctx, stop := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer stop()
		leave, err := g.Enter(ctx, waiting(ask("a")))
		if err != nil {
			t.Fatalf("got %v, want the next place in a quarter of a second", err)
		}
		leave(lanyard.OutcomeOK, 0)
		others.Wait()
	})
}

// Who gives up while waiting takes no place, no call, and nobody's turn.
func TestWhoGivesUpLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1})
		mustCall(t, g, waiting(ask("a")), lanyard.OutcomeOK, 0)
		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if _, err := g.Enter(ctx, waiting(ask("a"))); err == nil {
					t.Error("got one let through that had given up")
				}
			})
		}
		synctest.Wait()
		stop()
		callers.Wait()
		before := time.Now()
		mustCall(t, g, waiting(ask("a")), lanyard.OutcomeOK, 0)
		if d := time.Since(before); d != time.Second {
			t.Errorf("got the next let through after %s, want a second", d)
		}
		dead, end := context.WithCancel(t.Context())
		end()
		time.Sleep(time.Second)
		if _, err := g.Enter(dead, waiting(ask("a"))); err == nil {
			t.Error("got one let through whose context had ended")
		}
		before = time.Now()
		mustCall(t, g, waiting(ask("a")), lanyard.OutcomeOK, 0)
		if d := time.Since(before); d != 0 {
			t.Errorf("got the next let through after %s, want at once", d)
		}
	})
}

func TestRetryAfterClosesTheBucketForThatLong(t *testing.T) {
	for name, tc := range map[string]struct{ said, want time.Duration }{
		"as asked": {90 * time.Second, 90 * time.Second}, "not said": {0, time.Second}, "too short": {time.Millisecond, time.Second},
		"for a day": {24 * time.Hour, 15 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := refresh.NewGate(refresh.GateConfig{Rate: 10})
			a := ask("a")
			var gone sync.WaitGroup
			mustCall(t, g, a, lanyard.OutcomeOK, 0)
			time.Sleep(100 * time.Millisecond)
			leave, err := g.Enter(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			long, tooLong := 0, 0
			var sentAway time.Time
			for _, n := range []*int{&long, &tooLong} { // in the queue when the provider says so
				gone.Go(func() {
					ctx, stop := context.WithTimeout(context.Background(), map[bool]time.Duration{true: 10 * time.Minute, false: 500 * time.Millisecond}[n == &long])
					defer stop()
					if _, err := g.Enter(ctx, waiting(a)); err == nil {
						*n++
					} else if n == &tooLong {
						sentAway = time.Now()
					}
				})
			}
			synctest.Wait()
			leave(lanyard.OutcomeThrottled, tc.said)
			throttled := time.Now()
			synctest.Wait()
			if sentAway.IsZero() {
				t.Errorf("%s: got one whose time ends before the pause left waiting, want it told at once", name)
			}
			if tc.want > 2*time.Second {
				if d := refused(t, g, a, lanyard.CodeRefreshFailed); d != tc.want {
					t.Errorf("%s: got the schedule told to come back in %s, want %s", name, d, tc.want)
				}
			}
			if tc.want > time.Minute {
				if d := refused(t, g, waiting(a), lanyard.CodeRefreshFailed); d != tc.want {
					t.Errorf("%s: got a caller told to come back in %s, want %s", name, d, tc.want)
				}
			}
			mustCall(t, g, waiting(ask("b")), lanyard.OutcomeOK, 0) // another app's bucket is its own
			gone.Wait()
			if tooLong != 0 || long != map[bool]int{true: 1}[tc.want < time.Minute] {
				t.Errorf("%s: got %d and %d let through of those in the queue", name, long, tooLong)
			}
			time.Sleep(tc.want - time.Since(throttled))
			before := time.Now()
			mustCall(t, g, waiting(a), lanyard.OutcomeOK, 0)
			if d := time.Since(before); d > 250*time.Millisecond {
				t.Errorf("%s: got the next let through %s after the pause, want at once", name, d)
			}
		})
	}
}

// rateOf counts what an app is let do in ten seconds.
func rateOf(t *testing.T, g *refresh.Gate, a grant.Ask, o lanyard.Outcome) float64 {
	t.Helper()
	n := 0
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); n++ {
		mustCall(t, g, waiting(a), o, 0)
	}
	return float64(n) / 10
}

func TestARateIsHalvedWhenThrottledAndRisesByAFixedStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 50})
		a := ask("a")
		now := func() float64 { return statusOf(t, g, a).Rate }
		var calls sync.WaitGroup
		for range 30 { // under way together: they say one thing
			calls.Go(func() { _ = call(g, waiting(a), 5*time.Second, lanyard.OutcomeThrottled, time.Second) })
		}
		calls.Wait()
		if now() != 25 {
			t.Errorf("got %v calls a second, want half of 50", now())
		}
		for range 20 {
			time.Sleep(3 * time.Second)
			mustCall(t, g, waiting(a), lanyard.OutcomeThrottled, time.Second)
		}
		if now() != 1 {
			t.Errorf("got %v calls a second, want a fiftieth of 50 and no less", now())
		}
		time.Sleep(time.Second)
		began := time.Now()
		var rose []float64
		for now() < 50 {
			mustCall(t, g, waiting(a), lanyard.OutcomeOK, 0)
			for len(rose) < int(time.Since(began)/(5*time.Second)) {
				rose = append(rose, now())
			}
		}
		if d := time.Since(began); d < 18*time.Second || d > 22*time.Second {
			t.Errorf("got the full rate back after %s, want 20 s", d)
		}
		for i := 1; i < len(rose); i++ {
			if step := rose[i] - rose[i-1]; step < 11 || step > 14 {
				t.Errorf("got the rate %v each 5 s, want the same step each time", rose)
			}
		}
		if got := rateOf(t, g, a, lanyard.OutcomeOK); got < 49 || got > 51 {
			t.Errorf("got %v calls a second, want 50", got)
		}
	})
}

// One answer lost now and then is noise; two in a row are an outage.
func TestOneLostAnswerDoesNotSlowAnAppDownAndTwoInARowDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 50})
		a := ask("a")
		for range 20 {
			mustCall(t, g, waiting(a), lanyard.OutcomeUnknown, 0)
			mustCall(t, g, waiting(a), lanyard.OutcomeRejected, 0)
		}
		if got := statusOf(t, g, a).Rate; got != 50 {
			t.Errorf("got %v calls a second, want 50", got)
		}
		mustCall(t, g, waiting(a), lanyard.OutcomeUnknown, 0)
		time.Sleep(time.Second)
		mustCall(t, g, waiting(a), lanyard.OutcomeNotSent, 0)
		if got := statusOf(t, g, a).Rate; got != 25 {
			t.Errorf("got %v calls a second, want 25", got)
		}
	})
}

func TestAHostThatDoesNotAnswerGetsOneCallAtATimeFurtherAndFurtherApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1000})
		a := ask("a")
		var calls tally
		down := true
		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		inFlight, most := 0, 0
		var mu sync.Mutex
		for range 50 {
			callers.Go(func() {
				for ctx.Err() == nil {
					leave, err := g.Enter(ctx, waiting(a))
					if err != nil {
						if !errors.Is(err, lanyard.CodeProviderUnavailable) && ctx.Err() == nil {
							t.Errorf("got %v, want provider_unavailable", err)
						}
						time.Sleep(time.Second)
						continue
					}
					calls.add()
					mu.Lock()
					inFlight++
					if calls.n() > 100 {
						most = max(most, inFlight)
					}
					is := down
					mu.Unlock()
					time.Sleep(100 * time.Millisecond)
					o := lanyard.OutcomeOK
					if is {
						o = lanyard.OutcomeNotSent
					}
					mu.Lock()
					inFlight--
					mu.Unlock()
					leave(o, 0)
				}
			})
		}
		time.Sleep(time.Minute)
		first := calls.n()
		time.Sleep(time.Hour)
		hour := calls.n() - first
		mu.Lock()
		atOnce := most
		mu.Unlock()
		if first > 120 || hour < 110 || hour > 170 || atOnce > 1 {
			t.Errorf("got %d calls in the first minute, %d in an hour, %d at once; want few, then one each half minute or so, one at once", first, hour, atOnce)
		}
		status := refresh.GateStatus(g)
		if len(status.Hosts) != 1 || status.Hosts[0].Host != "a.example" || status.Hosts[0].Row < 100 {
			t.Errorf("got %+v, want the host shown", status.Hosts)
		}
		mu.Lock()
		down = false
		mu.Unlock()
		back := time.Now()
		n := calls.n()
		for calls.n() < n+10 {
			time.Sleep(10 * time.Millisecond)
		}
		if d := time.Since(back); d > 35*time.Second {
			t.Errorf("got going again after %s, want half a minute at most", d)
		}
		stop()
		callers.Wait()
	})
}

// T39: a project whose app never gets an answer from a host does not close it for
// others; when theirs get none either, it is the host.
func TestAHostIsNotClosedForAllByOneProjectsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 50})
		bad, good := ask("bad"), ask("good")
		bad.Host, good.Host = "shared.example", "shared.example"
		mustCall(t, g, waiting(good), lanyard.OutcomeOK, 0)
		for range 30 {
			_ = call(g, waiting(bad), 0, lanyard.OutcomeUnknown, 0)
		}
		refused(t, g, bad, lanyard.CodeProviderUnavailable)
		before := time.Now()
		mustCall(t, g, waiting(good), lanyard.OutcomeOK, 0)
		if d := time.Since(before); d > 0 {
			t.Errorf("got another project's call delayed by %s", d)
		}
		for range 5 {
			_ = call(g, waiting(bad), 0, lanyard.OutcomeUnknown, 0)
			mustCall(t, g, waiting(good), lanyard.OutcomeUnknown, 0)
		}
		refused(t, g, good, lanyard.CodeProviderUnavailable)
		time.Sleep(time.Minute)
		mustCall(t, g, waiting(good), lanyard.OutcomeOK, 0)
		mustCall(t, g, waiting(bad), lanyard.OutcomeOK, 0) // and who has waited on their own knows at once
	})
}

// T39: whatever hangs, there is room for the next.
func TestAppsThatHangLeaveRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1000, InFlight: 100})
		ctx, stop := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		hang := func(a grant.Ask, n int) {
			for range n {
				calls.Go(func() {
					if leave, err := g.Enter(ctx, a); err == nil {
						<-ctx.Done()
						leave(lanyard.OutcomeUnknown, 0)
					}
				})
			}
			time.Sleep(5 * time.Second)
		}
		inFlight := func(name string) int { return statusOf(t, g, ask(name)).InFlight }
		hang(ask("a"), 1000)
		if got := inFlight("a"); got != 25 {
			t.Errorf("got %d scheduled calls of one app, want a third of the 75 that are theirs", got)
		}
		hang(waiting(ask("a")), 1000)
		if got := inFlight("a"); got != 34 {
			t.Errorf("got %d calls of one app, want a third of 100", got)
		}
		for i := range 8 {
			name := fmt.Sprint("b", i)
			hang(ask(name), 1000)
			hang(waiting(ask(name)), 1000)
			if inFlight(name) == 0 {
				t.Errorf("got no room for the app that came as the %d.", i+2)
			}
		}
		before := time.Now()
		mustCall(t, g, waiting(ask("c")), lanyard.OutcomeOK, 0)
		if d := time.Since(before); d > 0 {
			t.Errorf("got a caller of another project let through after %s, want at once", d)
		}
		stop()
		calls.Wait()
		if st := refresh.GateStatus(g); st.InFlight != 0 {
			t.Errorf("got %d in flight, want none", st.InFlight)
		}
	})
}

func TestProjectsTakeTurnsWhereAllPlacesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1e6, InFlight: 1})
		served := map[lanyard.ProjectID]int{}
		var mu sync.Mutex
		ctx, stop := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		for i := range 60 { // one project has ten apps, two have one each
			a := ask(fmt.Sprint("many", i%10))
			a.Project = "prj_many"
			if i >= 40 {
				a = ask([]string{"x", "y"}[i%2])
			}
			a.Host = ""
			calls.Go(func() {
				for ctx.Err() == nil {
					if call(g, waiting(a), 50*time.Millisecond, lanyard.OutcomeOK, 0) == nil {
						mu.Lock()
						served[a.Project]++
						mu.Unlock()
					}
				}
			})
		}
		time.Sleep(time.Minute)
		stop()
		calls.Wait()
		all := served["prj_many"] + served["prj_x"] + served["prj_y"]
		for p, n := range served {
			if n < all/4 || n > all/2 {
				t.Errorf("got %d of %d calls for %s, want about a third", n, all, p)
			}
		}
	})
}

func TestWhoWaitsComesBeforeAllThatNobodyWaitsForOfOtherAppsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1000, InFlight: 1})
		var mu sync.Mutex
		var order []string
		var calls sync.WaitGroup
		enter := func(name string, a grant.Ask) {
			calls.Go(func() {
				leave, err := g.Enter(context.Background(), a)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(100 * time.Millisecond)
				leave(lanyard.OutcomeOK, 0)
			})
			synctest.Wait()
		}
		enter("first", ask("a"))
		enter("idle", ranked(ask("b"), lanyard.RankIdle))
		enter("grace", ranked(ask("c"), lanyard.RankGrace))
		enter("waits", waiting(ask("z")))
		calls.Wait()
		if want := []string{"first", "waits", "grace", "idle"}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

// One app finds out that a host is back, and all that use it know.
func TestWhatOneAppFindsOutAboutAHostAllKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 50})
		a, b := ask("a"), ask("b")
		b.Host, b.Project = a.Host, a.Project
		leave, err := g.Enter(t.Context(), waiting(a))
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			_ = call(g, waiting(b), 0, lanyard.OutcomeUnknown, 0)
		}
		if d := refused(t, g, b, lanyard.CodeProviderUnavailable); d < 20*time.Second {
			t.Fatalf("got told to come back in %s, want a long while", d)
		}
		leave(lanyard.OutcomeOK, 0) // late, but an answer
		before := time.Now()
		mustCall(t, g, waiting(b), lanyard.OutcomeOK, 0)
		if d := time.Since(before); d > time.Second { // its rate is low by now
			t.Errorf("got the other app's call delayed by %s, want it to know", d)
		}
	})
}

func TestAClosedGateSendsEverybodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{Rate: 1})
		mustCall(t, g, ask("a"), lanyard.OutcomeOK, 0)
		var callers sync.WaitGroup
		for i := range 20 {
			a := ask("a")
			a.Waiting = i > 0
			callers.Go(func() {
				if err := call(g, a, 0, lanyard.OutcomeOK, 0); !errors.Is(err, lanyard.CodeStoreUnavailable) {
					t.Errorf("got %v, want store_unavailable", err)
				}
			})
			synctest.Wait()
		}
		before := time.Now()
		g.Close()
		callers.Wait()
		refused(t, g, ask("b"), lanyard.CodeStoreUnavailable)
		if d := time.Since(before); d > 0 {
			t.Errorf("got them sent away after %s, want at once", d)
		}
	})
}

// A leave that is called twice, or long after, counts once.
func TestACallLeavesOnce(t *testing.T) {
	g := refresh.NewGate(refresh.GateConfig{})
	leave, err := g.Enter(t.Context(), ask("a"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		leave(lanyard.OutcomeOK, 0)
		leave(lanyard.OutcomeDropped, 0)
	}
	if st := refresh.GateStatus(g); st.InFlight != 0 || st.Calls[refresh.Ended{Outcome: lanyard.OutcomeOK}] != 1 {
		t.Errorf("got %+v, want one call, over", st)
	}
}

// Apps that do nothing any more are forgotten.
func TestAppsThatAreQuietAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := refresh.NewGate(refresh.GateConfig{})
		for i := range 3000 {
			mustCall(t, g, ask(fmt.Sprint(i)), lanyard.OutcomeOK, 0)
			time.Sleep(10 * time.Second)
		}
		if st := refresh.GateStatus(g); len(st.Apps) > 150 {
			t.Errorf("got %d apps remembered, want those of the last 20 minutes", len(st.Apps))
		}
	})
}
