package spool

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lanyard"
)

// Config says where a spool is, and how much it may take. One process at a time
// has the directory; the lock of the data directory sees to that.
type Config struct {
	Dir     string        // made if it is not there, for this user only
	Floor   int64         // bytes of the disk that must stay free for a call to be made; 0: 256 MiB, < 0: none
	Most    int64         // bytes that it may take; 0: 4 GiB
	Segment int64         // bytes of a new segment; 0: 16 MiB
	Keep    time.Duration // how long receipts stay; 0: 24 h
	Check   time.Duration // between two looks at disk and age; 0: 5 s
	Logger  *slog.Logger
}

// Spool holds receipts and marks. All its methods may be called at the same time.
type Spool struct {
	c   Config
	log *slog.Logger

	mu      sync.Mutex
	work    sync.Cond                  // the queue has something, or closed
	queue   []*kept                    // for the committer
	rooms   int                        // outstanding
	peak    int                        // the most of them since upkeep last looked
	active  *segment                   // written now; nil: none yet, or abandoned
	ready   []*segment                 // empty, in the order they will be used
	full    []*segment                 // done with, oldest first; abandoned ones too
	pending map[attemptKey]pendingMark // not settled
	most    int                        // the most pending ever since that map was made
	next    uint64                     // sequence
	number  uint64                     // of the next file
	damaged int
	broken  error // why nothing can be kept; nil: it can
	cannot  error // why the last segment that was wanted could not be made
	closed  bool

	grow    sync.Mutex                // one segment is made at a time
	writing sync.Mutex                // held while the active segment is written or left
	since   atomic.Pointer[time.Time] // when the write began that runs now; nil: none

	marks marks

	kick      chan struct{} // upkeep has to look
	stop      chan struct{}
	committed chan struct{} // the committer has ended
	ended     chan struct{} // upkeep has ended
}

// Open opens the spool in c.Dir and reads what an earlier run has left. What was
// torn there is skipped. Its error is not about records but about the disk:
// spool_unavailable.
func Open(c Config) (*Spool, error) {
	if c.Floor == 0 {
		c.Floor = 256 << 20
	}
	if c.Most == 0 {
		c.Most = 4 << 30
	}
	if c.Segment == 0 {
		c.Segment = 16 << 20
	}
	c.Segment = max(blocks(c.Segment), block+maxRecord)
	if c.Keep == 0 {
		c.Keep = 24 * time.Hour
	}
	if c.Check == 0 {
		c.Check = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Spool{c: c, log: c.Logger, pending: map[attemptKey]pendingMark{}, next: 1, number: 1,
		kick: make(chan struct{}, 1), stop: make(chan struct{}), committed: make(chan struct{}), ended: make(chan struct{})}
	s.work.L = &s.mu
	if err := s.load(); err != nil {
		return nil, errors.Join(unavailable(fmt.Errorf("open spool: %w", err)), s.closeFiles())
	}
	go s.commit()
	go s.upkeep()
	return s, nil
}

// load reads the directory, and sees to it that there is something to write to.
func (s *Spool) load() error {
	if err := os.MkdirAll(s.c.Dir, 0o700); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(s.c.Dir)); err != nil {
		return err
	}
	if err := os.Chmod(s.c.Dir, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(s.c.Dir)
	if err != nil {
		return err
	}
	for _, f := range files { // by name, which is by number
		path, ext := filepath.Join(s.c.Dir, f.Name()), filepath.Ext(f.Name())
		switch ext {
		case newExt:
			if err := os.Remove(path); err != nil {
				return err
			}
		case segmentExt, badExt:
			if err := s.loadSegment(path, ext == badExt); err != nil {
				return err
			}
		}
	}
	if s.damaged > 0 {
		s.log.Warn("the spool holds records that are torn or damaged; the others are read", "stretches", s.damaged)
	}
	s.resume()
	// The disk may be full, or gone: that is for Reserve to say, as ever after.
	for s.active == nil && len(s.ready) < 2 || s.active != nil && len(s.ready) < 1 {
		if err := s.make(false, false); err != nil {
			s.fail(err)
			break
		}
	}
	return s.marks.open(s.c.Dir)
}

func (s *Spool) loadSegment(path string, bad bool) error {
	var read []Receipt
	g, base, damaged, err := load(path, func(r Receipt) {
		r.Sealed = nil
		read = append(read, r)
	})
	if err != nil {
		return err
	}
	var number uint64
	if _, err := fmt.Sscanf(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), "%x", &number); err == nil {
		s.number = max(s.number, number+1)
	}
	s.damaged += damaged
	s.next = max(s.next, base, g.lastSeq+1)
	for _, r := range read {
		s.await(g, r)
	}
	if g.count == 0 && g.tail == block && g.slots() > 0 && !bad {
		s.ready = append(s.ready, g)
	} else {
		s.full = append(s.full, g)
	}
	return nil
}

// resume goes on with the segment that was written last, if it takes more. What
// it holds is synced first: of what a killed process has written, nobody knows
// whether it is on disk.
func (s *Spool) resume() {
	slices.SortStableFunc(s.full, func(a, b *segment) int { return cmp.Compare(a.lastSeq, b.lastSeq) })
	if n := len(s.full); n > 0 {
		last := s.full[n-1]
		if filepath.Ext(last.path) == segmentExt {
			if err := last.open(); err != nil || syncData(last.file) != nil {
				s.bury(last)
			} else if last.slots() > 0 {
				s.active, s.full = last, s.full[:n-1]
			} else {
				_ = last.close() // it was synced
			}
		}
	}
	s.ready = slices.DeleteFunc(s.ready, func(g *segment) bool {
		if err := g.open(); err != nil {
			s.full = append(s.full, g)
			return true
		}
		return false
	})
}

// Close ends it. Answers that are being kept are kept; what comes later is refused.
func (s *Spool) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.work.Broadcast()
	s.mu.Unlock()
	if was {
		return nil
	}
	<-s.committed
	close(s.stop)
	<-s.ended
	return errors.Join(s.marks.close(), s.closeFiles())
}

func (s *Spool) closeFiles() error {
	var errs []error
	for _, g := range append(slices.Clone(s.ready), s.active) {
		if g != nil {
			errs = append(errs, g.close())
		}
	}
	return errors.Join(errs...)
}

// unavailable is an error of ours for what the disk says.
func unavailable(err error) error {
	return &lanyard.Error{Code: lanyard.CodeSpoolUnavailable, RetryAfter: 5 * time.Second, Err: err}
}
