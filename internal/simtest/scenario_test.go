//go:build !race

package simtest

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/app"
)

var fullFlag = flag.Bool("sim.full", false, "scenarios with as many accounts as they were asked for: 10,000 and 20,000")

// many is n with -sim.full, and as many as a test run has time for without.
func many(n int) int {
	if *fullFlag {
		return n
	}
	return n / 10
}

// two is a world of two projects, each with an app at the same provider and accounts that
// are used: n of the first, and some of the second.
func two(t *testing.T, k kind, n, others int, rate float64) (w *world, first, second *client) {
	t.Helper()
	w = newWorld(t, 1)
	w.fair, w.every, w.inFlight, w.rate = true, 2*time.Second, 100, rate
	h := w.addHost(k)
	w.begin()
	w.newProject()
	first = w.addClient(h)
	w.populate(n, true, first)
	w.newProject()
	second = w.addClient(h)
	w.populate(others, true, second)
	return w, first, second
}

// callsOf are the calls of one app that arrived at the provider since then.
func (w *world) callsOf(c *client, since time.Time) (at []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, call := range c.calls {
		if call.client == c.id && !call.at.Before(since) {
			at = append(at, call.at)
		}
	}
	return at
}

// watchDue notes, once a second, how late the renewals of an app are.
func (w *world) watchDue(c *client, until time.Time) (latest *time.Duration) {
	latest = new(time.Duration)
	w.acts.Go(func() {
		for time.Now().Before(until) {
			time.Sleep(time.Second)
			due, err := w.live().grants.DueApps(w.t.Context())
			if err != nil {
				w.t.Error(err)
			}
			for _, d := range due {
				if d.App == c.row.ID {
					*latest = max(*latest, time.Since(d.Since))
				}
			}
		}
	})
	return latest
}

func (w *world) healthy() (n int, rest []string) {
	for sub, h := range w.states() {
		if h.Grant.Health == lanyard.Healthy && h.Grant.AccessExpires.After(time.Now()) {
			n++
		} else {
			rest = append(rest, fmt.Sprintf("%s: %s %s, expires %s, again %s", sub, h.Grant.Health, h.Grant.Reason, w.at(h.Grant.AccessExpires), w.at(h.Grant.RefreshAt)))
		}
	}
	slices.Sort(rest)
	return n, rest[:min(len(rest), 5)]
}

// I9: somebody has changed the client secret at the provider, and nobody tells us for
// hours. Nobody's connection is marked for it, the provider is hardly called, another
// project with the same provider is not slowed, and minutes after the app has the right
// secret everybody has a fresh token.
func TestAWrongSecretForHoursMarksNobody(t *testing.T) {
	for _, k := range []kind{kinds[4], kinds[0]} { // with a canary; with a way to try the secret alone
		t.Run(k.id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := many(10_000)
				w, mine, theirs := two(t, k, n, 50, 50)
				wrong := time.Now()
				w.mu.Lock()
				mine.secrets[mine.id] = []string{"changed"}
				w.mu.Unlock()
				late := w.watchDue(theirs, wrong.Add(4*time.Hour))
				time.Sleep(4 * time.Hour)
				w.acts.Wait()
				calls := w.callsOf(mine, wrong)
				var settled []time.Time // after the calls that were under way when the first was refused
				for _, at := range calls {
					if at.After(calls[0].Add(time.Minute)) {
						settled = append(settled, at)
					}
				}
				if first := len(calls) - len(settled); first > w.inFlight {
					t.Errorf("got %d calls before the app was stopped, want no more than are under way at once", first)
				}
				for i := 1; i < len(settled); i++ {
					if gap := settled[i].Sub(settled[i-1]); gap < 29*time.Second { // two nodes of one second each
						t.Errorf("got two calls with the wrong secret within %s, want one in 30 s", gap)
					}
				}
				if len(settled) < 60 {
					t.Errorf("got %d probes in four hours, want one now and then", len(settled))
				}
				for sub, h := range w.states() {
					if h.Grant.Health != lanyard.Healthy {
						t.Fatalf("%s: got %s %s, want nobody marked", sub, h.Grant.Health, h.Grant.Reason)
					}
				}
				if *late > 10*time.Second {
					t.Errorf("got the other project's renewals %s late, want it not slowed", *late)
				}

				right := lanyard.NewSecret("changed")
				w.must(w.edit(mine, app.Spec{Secret: &right}))
				mended := time.Now()
				within := 2*time.Minute + time.Duration(1.2*float64(n)/w.rate)*time.Second
				for time.Since(mended) < within+time.Minute {
					if ok, _ := w.healthy(); ok == n+50 {
						break
					}
					time.Sleep(10 * time.Second)
				}
				if ok, rest := w.healthy(); ok < n+50 || time.Since(mended) > within {
					t.Errorf("got %d of %d fresh %s after the secret was mended, want all within %s: %q", ok, n+50, time.Since(mended), within, rest)
				}
				if w.ends(); len(w.lost) > 0 {
					t.Errorf("got %v called dead, want none", w.lost)
				}
			})
		})
	}
}

