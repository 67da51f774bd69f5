//go:build !race

package simtest

import (
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// small is a world without bad weather: one account of each kind, which is used.
func small(t *testing.T, each int) *world {
	t.Helper()
	w := newWorld(t, 1)
	w.fair = true
	for _, k := range kinds {
		w.addHost(k)
	}
	w.begin()
	w.newProject()
	for i := range kinds {
		w.populate(each, true, w.addClient(w.hosts[addr(i)]))
	}
	return w
}

// ends judges and reports.
func (w *world) ends() tally {
	synctest.Wait()
	p := w.live()
	out := w.judge(p)
	w.attempts(p)
	w.shut()
	w.report(out)
	return out
}

// states returns connections with their grants, by account.
func (w *world) states() map[string]store.Held {
	all := map[string]store.Held{}
	w.everybody(w.live(), func(h store.Held) { all[h.Connection.Label] = h })
	return all
}

var atOnce = act{name: "fine", execute: true, before: 50 * time.Millisecond, after: 50 * time.Millisecond}

// Found by seed 2 (-sim.days=0.5): an answer that was cut between the access token and the
// refresh token was stored as if the old refresh token were still good. Nobody asked again
// while a provider with a grace would have answered, and at the others the person was
// blamed for what came of it.
func TestACutAnswerWithoutItsRefreshTokenIsAnAnswerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 1)
		w.play(func(h *host, sub string, n int) (act, bool) {
			a := atOnce
			if n == 0 {
				a.cutAt = `"refresh_token"`
			}
			return a, true
		})
		time.Sleep(6 * time.Hour)
		for sub, h := range w.states() {
			k := w.kindOf(sub)
			switch {
			case k.class == provider.ClassStatic, k.class == provider.ClassOverlap, k.class == provider.ClassGrace:
				if h.Grant.Health != lanyard.Healthy {
					t.Errorf("%s: got %s %s, want it healthy: what was sent went on working", k.id, h.Grant.Health, h.Grant.Reason)
				}
			case h.Grant.Health != lanyard.Dead || h.Grant.Reason != lanyard.CodeResponseLost:
				t.Errorf("%s: got %s %s, want it dead, because an answer was lost", k.id, h.Grant.Health, h.Grant.Reason)
			}
		}
		w.ends()
	})
}

func (w *world) kindOf(sub string) kind {
	for _, who := range w.people {
		if who.sub == sub {
			return who.kind
		}
	}
	return kind{}
}

// Found by seed 1 (-sim.days=0.2 -sim.grants=80): a wrong client id, at an app where hours go by
// between one renewal and the next. The one that was used was called dead: it seemed to be
// alone.
func TestAWrongClientIDIsFoundOutThoughOneConnectionAloneIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.fair = true
		for _, k := range kinds {
			w.addHost(k)
		}
		w.begin()
		w.newProject()
		var clients []*client
		for i := range kinds {
			clients = append(clients, w.addClient(w.hosts[addr(i)]))
		}
		w.restart(w.live(), -25*time.Hour)
		w.populate(8*len(clients), false, clients...)
		w.restart(w.live(), 0)
		w.populate(len(clients), true, clients...)
		time.Sleep(3 * time.Hour) // the idle ones have been renewed once
		for _, c := range clients {
			w.mu.Lock()
			c.unknown[c.id] = true
			w.mu.Unlock()
		}
		time.Sleep(6 * time.Hour)
		for _, c := range clients {
			w.mu.Lock()
			c.unknown[c.id] = false
			w.mu.Unlock()
		}
		w.verdicts(w.live())
		time.Sleep(time.Hour)
		for sub, h := range w.states() {
			if h.Grant.Health != lanyard.Healthy {
				t.Errorf("%s: got %s %s, want it healthy an hour after the provider knows the client again", sub, h.Grant.Health, h.Grant.Reason)
			}
		}
		if w.ends(); w.told[lanyard.EventNeedsReauth] > 0 {
			t.Errorf("got %d called dead, want none", w.told[lanyard.EventNeedsReauth])
		}
	})
}

