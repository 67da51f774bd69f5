package web

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are how much is let in. Zero of a field is no limit.
type Limits struct {
	KeyPerSecond    int // requests of one API key
	FailedPerMinute int // bad credentials from one origin, before they are answered 429
	OpensPerMinute  int // of one invitation
}

// Buckets are token buckets by key, in bounded memory: the least recently used
// goes when there are too many. A bucket that went comes back full, so a flood
// of keys can only make limits milder, never block anybody.
type Buckets struct {
	rate   rate.Limit
	burst  int
	shards [16]shard
	seed   maphash.Seed
}

type shard struct {
	mu   sync.Mutex
	used *list.List // of *bucket, most recently used first
	by   map[string]*list.Element
}

type bucket struct {
	key string
	lim *rate.Limiter
}

const bucketsPerShard = 4096

// NewBuckets lets each key through n times per interval, all n at once if need
// be. n ≤ 0 lets everything through.
func NewBuckets(n int, per time.Duration) *Buckets {
	b := &Buckets{burst: n, seed: maphash.MakeSeed()}
	if n > 0 {
		b.rate = rate.Limit(float64(n) / per.Seconds())
	}
	for i := range b.shards {
		b.shards[i].used, b.shards[i].by = list.New(), map[string]*list.Element{}
	}
	return b
}

// Take takes one from the key's bucket. If it is empty it returns false and how
// long until there is one again; nothing is taken then.
func (b *Buckets) Take(key string) (time.Duration, bool) {
	if b.burst <= 0 {
		return 0, true
	}
	s := &b.shards[maphash.String(b.seed, key)%uint64(len(b.shards))]
	s.mu.Lock()
	e, ok := s.by[key]
	if ok {
		s.used.MoveToFront(e)
	} else {
		e = s.used.PushFront(&bucket{key, rate.NewLimiter(b.rate, b.burst)})
		s.by[key] = e
		if s.used.Len() > bucketsPerShard {
			old := s.used.Remove(s.used.Back()).(*bucket)
			delete(s.by, old.key)
		}
	}
	lim := e.Value.(*bucket).lim
	s.mu.Unlock()

	now := time.Now()
	if lim.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - lim.TokensAt(now)
	return time.Duration(missing / float64(b.rate) * float64(time.Second)), false
}
