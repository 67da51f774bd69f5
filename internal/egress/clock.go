package egress

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Hold is why nothing may be sent now; nil: nothing is in the way. Whoever asks first spares itself an attempt.
func (c *Client) Hold() error {
	if c.cfg.Hold == nil {
		return nil
	}
	return c.cfg.Hold()
}

// Now is this process's clock, as Config.ClockOffset moves it: what answers are dated with, and what the times in
// them are compared with.
func (c *Client) Now() time.Time { return time.Now().Add(c.cfg.ClockOffset) }

// Skew is how far the clocks of the providers that answered in the last hour are ahead of this process's (behind:
// negative), and how many there are. It is the middle one of what is certain of each, so that one of three that is
// wrong says nothing.
func (c *Client) Skew() (ahead time.Duration, hosts int) { return c.skews.middle(time.Now()) }

// skews keeps what the last answer of each host said of our clock.
type skews struct {
	mu    sync.Mutex
	hosts map[string]skew
}

type skew struct {
	ahead time.Duration
	at    time.Time // by the clock that no setting moves
}

const (
	skewHosts = 256 // customers may add hosts; more are not looked at
	skewFresh = time.Hour
)

// note compares a Date header (RFC 9110 §6.6.1, whole seconds, cut off) with when we sent and heard: whatever lies
// between them is no skew, however slow the answer was.
func (s *skews) note(host string, sent, heard time.Time, date string) {
	at, err := http.ParseTime(date)
	if err != nil {
		return // not there, or not a date: it says nothing
	}
	var k skew
	switch {
	case at.After(heard):
		k.ahead = at.Sub(heard)
	case at.Add(time.Second).Before(sent):
		k.ahead = at.Add(time.Second).Sub(sent)
	}
	k.at = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts == nil {
		s.hosts = map[string]skew{}
	}
	if _, known := s.hosts[host]; known || len(s.hosts) < skewHosts || s.forget(k.at) {
		s.hosts[host] = k
	}
}

// forget drops hosts that are not heard of any more, and says whether there were any.
func (s *skews) forget(now time.Time) (some bool) {
	for host, k := range s.hosts {
		if now.Sub(k.at) > skewFresh {
			delete(s.hosts, host)
			some = true
		}
	}
	return some
}

func (s *skews) middle(now time.Time) (time.Duration, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	var all []time.Duration
	for _, k := range s.hosts {
		all = append(all, k.ahead)
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	low, high := all[(len(all)-1)/2], all[len(all)/2]
	return (low + high) / 2, len(all)
}