// Found by seed 22 (-sim.days=0.5): somebody withdrew access, a call before that had had no answer, and
// the reason was that the answer had been lost, where no lost answer does harm.
func TestWhereNothingRotatesALostAnswerIsNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 2)
		w.play(func(h *host, sub string, n int) (act, bool) {
			if n == 0 {
				return act{name: "reset", hangUp: true}, true
			}
			return atOnce, true
		})
		for _, who := range w.people {
			if who.class == provider.ClassStatic && who.i%2 == 0 {
				w.withdraw(who)
			}
		}
		time.Sleep(6 * time.Hour)
		for sub, h := range w.states() {
			if w.kindOf(sub).class != provider.ClassStatic {
				continue
			}
			withdrawn := !w.hosts[addr(0)].latest[sub].alive()
			if want := map[bool]lanyard.Code{true: lanyard.CodeUserRevoked}[withdrawn]; h.Grant.Reason != want {
				t.Errorf("%s: got %q, want %q", sub, h.Grant.Reason, want)
			}
		}
		w.ends()
	})
}

// Found by seed 15 (-sim.days=0.5): an answer was lost, and the retry inside the grace met a
// provider that refused once, for no reason. The next one came a minute later.
func TestAWhimInsideTheGraceDoesNotCostTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := small(t, 2)
		w.play(func(h *host, sub string, n int) (act, bool) {
			a := atOnce
			switch {
			case h.class != provider.ClassGrace:
			case n == 0:
				a.hangUp = true
			case n == 1:
				a = act{name: "flaky", status: 400, body: `{"error":"invalid_grant"}`}
			}
			return a, true
		})
		time.Sleep(3 * time.Hour)
		for sub, h := range w.states() {
			if h.Grant.Health != lanyard.Healthy {
				t.Errorf("%s at %s: got %s %s, want it healthy", sub, w.kindOf(sub).id, h.Grant.Health, h.Grant.Reason)
			}
		}
		w.ends()
	})
}

// Found by seed 1 (-sim.days=0.5 -sim.grants=160): a clock that is ten minutes slow took an
// access token for alive that had ended, and its refusal for the proof of a refusal that was
// the wrong client id's.
func TestASlowClockDoesNotMakeAnExpiredTokenAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.fair = true
		h := w.addHost(kinds[4])
		w.begin()
		w.newProject()
		c := w.addClient(h)
		w.populate(3, true, c)
		time.Sleep(2 * time.Hour)
		operator := lanyard.Principal{Operator: true, Name: "operator"}
		_, err := w.live().sched.Stop(t.Context(), operator, false) // nobody renews them while they end
		w.must(err)
		for _, who := range w.people {
			expires := w.states()[who.sub].Grant.AccessExpires
			time.Sleep(time.Until(expires.Add(time.Minute)))
			w.mu.Lock()
			c.unknown[c.id] = true
			w.mu.Unlock()
			w.restart(w.live(), -10*time.Minute)
			calls := len(w.callsOf(c, w.began))
			_, _ = w.live().conns.Token(t.Context(), who.us(), who.held(), connection.TokenRequest{MinTTL: 30 * time.Minute})
			if len(w.callsOf(c, w.began)) == calls {
				t.Errorf("%s: nothing was sent", who.sub)
			}
			if g := w.states()[who.sub].Grant; g.Health == lanyard.Dead {
				t.Errorf("%s: got %s %s after one refusal, and a token that had ended", who.sub, g.Health, g.Reason)
			}
			w.mu.Lock()
			c.unknown[c.id] = false
			w.mu.Unlock()
			w.restart(w.live(), 0)
		}
		_, err = w.live().sched.Start(t.Context(), operator)
		w.must(err)
		time.Sleep(time.Hour)
		w.ends()
	})
}
