package jointoken

import (
	"container/list"
	"sync"
	"time"
)

const (
	turnsFor  = 10 * time.Minute // who asks again within that is trying again
	turnsMost = 10_000           // meetings that are remembered
)

// turns counts how often the same was asked for, so that a bot that tries again is given
// the next one's token. It is this node's memory: another one begins by itself, which
// changes the order and nothing else.
type turns struct {
	mu   sync.Mutex
	used list.List // of *tries, last used first
	by   map[string]*list.Element
}

type tries struct {
	what string
	n    int
	at   time.Time
}

// next returns 0 the first time that something is asked for, and one more each time after.
func (t *turns) next(what string, now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.by[what]
	if e == nil {
		if t.by == nil {
			t.by = map[string]*list.Element{}
		}
		t.by[what] = t.used.PushFront(&tries{what: what, at: now})
		if t.used.Len() > turnsMost {
			delete(t.by, t.used.Remove(t.used.Back()).(*tries).what)
		}
		return 0
	}
	t.used.MoveToFront(e)
	v := e.Value.(*tries)
	if v.n++; now.Sub(v.at) > turnsFor {
		v.n = 0
	}
	v.at = now
	return v.n
}
