package vendortest_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/lanyardtest"
)

// How a vendor's bot ends that was in, and is not sent again.

func last(b lanyardtest.JSON) lanyardtest.JSON {
	steps := b.List("timeline")
	return steps[len(steps)-1]
}

// The tenth bot after the first is the last. It used to end without a word of why there is no
// eleventh, though Ana is there again: it has left, and its time line says so.
func TestAVendorsBotIsSentAgainTenTimes(t *testing.T) {
	t.Parallel()
	w := newBotWorld(t, lanyard.RunnerRecall)
	id := w.inWithAna(map[string]any{"runner": "recall"}).Str("id")
	w.SQL(`UPDATE bots SET starts = 9`) // nine others have come and gone
	w.present("ana", false)
	w.becomes(id, "joined", "ben")
	w.present("ana", true)
	w.known(w.ana, "present")
	w.present("ben", false)
	got := w.becomes(id, "left", "")
	if end := last(got); end.Str("code") != "bot_restarts" || end.Str("by") != "runner" {
		t.Errorf("got the last step %v, want it to say why the bot is not sent again", end)
	}
	if n := len(w.vendor.Bots()); n != 2 {
		t.Errorf("the vendor was asked for %d bots, want the first here and the tenth", n)
	}
}

// A vendor that refuses each time is asked ten times more, and no longer; then the bot has
// failed, and says why.
func TestAVendorThatRefusesABotTenTimes(t *testing.T) {
	t.Parallel()
	w, id, asked := newRefused(t)
	w.SQL(`UPDATE bots SET starts = 8`)
	w.present("ana", false)
	if got := w.becomes(id, "failed", ""); got.Str("reason") != "bot_restarts" {
		t.Errorf("got %v, want the limit for the reason", got)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("the vendor was asked %d times, want the first time, the ninth more and the tenth", n)
	}
}

// newRefused is a bot that is in on behalf of Ana, and a vendor that refuses every request for
// another; asked counts them all.
func newRefused(t *testing.T) (w *botWorld, id string, asked *atomic.Int32) {
	t.Helper()
	w, asked = newBotWorld(t, lanyard.RunnerRecall), &atomic.Int32{}
	by := w.behind(func(r *http.Request) bool {
		if r.Method == "POST" && asked.Add(1) > 1 {
			r.Header.Set("Authorization", "Token of somebody else")
		}
		return false
	})
	return w, w.inWithAna(map[string]any{"runner": by, "give_up_after_seconds": 7200}).Str("id"), asked
}

// waits has a bot wait that its vendor has refused to send again: as if it had just been asked.
func (w *botWorld) waits(id string) {
	w.T.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if slices.ContainsFunc(w.bot(id).List("timeline"), func(s lanyardtest.JSON) bool { return s.Str("code") == "runner_refused" }) {
			break
		}
		if time.Now().After(end) {
			w.T.Fatalf("got %v, want it refused", w.bot(id))
		}
	}
	w.SQL(`UPDATE bots SET told_at = $1`, time.Now().Add(time.Hour).UnixMicro())
	w.becomes(id, "waiting_for_person", "")
}

// A bot was in, its person has left, and while it waits to be sent again the meeting ends. It
// used to have failed, though it was in until nobody was left on whose behalf it could be.
func TestAVendorsBotThatWaitsWhenTheMeetingEndsHasLeft(t *testing.T) {
	t.Parallel()
	w, id, _ := newRefused(t)
	w.present("ana", false)
	w.waits(id)
	w.present("ben", false)
	got := w.becomes(id, "left", "")
	if end := last(got); end.Str("code") != "meeting_over" || got.Str("reason") != "" {
		t.Errorf("got %v, want it to have left because the meeting is over", got)
	}
}

// A bot that waits and was in is told to leave: it has left, and is not called off.
func TestAVendorsBotThatWaitsIsToldToLeave(t *testing.T) {
	t.Parallel()
	w, id, _ := newRefused(t)
	w.present("ana", false)
	w.waits(id)
	if got := w.OK("POST", "/v1/bots/"+id+"/leave", nil); got.Str("state") != "left" {
		t.Errorf("got %v, want it to have left", got)
	}
}

// Two nodes look after the bots of one PostgreSQL database, and each could do everything: the
// vendor is asked for each bot once, each state is told of once, and one of them sends the
// bots again when Ana leaves.
func TestTwoNodesLookAfterVendorsBots(t *testing.T) {
	for kind := range pretended {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newBotWorld(t, kind, onPostgreSQL(t))
			lanyardtest.Running(t, w.World)
			w.present("ana", true)
			w.known(w.ana, "present")
			var ids []string
			for range 3 {
				ids = append(ids, w.OK("POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "runner": kind, "candidates": of(w.ana, w.ben), "give_up_after_seconds": 7200}).Str("id"))
			}
			all := func(state, inside string) {
				t.Helper()
				for _, id := range ids {
					w.becomes(id, state, inside)
				}
			}
			all("joined", "ana ana ana")
			w.present("ben", true)
			w.known(w.ben, "present")
			w.present("ana", false)
			all("joined", "ben ben ben")
			w.present("ben", false)
			all("left", "")
			if n := len(w.vendor.Bots()); n != 6 {
				t.Errorf("the vendor was asked for %d bots, want each twice", n)
			}
			for _, id := range ids {
				b := w.bot(id)
				want := map[string]int{"bot.scheduled": 1, "bot.ready": 2, "bot.joined": 2, "bot.waiting_for_person": 1, "bot.left": 1}
				for _, state := range states(b) {
					if state == "joining" {
						want["bot.joining"]++
					}
				}
				w.told(id, want)
				var n int
				if w.One(&n, `SELECT count(*) FROM entries WHERE what = 'bot.moved' AND detail LIKE '%'||$1||'%' AND detail LIKE '%"to":"ready"%' AND detail LIKE '%"was":"waiting_for_person"%'`, id); n != 1 {
					t.Errorf("got %d entries of the second request, want one", n)
				}
			}
		})
	}
}

