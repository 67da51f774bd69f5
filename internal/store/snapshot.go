package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"lanyard"
)

// snapshots are the readers of single rows on SQLite. After every commit SQLite
// forgets all pages that a reader has in memory, although most commits only
// append to the log, which is no business of these readers. So while many read
// at once, a reader stays inside its read transaction, and begins a new one when
// a change was committed since. Only this process writes the database, so it
// knows when: what is read is never older than the last change that was answered.
//
// A transaction that stays open keeps SQLite's log from beginning anew. So it
// stays for a moment only, and the checkpointer can end them all (hold).
type snapshots struct {
	pool     *sql.DB
	free     chan *snapshot
	changes  atomic.Int64 // commits that changed something besides the log
	busy     atomic.Bool  // many read at once
	sweeping atomic.Bool
	closed   atomic.Bool
}

// snapshot is one of those readers; who has taken it uses it alone.
type snapshot struct {
	*liteConn      // nil: none yet
	open      bool // inside a transaction
	seen      int64
	began     time.Time
}

// errUnfinished is how a query ends that never returns.
var errUnfinished = errors.New("the query did not end")

const (
	snapshotReaders = 2
	snapshotLife    = 20 * time.Millisecond
	snapshotFrom    = 4 // entries in one commit: many read at once
)

func newSnapshots(pool *sql.DB) *snapshots {
	s := &snapshots{pool: pool, free: make(chan *snapshot, snapshotReaders)}
	for range snapshotReaders {
		s.free <- &snapshot{}
	}
	return s
}

// with calls fn with a reader that sees every change which was committed before.
func (s *snapshots) with(ctx context.Context, fn func(*snapshot) error) error {
	r := <-s.free
	failed := error(errUnfinished) // by a panic
	defer func() { s.give(r, failed) }()
	if failed = s.ready(ctx, r); failed != nil {
		return explainSQLite(failed)
	}
	failed = errUnfinished
	err := fn(r)
	if failed = err; errors.Is(err, lanyard.NotFound) {
		failed = nil
	}
	return err
}

func (s *snapshots) ready(ctx context.Context, r *snapshot) (err error) {
	if s.closed.Load() {
		return unavailable(errClosed, time.Second)
	}
	if r.liteConn == nil {
		c, err := s.pool.Conn(ctx)
		if err != nil {
			return err
		}
		r.liteConn = newLiteConn(s.pool, c)
	}
	changes := s.changes.Load()
	if r.open && (r.seen != changes || time.Since(r.began) > snapshotLife) {
		if err := r.end(ctx); err != nil {
			return err
		}
	}
	if r.open || !s.busy.Load() {
		return nil
	}
	if _, err := r.exec(ctx, "BEGIN", nil); err != nil {
		return err
	}
	r.open, r.seen, r.began = true, changes, time.Now()
	if s.sweeping.CompareAndSwap(false, true) {
		time.AfterFunc(snapshotLife, s.sweep)
	}
	return nil
}

// give returns a reader; failed says that its last query did not go well.
func (s *snapshots) give(r *snapshot, failed error) {
	if failed != nil {
		if r.open {
			failed = errors.Join(failed, r.end(context.Background()))
		}
		if errors.Is(failed, driver.ErrBadConn) || errors.Is(failed, sql.ErrConnDone) {
			_ = r.forget() // it is broken; the next who takes it opens another
		}
	}
	s.free <- r
}

func (r *snapshot) end(ctx context.Context) error {
	r.open = false
	_, err := r.exec(ctx, "COMMIT", nil)
	return err
}

// forget closes the connection, not the pool.
func (r *snapshot) forget() error {
	if r.liteConn == nil {
		return nil
	}
	err := r.liteConn.forget()
	r.liteConn, r.open = nil, false
	return err
}

// sweep ends transactions that have lived long enough and that nobody uses.
func (s *snapshots) sweep() {
	s.sweeping.Store(false)
	again := false
	for range snapshotReaders {
		select {
		case r := <-s.free:
			var err error
			if r.open && time.Since(r.began) > snapshotLife {
				err = r.end(context.Background())
			}
			again = again || r.open
			s.give(r, err)
		default: // in use: whoever takes it next looks
			again = true
		}
	}
	if again && s.sweeping.CompareAndSwap(false, true) {
		time.AfterFunc(snapshotLife, s.sweep)
	}
}

// committed is called by the writer after each commit, before anybody is told.
func (s *snapshots) committed(changes, entries int) {
	if changes > 0 {
		s.changes.Add(1)
	}
	s.busy.Store(entries >= snapshotFrom)
}

// hold ends all transactions and keeps new ones away until release is called.
func (s *snapshots) hold() (release func()) {
	var held [snapshotReaders]*snapshot
	var errs [snapshotReaders]error
	for i := range held {
		held[i] = <-s.free
		if held[i].open {
			errs[i] = held[i].end(context.Background())
		}
	}
	return func() {
		for i := range held {
			s.give(held[i], errs[i])
		}
	}
}

func (s *snapshots) close() error {
	s.closed.Store(true)
	var errs []error
	for range snapshotReaders {
		r := <-s.free
		if r.open {
			errs = append(errs, r.end(context.Background()))
		}
		errs = append(errs, r.forget())
		defer func() { s.free <- r }() // whoever comes still is told
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close readers: %w", err)
	}
	return nil
}
