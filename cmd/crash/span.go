package main

import (
	"slices"
	"time"
)

// span is a stretch of time in which a node could not work: "" is all of them.
type span struct {
	node     string
	from, to time.Time // to zero: until now
	what     string
	loses    bool // answers under way may be lost by it
}

// began notes that a node, or "" for all, cannot work from now on; over notes
// that it can.
func (w *world) suffers(node, what string, loses bool) (over func()) {
	w.note(node, "%s", what)
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &span{node: node, from: time.Now(), what: what, loses: loses}
	w.spans = append(w.spans, s)
	return func() {
		w.note(node, "over: %s", what)
		w.mu.Lock()
		defer w.mu.Unlock()
		s.to = time.Now()
	}
}

// up is the longest stretch between two moments in which one node was ready, and
// neither stopped nor cut off.
func (w *world) up(from, to time.Time) (most time.Duration) {
	for _, n := range w.all {
		for _, l := range n.allLives() {
			if l.ready.IsZero() {
				continue
			}
			most = max(most, w.longest(n.name, later(from, l.ready), sooner(to, l.to)))
		}
	}
	return most
}

// longest is the longest stretch between two moments without a span of this node's.
func (w *world) longest(node string, from, to time.Time) (most time.Duration) {
	spans := slices.DeleteFunc(slices.Clone(w.spans), func(s *span) bool { return s.node != "" && s.node != node })
	slices.SortFunc(spans, func(a, b *span) int { return a.from.Compare(b.from) })
	for _, s := range spans {
		if s.from.After(to) {
			break
		}
		most = max(most, s.from.Sub(from))
		end := s.to
		if end.IsZero() {
			end = time.Now()
		}
		from = later(from, end)
	}
	return max(most, to.Sub(from))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the earlier one; zero is never.
func sooner(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}