// A node stops for longer than it may hold a bot, as a machine that is paused does, while it
// asks the vendor; another finds out meanwhile that there is a bot. What the first hears when
// it goes on is a refusal: it would have removed a bot that is in.
func TestAVendorsAnswerThatComesTooLate(t *testing.T) {
	t.Parallel()
	w := newBotWorld(t, lanyard.RunnerMeetStream)
	w.present("ana", true)
	w.known(w.ana, "present")
	s := w.stuck(lanyard.RunnerMeetStream, true, asksForABot)
	body := map[string]any{"meeting_url": w.link(), "runner": s.runner, "candidates": of(w.ana), "give_up_after_seconds": 3600}
	answered := make(chan lanyardtest.JSON, 1)
	go func() {
		_, out := w.Call(w.Key, "POST", "/v1/bots", body)
		answered <- out
	}()
	w.stays(s)
	w.inside("ana")
	id := w.OK("GET", "/v1/bots", nil).List("data")[0].Str("id")
	w.SQL(`UPDATE bots SET lease_until = 1`)
	w.becomes(id, "joined", "ana")
	close(s.late)
	<-answered
	b := w.becomes(id, "joined", "ana")
	if sent := w.vendor.Bots(); len(sent) != 1 || b.Str("runner_ref") != sent[0].ID {
		t.Errorf("the vendor has %+v, want one bot, and its name in %v", sent, b)
	}
	w.told(id, map[string]int{"bot.scheduled": 1, "bot.ready": 1, "bot.joining": 1, "bot.joined": 1})
}

// A bot is called off while its vendor is asked for it, and the answer never comes. It was
// cancelled here and stayed in the meeting: the vendor is asked whether it has it, and to
// take it out.
func TestABotThatIsCalledOffWhileItsVendorIsAskedForIt(t *testing.T) {
	t.Parallel()
	w := newBotWorld(t, lanyard.RunnerAttendee)
	w.present("ana", true)
	w.known(w.ana, "present")
	s := w.stuck(lanyard.RunnerAttendee, true, asksForABot)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.Call(w.Key, "POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "runner": s.runner, "candidates": of(w.ana)})
	}()
	w.stays(s)
	w.inside("ana")
	id := w.OK("GET", "/v1/bots", nil).List("data")[0].Str("id")
	if got := w.OK("POST", "/v1/bots/"+id+"/cancel", nil); got.Str("state") != "cancelled" {
		t.Errorf("got %v, want it cancelled", got)
	}
	w.Fails("bot_state", "DELETE", "/v1/bots/"+id, nil)
	w.SQL(`UPDATE bots SET lease_until = 1`) // who asked is taken for dead
	w.becomes(id, "cancelled", "")
	close(s.late)
	<-done
	w.OK("DELETE", "/v1/bots/"+id, nil)
	if n := len(w.vendor.Bots()); n != 1 {
		t.Errorf("the vendor was asked for %d bots, want one", n)
	}
}

// A vendor's answer is lost, and the process lives: it used to end in a bot that is in the
// meeting and has no name here, whatever the vendor could say of it. Attendee and MeetStream
// say it; a request that did not arrive is made again.
func TestAVendorsAnswerThatIsLostIsFoundOut(t *testing.T) {
	for _, kind := range []lanyard.RunnerKind{lanyard.RunnerAttendee, lanyard.RunnerMeetStream} {
		for _, arrives := range []bool{true, false} {
			t.Run(string(kind)+map[bool]string{true: " arrives", false: " is lost"}[arrives], func(t *testing.T) {
				t.Parallel()
				w := newBotWorld(t, kind)
				w.present("ana", true)
				w.known(w.ana, "present")
				s := w.stuck(kind, arrives, asksForABot)
				close(s.lost)
				id := w.OK("POST", "/v1/bots", map[string]any{"meeting_url": w.link(), "runner": s.runner, "candidates": of(w.ana), "give_up_after_seconds": 3600}).Str("id")
				b := w.becomes(id, "joined", "ana")
				if sent := w.vendor.Bots(); len(sent) != 1 || b.Str("runner_ref") != sent[0].ID {
					t.Errorf("the vendor has %+v, want one bot, and its name in %v", sent, b)
				}
				w.told(id, map[string]int{"bot.scheduled": 1, "bot.ready": 1, "bot.joining": 1, "bot.joined": 1})
			})
		}
	}
}
