package grant

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// known is a set of states, by their hashes.
type known struct {
	slots []uint64 // 0: free
	n     int
}

// add says whether a state is new.
func (k *known) add(key uint64) bool {
	if key == 0 {
		key = 1
	}
	if 10*k.n >= 6*len(k.slots) {
		old := k.slots
		k.slots, k.n = make([]uint64, max(1<<16, 2*len(old))), 0
		for _, x := range old {
			if x != 0 {
				k.add(x)
			}
		}
	}
	for i := key & uint64(len(k.slots)-1); ; i = (i + 1) & uint64(len(k.slots)-1) {
		switch k.slots[i] {
		case 0:
			k.slots[i] = key
			k.n++
			return true
		case key:
			return false
		}
	}
}

// way is how a state was reached.
type way struct {
	from *way
	s    step
}

// found is what a search has found.
type found struct {
	states, steps int
	broken        string // the promise; "": none
	trace         []string
}

func (f found) String() string { return strings.Join(f.trace, "\n") }

// search goes through every state that can be reached with up to so many faults, until
// a promise is broken. Widely, it takes the nearest first, so that what it finds is
// short; otherwise the last first, which needs little memory.
func (m *model) search(faults int, widely bool) found {
	type here struct {
		w   world
		way *way
	}
	var f found
	seed, seen := maphash.MakeSeed(), &known{}
	frontier, next := []here{{w: m.start(faults)}}, []here(nil)
	seen.add(frontier[0].w.key(seed))
	var todo []step
	expand := func(h *here) bool {
		todo = m.enabled(&h.w, todo[:0])
		if m.quiet(todo) {
			if f.broken = m.end(&h.w); f.broken != "" {
				f.trace = m.retrace(faults, h.way)
				return false
			}
		}
		for _, s := range todo {
			w := h.w
			f.steps++
			if f.broken = m.apply(&w, s); f.broken != "" {
				f.trace = m.retrace(faults, &way{h.way, s})
				return false
			}
			if seen.add(w.key(seed)) {
				next = append(next, here{w, &way{h.way, s}})
			}
		}
		return true
	}
	for going := true; going && len(frontier) > 0; {
		if widely {
			for i := 0; going && i < len(frontier); i++ {
				going = expand(&frontier[i])
			}
			frontier, next = next, frontier[:0]
			continue
		}
		h := frontier[len(frontier)-1]
		next = frontier[:len(frontier)-1]
		going = expand(&h)
		frontier = next
	}
	f.states = seen.n
	return f
}

// retrace goes the way to a state again, and tells it.
func (m *model) retrace(faults int, to *way) (told []string) {
	broken := ""
	var all []step
	for ; to != nil; to = to.from {
		all = append(all, to.s)
	}
	clock := secs(0)
	w := m.start(faults)
	m.say = func(format string, args ...any) {
		told = append(told, fmt.Sprintf("%6d s  %s", clock, fmt.Sprintf(format, args...)))
	}
	defer func() { m.say = nil }()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].kind == stepTime {
			clock += m.wait4(&w)
		}
		broken = m.apply(&w, all[i])
	}
	if broken == "" {
		broken = m.end(&w)
	}
	return append(told, "BROKEN    "+broken)
}
