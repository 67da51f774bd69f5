package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// checkpointer moves what was committed from SQLite's log into its database, in
// the background. SQLite by itself does it inside the commit that happens to be
// the thousandth, which then takes a hundred times as long, for everybody.
//
// While commits go on, some of the log is always left, and the log cannot begin
// anew. So the little that remains at the end is moved between two commits.
type checkpointer struct {
	path    string // of the database
	log     *slog.Logger
	pool    *sql.DB
	wake    chan struct{}
	stopped chan struct{}

	since int         // pages since the last time, about; of the writer's goroutine
	rest  atomic.Bool // what remains is small enough
}

const (
	checkpointEvery = 5000 // pages, 20 MB
	checkpointRest  = 256  // pages that may well be moved between two commits
)

func newCheckpointer(path string, log *slog.Logger) (*checkpointer, error) {
	pool, err := sql.Open("sqlite", liteURL(path, ""))
	if err != nil {
		return nil, fmt.Errorf("open checkpointer: %w", err)
	}
	pool.SetMaxOpenConns(1)
	c := &checkpointer{path: path, log: log, pool: pool, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go c.run()
	return c, nil
}

// after is called by the writer after each commit, with its own connection.
func (c *checkpointer) after(conn *liteConn, readers *snapshots, batch []*job) {
	if c.rest.CompareAndSwap(true, false) {
		release := readers.hold()
		if _, err := conn.exec(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", nil); err != nil {
			c.log.Warn("checkpoint", "error", err) // the next one does it
		}
		release()
	}
	c.since += 2
	for _, j := range batch {
		if c.since++; j.entry == nil {
			c.since += 8 // a change goes to several tables and their indexes
		}
	}
	if c.since < checkpointEvery {
		return
	}
	c.since = 0
	select {
	case c.wake <- struct{}{}:
	default: // one is under way
	}
}

func (c *checkpointer) run() {
	defer close(c.stopped)
	for range c.wake {
		for range 4 {
			left, err := c.pass()
			if err != nil {
				c.log.Warn("checkpoint", "error", err) // the next one does it
				break
			}
			c.rest.Store(true)
			if left <= checkpointRest {
				break
			}
		}
	}
}

// pass moves what it can and returns how many pages are left. Who still reads
// from the log, or moves it, is not waited for.
func (c *checkpointer) pass() (left int64, err error) {
	var busy, pages, moved int64
	err = c.pool.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &moved)
	return pages - moved, err
}

func (c *checkpointer) close() error {
	close(c.wake)
	<-c.stopped
	return c.pool.Close()
}
