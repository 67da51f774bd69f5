package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanyard/internal/fault"
)

// kept is a receipt on its way to disk.
type kept struct {
	r    Receipt
	done chan error
}

// group is how much one write takes at most, so that nobody waits for very many.
const group = 4 << 20

// commit writes what is queued until the spool is closed. What comes while a
// write runs shares the next one.
func (s *Spool) commit() {
	defer close(s.committed)
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.closed {
			s.work.Wait()
		}
		batch := s.queue
		s.queue = nil
		s.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		s.writing.Lock()
		for len(batch) > 0 {
			batch = batch[s.write(batch):]
		}
		s.writing.Unlock()
	}
}

// write keeps the first of batch, and says how many. A segment that fails is
// abandoned, and the same receipts go to another one, once.
func (s *Spool) write(batch []*kept) (n int) {
	var err error
	for range 2 {
		if n, err = s.try(batch); err == nil {
			return n
		}
	}
	s.mu.Lock()
	s.fail(err)
	s.mu.Unlock()
	s.nudge()
	for _, k := range batch[:n] {
		k.done <- unavailable(err)
	}
	return n
}

// try keeps the first of batch in one segment, and says how many; one at least.
// A bug in it is like a disk that fails: those who wait hear of it.
func (s *Spool) try(batch []*kept) (n int, err error) {
	var g *segment
	n = 1
	now := time.Now()
	s.since.Store(&now)
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %T", v)
		}
		s.since.Store(nil)
		if err != nil && g != nil {
			s.abandon(g, err)
		}
	}()
	if g, err = s.place(batch[0].r.size()); err != nil {
		return n, err
	}
	var b []byte
	b, n = s.encode(batch, g.size-g.tail)
	if err := g.put(b); err != nil {
		return n, err
	}
	s.since.Store(nil) // before anybody hears of it and asks for more
	s.done(g, int64(len(b)), batch[:n])
	return n, nil
}

// place returns the segment to write n bytes to: the active one if they fit,
// else the next one.
func (s *Spool) place(n int) (*segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.active; g != nil && g.size-g.tail >= int64(n) {
		return g, nil
	}
	if err := fault.At(context.Background(), fault.SpoolRotate); err != nil {
		return nil, err
	}
	if len(s.ready) == 0 {
		s.mu.Unlock()
		s.grow.Lock()
		err := s.make(false, false) // below the floor, too: this is what the floor is for
		s.grow.Unlock()
		s.mu.Lock()
		if len(s.ready) == 0 {
			return nil, err
		}
	}
	s.rotate()
	return s.active, nil
}

// rotate goes on to the next segment, which there is. With mu and writing.
func (s *Spool) rotate() {
	if g := s.active; g != nil {
		if err := g.close(); err != nil { // it was synced
			s.log.Warn("closing a segment of the spool failed", "error", err)
		}
		s.full = append(s.full, g)
	}
	s.active, s.ready = s.ready[0], s.ready[1:]
	s.nudge()
}

// encode makes a group of as many as fit into room, in whole blocks.
func (s *Spool) encode(batch []*kept, room int64) (b []byte, n int) {
	now, size := time.Now().Truncate(time.Microsecond).UTC(), 0
	for _, k := range batch {
		if n > 0 && (int64(size+k.r.size()) > room || size > group) {
			break
		}
		size += k.r.size()
		n++
	}
	b = make([]byte, 0, blocks(int64(size)))
	for _, k := range batch[:n] {
		if k.r.Sequence == 0 { // else it has one, from a segment that failed
			k.r.Sequence, k.r.At = s.sequence(), now
		}
		b = encode(b, &k.r)
	}
	return b[:cap(b)][:blocks(int64(size))], n
}

func (s *Spool) sequence() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.next - 1
}

// done notes what is on disk now, and tells those who wait.
func (s *Spool) done(g *segment, n int64, batch []*kept) {
	s.mu.Lock()
	g.tail += n
	for _, k := range batch {
		g.note(k.r)
		s.await(g, k.r)
	}
	s.mend()
	s.mu.Unlock()
	for _, k := range batch {
		k.done <- nil
	}
}

// abandon leaves a segment on which a write or a sync has failed.
func (s *Spool) abandon(g *segment, err error) {
	s.log.Error("writing to the spool failed; going on in another segment", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = nil
	s.full = append(s.full, g)
	s.bury(g)
	s.nudge()
}

// bury renames an abandoned segment, so that it is not written after a restart
// either. If the disk does not even do that, the restart syncs it and sees. With mu.
func (s *Spool) bury(g *segment) {
	_ = g.close() // its error says no more than that of the sync
	if filepath.Ext(g.path) == badExt {
		return
	}
	to := strings.TrimSuffix(g.path, segmentExt) + badExt
	if err := os.Rename(g.path, to); err != nil {
		s.log.Warn("an abandoned segment of the spool could not be renamed", "error", err)
		return
	}
	g.path = to
}

// fail notes that nothing can be kept. With mu, or before anybody else is there.
func (s *Spool) fail(err error) {
	if s.broken == nil {
		s.log.Error("the spool is broken; no call is made until it can be written again", "error", err)
	}
	s.broken = fmt.Errorf("broken: %w", err)
}

// mend notes that it can be written. With mu.
func (s *Spool) mend() {
	if s.broken != nil {
		s.log.Info("the spool can be written again")
		s.broken = nil
	}
}

// make makes a segment ready. Checked: only where floor and size allow it. With
// grow, or before anybody else is there.
func (s *Spool) make(fill, checked bool) error {
	s.mu.Lock()
	number, base, size := s.number, s.next, s.c.Segment
	s.number++
	taken := size
	for _, g := range s.all() {
		taken += g.size
	}
	s.mu.Unlock()
	var err error
	if checked {
		var free int64
		free, err = freeBytes(s.c.Dir)
		switch {
		case err != nil:
		case taken > s.c.Most:
			err = errFull
		case free-size < s.c.Floor:
			err = errFloor
		}
	}
	var g *segment
	if err == nil {
		g, err = makeSegment(s.c.Dir, number, base, size, fill)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cannot = err; err != nil {
		return err
	}
	if s.closed && checked { // nobody waits for it any more
		return errors.Join(errClosed, g.close())
	}
	s.ready = append(s.ready, g)
	return nil
}

// all are the segments there are. With mu.
func (s *Spool) all() []*segment {
	list := append(append([]*segment(nil), s.full...), s.ready...)
	if s.active != nil {
		list = append(list, s.active)
	}
	return list
}