// RFC 6749 §5.2: a provider that does not know the client any more may say invalid_grant
// of everybody's token. It looks like everybody's revocation, and nobody is called dead.
func TestAWrongClientIDCallsNobodyDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := many(10_000)
		w, mine, theirs := two(t, kinds[5], n, 50, 50)
		wrong := time.Now()
		w.mu.Lock()
		mine.unknown[mine.id] = true
		w.mu.Unlock()
		late := w.watchDue(theirs, wrong.Add(6*time.Hour))
		time.Sleep(6 * time.Hour)
		w.acts.Wait()
		if calls := len(w.callsOf(mine, wrong)); calls > n/10+1000 { // until one in twenty was refused, and then one in 30 s
			t.Errorf("got %d calls in six hours, want the app stopped by the storm", calls)
		}
		w.mu.Lock()
		mine.unknown[mine.id] = false
		w.mu.Unlock()
		time.Sleep(time.Hour + time.Duration(1.2*float64(n)/w.rate)*time.Second)
		if ok, rest := w.healthy(); ok < n+50 {
			t.Errorf("got %d of %d fresh an hour after the provider knows the client again: %q", ok, n+50, rest)
		}
		if *late > 10*time.Second {
			t.Errorf("got the other project's renewals %s late, want it not slowed", *late)
		}
		if w.ends(); len(w.lost) > 0 {
			t.Errorf("got %v called dead, want none", w.lost)
		}
	})
}

// One call in a hundred is refused for no reason, for a day: nobody is called dead.
func TestOneRefusalInAHundredCallsNobodyDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := many(5_000)
		w, _, _ := two(t, kinds[4], n, 1, 50)
		all, refused := 0, 0
		w.play(func(h *host, sub string, _ int) (act, bool) {
			if all++; all%100 == 0 {
				refused++
				return act{name: "flaky", before: 50 * time.Millisecond, status: 400, body: `{"error":"invalid_grant"}`}, true
			}
			return atOnce, true
		})
		time.Sleep(24 * time.Hour)
		if refused < n/10 {
			t.Errorf("got %d of %d calls refused, want one in a hundred of an hourly one", refused, all)
		}
		w.play(nil)
		time.Sleep(time.Hour)
		if w.ends(); len(w.lost) > 0 {
			t.Errorf("got %v called dead in %d calls, want none", w.lost, all)
		}
	})
}

