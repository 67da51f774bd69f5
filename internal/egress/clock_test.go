package egress

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// While something holds it, nothing leaves by any of the ways out, and that is what the answer says.
func TestNothingLeavesWhileItIsHeld(t *testing.T) {
	var reached atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	why := errors.New("not adopted")
	var held atomic.Bool
	c := mustNew(t, Config{AllowLoopback: true, Hold: func() error {
		if held.Load() {
			return why
		}
		return nil
	}})
	held.Store(true)
	if a := c.Do(t.Context(), post(s.URL)); !errors.Is(a.Err, why) || a.Sent || a.Status != 0 {
		t.Errorf("got %+v, want nothing sent and the reason", a)
	}
	if _, err := c.HTTPClient().Get(s.URL); !errors.Is(err, why) {
		t.Errorf("got %v, want the reason", err)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("got %d requests, want none", n)
	}
	held.Store(false)
	if a := c.Do(t.Context(), post(s.URL)); a.Err != nil || a.Status != 200 || reached.Load() != 1 {
		t.Errorf("got %+v, want it sent", a)
	}
}

// T40: what providers' clocks say of ours, from real answers, with a clock that is wrong.
func TestAWrongClockShowsInTheDatesOfAnswers(t *testing.T) {
	s := server(t, func(http.ResponseWriter, *http.Request) {})
	for _, offset := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
		c := mustNew(t, Config{AllowLoopback: true, ClockOffset: offset})
		if _, hosts := c.Skew(); hosts != 0 {
			t.Errorf("before any answer: got %d hosts, want none", hosts)
		}
		before := time.Now().Add(offset)
		a := c.Do(t.Context(), post(s.URL))
		if a.SentAt.Before(before) || a.SentAt.After(time.Now().Add(offset)) {
			t.Errorf("%s: got it sent at %s, want by the wrong clock", offset, a.SentAt)
		}
		if got, hosts := c.Skew(); hosts != 1 || (got+offset).Abs() > 2*time.Second {
			t.Errorf("got the others %s ahead of a clock that is %s ahead", got, offset)
		}
		get := post(s.URL)
		get.Method = http.MethodGet // may come from a cache on the way, with an old Date
		other := mustNew(t, Config{AllowLoopback: true, ClockOffset: offset})
		if a := other.Do(t.Context(), get); a.Status != 200 {
			t.Errorf("got %+v", a)
		}
		if _, hosts := other.Skew(); hosts != 0 {
			t.Errorf("a GET: got %d hosts, want none", hosts)
		}
	}
}

func TestOnlyWhatIsCertainIsSkew(t *testing.T) {
	sent := time.Date(2026, 5, 4, 3, 2, 1, 900e6, time.UTC)
	date := func(d time.Duration) string { return sent.Truncate(time.Second).Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		date string
		took time.Duration
		want time.Duration
		ok   bool
	}{
		{date(0), time.Second, 0, true},
		{date(40 * time.Second), 45 * time.Second, 0, true}, // a slow answer, not a wrong clock
		{date(-time.Second), time.Second, -900 * time.Millisecond, true},
		{date(time.Minute), time.Second, time.Minute - 1900*time.Millisecond, true},
		{date(-time.Hour), time.Second, -time.Hour + 100*time.Millisecond, true},
		{"", time.Second, 0, false},
		{"yesterday", time.Second, 0, false},
	} {
		var s skews
		s.note("a", sent, sent.Add(c.took), c.date)
		if got, n := s.middle(time.Now()); got != c.want || n > 0 != c.ok {
			t.Errorf("%q after %s: got %s of %d, want %s", c.date, c.took, got, n, c.want)
		}
	}
}

// One provider with a wrong clock is not ours; what was not heard for an hour does not count; and however many hosts
// there are, no more than some are kept.
func TestSkewIsTheMiddleOneOfTheLastHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s skews
		say := func(host string, ahead time.Duration) {
			now := time.Now()
			s.note(host, now, now, now.Add(ahead).Format(http.TimeFormat))
		}
		say("a", 0)
		say("b", -time.Hour)
		say("c", 0)
		if got, n := s.middle(time.Now()); got != 0 || n != 3 {
			t.Errorf("got %s of %d, want 0 of 3", got, n)
		}
		time.Sleep(50 * time.Minute)
		say("b", 10*time.Minute)
		time.Sleep(20 * time.Minute)
		if got, n := s.middle(time.Now()); got != 10*time.Minute || n != 1 {
			t.Errorf("an hour later: got %s of %d, want that of b", got, n)
		}
		for i := range 2 * skewHosts {
			say(fmt.Sprint(i), 0)
		}
		if len(s.hosts) != skewHosts {
			t.Errorf("got %d hosts, want %d", len(s.hosts), skewHosts)
		}
		time.Sleep(2 * time.Hour)
		say("new", 0)
		if len(s.hosts) != 1 {
			t.Errorf("got %d hosts, want the old ones gone", len(s.hosts))
		}
	})
}
