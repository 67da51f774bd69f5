package spool

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// attemptKey is what an attempt is known by in memory, where there may be many.
type attemptKey [16]byte

func keyOf[T ~string](id T) (k [16]byte) {
	sum := sha256.Sum256([]byte(id))
	copy(k[:], sum[:])
	return k
}

type pendingMark struct {
	in *segment
	at int64 // microseconds
}

// await notes that a receipt is in g and not settled. With mu.
func (s *Spool) await(g *segment, r Receipt) {
	key := attemptKey(keyOf(r.Attempt))
	if old, twice := s.pending[key]; twice {
		old.in.pending--
	}
	g.pending++
	s.pending[key] = pendingMark{g, r.At.UnixMicro()}
	s.most = max(s.most, len(s.pending))
}

// Settle notes that the database has what came of this attempt. It counts for
// what is pending and for what may be removed; that it is forgotten with the
// process does no harm.
func (s *Spool) Settle(a lanyard.AttemptID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := attemptKey(keyOf(a))
	p, ok := s.pending[key]
	if !ok {
		return
	}
	p.in.pending--
	delete(s.pending, key)
	if len(s.pending) == 0 && s.most > 1<<14 { // a map does not give its memory back
		s.pending, s.most = map[attemptKey]pendingMark{}, 0
	}
}

// Receipts calls fn for every receipt of the last day (Config.Keep), and for older
// ones that are not settled, oldest first; settled ones too, since a database may
// lose its last commits. One may be offered twice, after a failed sync. The error
// of fn ends it and is returned; a segment that cannot be opened is another error.
func (s *Spool) Receipts(fn func(Receipt) error) error { return s.receipts(true, fn) }

// Unsettled is Receipts without what is settled. It reads only where something is
// pending, so it may be called often.
func (s *Spool) Unsettled(fn func(Receipt) error) error { return s.receipts(false, fn) }

func (s *Spool) receipts(settled bool, fn func(Receipt) error) error {
	s.mu.Lock()
	var list []*segment
	var until []int64
	for _, g := range s.all() {
		if g.pending > 0 || settled && g.count > 0 {
			g.readers++
			list = append(list, g)
		}
	}
	slices.SortStableFunc(list, func(a, b *segment) int { return cmp.Compare(a.firstSeq, b.firstSeq) })
	for _, g := range list {
		until = append(until, g.tail)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		for _, g := range list {
			g.readers--
		}
		s.mu.Unlock()
	}()
	from := time.Now().Add(-s.c.Keep)
	offered := func(r Receipt) bool { return settled && !r.At.Before(from) || s.awaits(r.Attempt) }
	for i, g := range list {
		if err := s.read(g, until[i], offered, fn); err != nil {
			return err
		}
	}
	return nil
}

// read calls fn for what is to be offered of the first n bytes of g.
func (s *Spool) read(g *segment, n int64, offered func(Receipt) bool, fn func(Receipt) error) error {
	b, lost, err := s.readSegment(g)
	if err != nil {
		return unavailable(fmt.Errorf("read spool: %w", err))
	}
	if lost > 0 {
		s.log.Error("the disk does not give back a part of the spool", "blocks", lost)
	}
	b = b[min(block, len(b)):min(n, int64(len(b)))]
	_, err = scan(b, func(r Receipt, _ int) error {
		if !offered(r) {
			return nil
		}
		if err := fault.At(context.Background(), fault.SpoolReplay); err != nil {
			return unavailable(err)
		}
		return fn(r)
	})
	return err
}

// readSegment reads its file, which may get another name meanwhile.
func (s *Spool) readSegment(g *segment) (b []byte, lost int, err error) {
	for range 2 {
		s.mu.Lock()
		path := g.path
		s.mu.Unlock()
		if b, lost, err = readFile(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return b, lost, err
}

func (s *Spool) awaits(a lanyard.AttemptID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, is := s.pending[keyOf(a)]
	return is
}

// PendingBesides is how many receipts are pending but for those of these attempts.
func (s *Spool) PendingBesides(attempts []lanyard.AttemptID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.pending)
	for _, a := range attempts {
		if _, is := s.pending[keyOf(a)]; is {
			n--
		}
	}
	return n
}

// Status is how a spool is.
type Status struct {
	Dir           string
	State         string // ok, below_floor, full, stalled, broken, closed
	Why           string // what is behind a state that is not ok; holds no secret
	Segments      int
	Bytes         int64 // that they take
	Receipts      int   // that are there
	Rooms         int   // set aside for calls that run
	Pending       int   // receipts that are not settled
	OldestPending time.Time
	Damaged       int   // stretches that were skipped when it was opened
	Marks         int   // grants with a mark
	Free          int64 // of the disk
	Floor         int64
}

// Status says how it is.
func (s *Spool) Status() Status {
	free, err := freeBytes(s.c.Dir)
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Dir: s.c.Dir, State: "ok", Rooms: s.rooms, Pending: len(s.pending), Damaged: s.damaged,
		Marks: s.marks.count(), Free: free, Floor: max(s.c.Floor, 0)}
	for _, g := range s.all() {
		st.Segments++
		st.Bytes += g.size
		st.Receipts += g.count
	}
	oldest := int64(0)
	for _, p := range s.pending {
		if oldest == 0 || p.at < oldest {
			oldest = p.at
		}
	}
	if oldest != 0 {
		st.OldestPending = time.UnixMicro(oldest).UTC()
	}
	switch {
	case s.closed:
		st.State, err = "closed", errClosed
	case s.broken != nil:
		st.State, err = "broken", s.broken
	case s.isStalled():
		st.State, err = "stalled", errStalled
	case err != nil:
		st.State = "broken"
	case free < s.c.Floor:
		st.State, err = "below_floor", errFloor
	case s.slots() <= s.rooms && s.cannot != nil:
		st.State, err = "full", s.cannot
	}
	if err != nil {
		st.Why = err.Error()
	}
	return st
}
