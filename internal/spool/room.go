package spool

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// Receipt is what a provider answered to one attempt, sealed, and where it belongs.
type Receipt struct {
	Sequence   uint64    // given by Keep
	At         time.Time // given by Keep
	Attempt    lanyard.AttemptID
	Project    lanyard.ProjectID
	App        lanyard.AppID
	Grant      lanyard.GrantID
	Flow       lanyard.FlowID
	Kind       lanyard.AttemptKind
	Family     string
	Generation int64
	Sealed     []byte // at most MaxSealed
}

// Room is disk space set aside for one receipt.
type Room struct {
	s    *Spool
	gone atomic.Bool
}

var (
	errClosed  = errors.New("the spool is closed")
	errFloor   = errors.New("less of the disk is free than the floor")
	errFull    = errors.New("the spool takes all it may, and nothing in it can go yet")
	errStalled = errors.New("a write has been under way for too long")
)

// stalled is how long a write may take before no new call is made on it.
const stalled = 15 * time.Second

// Reserve sets room aside for one receipt of the largest size, on blocks that
// are allocated. Where it cannot, no call is to be made (I2, I20): its error is
// spool_unavailable.
func (s *Spool) Reserve() (*Room, error) {
	if err := fault.At(context.Background(), fault.SpoolReserve); err != nil {
		return nil, unavailable(err)
	}
	for {
		free, disk := freeBytes(s.c.Dir)
		s.mu.Lock()
		err := s.refuses(free, disk)
		if err == nil && s.slots() > s.rooms {
			s.rooms++
			s.peak = max(s.peak, s.rooms)
			s.mu.Unlock()
			return &Room{s: s}, nil
		}
		s.mu.Unlock()
		if err == nil {
			err = s.enlarge()
		}
		if err != nil {
			s.nudge()
			return nil, unavailable(err)
		}
	}
}

// refuses says why no call may begin, with this much of the disk free. With mu.
func (s *Spool) refuses(free int64, disk error) error {
	switch {
	case s.closed:
		return errClosed
	case s.broken != nil:
		return s.broken
	case s.isStalled():
		return errStalled
	case disk == nil && free < s.c.Floor:
		return errFloor
	}
	return disk
}

func (s *Spool) isStalled() bool {
	since := s.since.Load()
	return since != nil && time.Since(*since) > stalled
}

// slots is for how many receipts of the largest size there is room, one whole
// segment left aside for the day that a sync fails. With mu.
func (s *Spool) slots() int {
	n, spare := 0, int((s.c.Segment-block)/maxRecord)
	for _, g := range s.ready {
		n += g.slots()
	}
	if s.active != nil {
		n += s.active.slots()
	}
	return n - spare
}

// enlarge makes room for more, where somebody waits for it.
func (s *Spool) enlarge() error {
	s.grow.Lock()
	defer s.grow.Unlock()
	s.mu.Lock()
	enough := s.slots() > s.rooms // somebody else was faster
	s.mu.Unlock()
	if enough {
		return nil
	}
	return s.make(false, true)
}

// Keep writes the receipt; it is on disk when it returns nil. It is called once.
// An error promises nothing: the spool has moved to another segment or is broken.
func (r *Room) Keep(receipt Receipt) error {
	if !r.gone.CompareAndSwap(false, true) {
		return lanyard.Errorf(lanyard.CodeInternal, "room in the spool was used before")
	}
	s := r.s
	defer s.leave()
	if !receipt.fits() {
		return lanyard.Errorf(lanyard.CodeInternal, "receipt is too large for the spool")
	}
	k := &kept{r: receipt, done: make(chan error, 1)}
	k.r.Sequence = 0
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return unavailable(errClosed)
	}
	s.queue = append(s.queue, k)
	s.work.Signal()
	s.mu.Unlock()
	return <-k.done
}

// Release gives the room back. It may be called again, and after Keep.
func (r *Room) Release() {
	if r.gone.CompareAndSwap(false, true) {
		r.s.leave()
	}
}

func (s *Spool) leave() {
	s.mu.Lock()
	s.rooms--
	s.mu.Unlock()
}
