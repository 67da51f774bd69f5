package web

import (
	"context"
	"sync"
	"time"
)

// failures counts bad credentials by origin and minute, in memory: nobody whom
// we cannot name causes a durable write. An origin with too many is answered 429,
// and slowly, which costs us a timer and them their speed. Nothing here is asked
// about a credential that is good, so nobody can lock out a neighbour (T42).
type failures struct {
	limit *Buckets
	slow  chan struct{} // who is being answered slowly

	mu      sync.Mutex
	minutes [failedHistory]failedMinute
}

type failedMinute struct {
	start time.Time
	by    map[string]int
}

const (
	failedHistory = 60  // minutes
	failedOrigins = 512 // per minute; the rest is counted together
	failedOthers  = "others"
	slowAnswers   = 256 // at a time; beyond that answers are fast again
	slowBy        = time.Second
)

func newFailures(perMinute int) *failures {
	return &failures{limit: NewBuckets(perMinute, time.Minute), slow: make(chan struct{}, slowAnswers)}
}

// fail counts a bad credential and returns err, or CodeRateLimited if its origin
// has had too many.
func (f *Front) fail(ctx context.Context, err error) error {
	origin := originKey(RequestOf(ctx).Origin.IP)
	f.failed.count(origin)
	wait, ok := f.failed.limit.Take(origin)
	if ok {
		return err
	}
	if n, _ := ctx.Value(noteKey{}).(*note); n != nil {
		n.quiet = true
	}
	select {
	case f.failed.slow <- struct{}{}:
		t := time.NewTimer(slowBy)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		<-f.failed.slow
	default:
	}
	return tooMany(wait)
}

func (f *failures) count(origin string) {
	now := time.Now().Truncate(time.Minute)
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &f.minutes[now.Unix()/60%failedHistory]
	if !m.start.Equal(now) {
		*m = failedMinute{now, map[string]int{}}
	}
	if _, ok := m.by[origin]; !ok && len(m.by) >= failedOrigins {
		origin = failedOthers
	}
	m.by[origin]++
}

// FailedCredentials is how many bad credentials an origin sent in one minute.
type FailedCredentials struct {
	Minute time.Time
	Origin string // an IPv4 address, a /64, "none" for the socket, or "others"
	Count  int
}

// Failed returns the bad credentials of the last hour, in no particular order.
// Origins are personal data: this is for the operator's eyes, not for a log.
func (f *Front) Failed() []FailedCredentials {
	since := time.Now().Add(-failedHistory * time.Minute)
	f.failed.mu.Lock()
	defer f.failed.mu.Unlock()
	var out []FailedCredentials
	for _, m := range f.failed.minutes {
		if m.start.Before(since) {
			continue
		}
		for origin, n := range m.by {
			out = append(out, FailedCredentials{m.start, origin, n})
		}
	}
	return out
}
