package spool

import (
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"
)

// idle is how long room that nobody needed is kept.
const idle = 10 * time.Minute

// nudge makes upkeep look now.
func (s *Spool) nudge() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// upkeep makes segments before they are needed, removes them when they are
// not, tries a broken spool again, and writes marks, until the spool is closed.
func (s *Spool) upkeep() {
	defer close(s.ended)
	look := time.NewTicker(s.c.Check)
	defer look.Stop()
	trimmed := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-s.marks.due():
			s.guarded(s.writeMarks)
			continue
		case <-look.C:
		case <-s.kick:
		}
		s.guarded(s.retire)
		s.guarded(s.reclaim)
		s.guarded(s.prepare)
		if time.Since(trimmed) > idle {
			s.guarded(s.trim)
			trimmed = time.Now()
		}
	}
}

// guarded runs f; a bug in it is logged, and the rest goes on.
func (s *Spool) guarded(f func()) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("upkeep of the spool failed", "error", fmt.Sprintf("panic: %T\n%s", v, debug.Stack()))
		}
	}()
	f()
}

// prepare tries a broken spool again, and keeps half a segment more than is needed.
func (s *Spool) prepare() {
	s.grow.Lock()
	defer s.grow.Unlock()
	for {
		s.mu.Lock()
		broken := s.broken != nil
		short := s.slots() < s.rooms+max(1, int(s.c.Segment/maxRecord)/2)
		s.mu.Unlock()
		if !broken && !short {
			return
		}
		if err := s.make(true, !broken); err != nil {
			return // Status says so, and Reserve when it gets there
		}
		if broken {
			s.mu.Lock()
			s.mend()
			s.mu.Unlock()
		}
	}
}

// retire leaves an active segment whose first receipt is a day old, so that it
// can go a day later, however few receipts there are.
func (s *Spool) retire() {
	if !s.writing.TryLock() {
		return
	}
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.active; g != nil && g.count > 0 && time.Since(g.first) > s.c.Keep && len(s.ready) > 0 {
		s.rotate()
	}
}

// reclaim removes segments that nobody needs any more: those whose last receipt
// is a day old, if all is settled, and after a week in any case. Where room is
// short, an hour is enough for what is settled.
func (s *Spool) reclaim() {
	free, err := freeBytes(s.c.Dir)
	s.mu.Lock()
	taken := s.c.Segment
	for _, g := range s.all() {
		taken += g.size
	}
	short := taken > s.c.Most || err == nil && free-s.c.Segment < s.c.Floor
	var gone []*segment
	s.full = slices.DeleteFunc(s.full, func(g *segment) bool {
		age := time.Since(g.last)
		if g.readers > 0 || g.pending > 0 && age <= 7*s.c.Keep || age <= s.c.Keep && !(short && age > s.c.Keep/24) {
			return false
		}
		taken -= g.size
		free += g.size
		short = taken > s.c.Most || free-s.c.Segment < s.c.Floor
		gone = append(gone, g)
		return true
	})
	if slices.ContainsFunc(gone, func(g *segment) bool { return g.pending > 0 }) {
		s.log.Error("receipts that were never settled are too old and were removed")
		maps.DeleteFunc(s.pending, func(_ attemptKey, p pendingMark) bool { return slices.Contains(gone, p.in) })
	}
	s.mu.Unlock()
	s.remove(gone)
}

// trim removes ready segments beyond what was needed since it was last called.
func (s *Spool) trim() {
	s.mu.Lock()
	per := int((s.c.Segment - block) / maxRecord)
	var gone []*segment
	for len(s.ready) > 1 && s.slots()-per >= s.peak+per {
		last := len(s.ready) - 1
		gone = append(gone, s.ready[last])
		s.ready = s.ready[:last]
	}
	s.peak = s.rooms
	s.mu.Unlock()
	s.remove(gone)
}

func (s *Spool) remove(gone []*segment) {
	for _, g := range gone {
		_ = g.close() // nothing in it counts
		if err := os.Remove(g.path); err != nil {
			s.log.Warn("a segment of the spool could not be removed", "error", err)
		}
	}
	if len(gone) > 0 {
		if err := syncDir(s.c.Dir); err != nil {
			s.log.Warn("a removed segment of the spool may come back", "error", err)
		}
	}
}