// Somebody takes access away at the provider. Within a quarter of an hour of the next
// renewal the customer is told, once, and why.
func TestWhoWithdrewIsCalledDeadInTimeOnceAndForTheTrueReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 10)
		time.Sleep(3 * time.Hour)
		var gone []*person
		for _, who := range w.people {
			if who.i%10 < 2 {
				gone = append(gone, who)
				w.withdraw(who)
			}
		}
		withdrawn := time.Now()
		due := map[string]time.Time{}
		for sub, h := range w.states() {
			due[sub] = h.Grant.RefreshAt
		}
		told := map[lanyard.ConnectionID]time.Time{}
		for range 12 * 60 {
			time.Sleep(time.Minute)
			w.verdicts(w.live())
			for id := range w.deadNow {
				if told[id].IsZero() {
					told[id] = time.Now()
				}
			}
		}
		for _, who := range gone {
			at := told[who.held()]
			if took := at.Sub(due[who.sub]); at.IsZero() || took > 15*time.Minute {
				t.Errorf("%s at %s: withdrawn at %s, due at %s, told at %s; want it within a quarter of an hour", who.sub, who.kind.id, w.at(withdrawn), w.at(due[who.sub]), w.at(at))
			}
			if got := w.states()[who.sub].Grant.Reason; who.tells && got != lanyard.CodeUserRevoked || !who.tells && got != lanyard.CodeNeedsReauth {
				t.Errorf("%s at %s: got the reason %q", who.sub, who.kind.id, got)
			}
		}
		if w.ends(); w.told[lanyard.EventNeedsReauth] != len(gone) {
			t.Errorf("got %d told, want %d: each once", w.told[lanyard.EventNeedsReauth], len(gone))
		}
	})
}

// A provider is down for an hour, and everybody's token expires meanwhile. After that the
// calls never exceed the rate by more than a tenth, callers come first, and all are fresh
// within a fifth more than the rate alone would take.
func TestAfterAnOutageOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := many(20_000)
		w, mine, _ := two(t, kinds[4], n, 1, min(50, max(10, float64(n)/400)))
		down := time.Now()
		w.mu.Lock()
		w.fair = false
		mine.windows = []window{{down, down.Add(61 * time.Minute), "refused"}}
		w.mu.Unlock()
		time.Sleep(61 * time.Minute)
		w.mu.Lock()
		w.fair = true
		w.mu.Unlock()
		back := time.Now()
		if len(w.callsOf(mine, down.Add(time.Minute))) > 0 {
			t.Fatal("the provider was not down")
		}

		within := time.Duration(1.2 * float64(n) / w.rate * float64(time.Second))
		var callers sync.WaitGroup
		var mu sync.Mutex
		var slowest time.Duration
		served := 0
		for i := range int(within.Seconds()) { // one each second, from the far end of the list
			callers.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				took, err := w.read(w.people[n-1-i%n])
				mu.Lock()
				defer mu.Unlock()
				if i > 40 { // until then it was not known to be back
					if slowest = max(slowest, took); err != nil {
						t.Errorf("a caller after %d s: %v", i, err)
					}
					served++
				}
			})
		}
		var took time.Duration
		for took == 0 && time.Since(back) < 2*within+time.Minute {
			time.Sleep(5 * time.Second)
			if ok, _ := w.healthy(); ok == n+1 {
				took = time.Since(back)
			}
		}
		callers.Wait()
		// Half a minute at most until one call finds out that it is back, and some seconds to the full rate.
		if want := within + 45*time.Second; took == 0 || took > want {
			_, rest := w.healthy()
			t.Errorf("got all %d fresh after %s, want it within %s: %q", n, took, want, rest)
		}
		if slowest > time.Second || served == 0 {
			t.Errorf("got %d callers served, the slowest in %s; want none behind the backlog", served, slowest)
		}
		calls := w.callsOf(mine, back)
		for i, from := 0, 0; i < len(calls); i++ {
			for calls[i].Sub(calls[from]) > time.Second {
				from++
			}
			if got, want := i-from+1, int(math.Ceil(w.rate*1.1)); got > want+1 { // the second's own end
				t.Fatalf("got %d calls within a second at %s, want %v a second and a tenth", got, w.at(calls[i]), w.rate)
			}
		}
		if w.ends(); len(w.lost) > 0 {
			t.Errorf("got %v called dead, want none", w.lost)
		}
	})
}
