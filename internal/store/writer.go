package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// batchMax is how much goes into one commit.
const batchMax = 128

// job waits for the committer: a function to be run in its turn, or an entry.
type job struct {
	entry *lanyard.Entry // nil: a function
	taken atomic.Bool    // by the committer, or by its caller who gives up: whoever is first
	turn  chan *Tx       // the transaction, when the function's turn has come
	ran   chan outcome   // the function has returned
	done  chan error     // committed, or not
}

func newJob(e *lanyard.Entry) *job {
	j := &job{entry: e, done: make(chan error, 1)}
	if e == nil {
		j.turn, j.ran = make(chan *Tx), make(chan outcome)
	}
	return j
}

// queue hands jobs to the one goroutine that commits.
type queue struct {
	jobs   chan *job
	stop   chan struct{}
	once   sync.Once
	exited chan struct{}
}

func newQueue() *queue {
	return &queue{jobs: make(chan *job, 4*batchMax), stop: make(chan struct{}), exited: make(chan struct{})}
}

var errClosed = errors.New("the store is closed")

// put queues a job, unless the caller's context or the store has ended.
func (q *queue) put(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-q.stop:
		return unavailable(errClosed, time.Second)
	default:
	}
	select {
	case q.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-q.stop:
		return unavailable(errClosed, time.Second)
	}
}

// append queues an entry and waits for its commit.
func (q *queue) append(ctx context.Context, e *lanyard.Entry) error {
	j := newJob(e)
	if err := q.put(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-q.exited:
		return j.leftBehind()
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err() // not written
		}
		return <-j.done
	}
}

// leftBehind is for a job that was queued while the committer was leaving.
func (j *job) leftBehind() error {
	select {
	case err := <-j.done:
		return err
	default:
		return unavailable(errClosed, time.Second)
	}
}

// serve takes what is waiting, up to batchMax, and commits it, until the store
// is closed; what is queued by then is committed first. It does not wait for
// company: a batch is what came while the one before was being committed.
func (q *queue) serve(commit func([]*job)) {
	defer close(q.exited)
	batch := make([]*job, 0, batchMax)
	for {
		batch = batch[:0]
		select {
		case j := <-q.jobs:
			batch = append(batch, j)
		case <-q.stop:
			select {
			case j := <-q.jobs:
				batch = append(batch, j)
			default:
				return
			}
		}
		// Who is about to queue something comes along, if a processor is all they
		// need: a commit costs the same for one and for thirty. Who is alone has
		// waited for nobody.
		runtime.Gosched()
		for more := true; more && len(batch) < batchMax; {
			select {
			case j := <-q.jobs:
				batch = append(batch, j)
			default:
				more = false
			}
		}
		live := batch[:0]
		for _, j := range batch {
			if j.taken.CompareAndSwap(false, true) {
				live = append(live, j)
			}
		}
		if len(live) > 0 {
			commit(live)
		}
	}
}

func (q *queue) close() {
	q.once.Do(func() { close(q.stop) })
	<-q.exited
}

// writer is SQLite's one writing connection and the goroutine that owns it.
type writer struct {
	*queue
	db      *DB
	conn    *liteConn
	check   *checkpointer
	readers *litePool
	minutes minutes
	written []entryMinute // by the transaction that runs
}

// update queues a function and runs it here, on the goroutine of its caller,
// when the writer says so: its panic and its stack are the caller's own.
func (w *writer) update(ctx context.Context, _ opening, fn func(*Tx) (lanyard.Entry, error)) error {
	j := newJob(nil)
	if err := w.put(ctx, j); err != nil {
		return err
	}
	var tx *Tx
	select {
	case tx = <-j.turn:
	case err := <-j.done:
		return err
	case <-w.exited:
		return j.leftBehind()
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err() // never ran
		}
		select {
		case tx = <-j.turn:
		case err := <-j.done:
			return err
		}
	}
	tx.ctx = context.WithoutCancel(ctx)
	w.db.run(tx, fn, func(o outcome) { j.ran <- o })
	return <-j.done
}

// commit runs a batch in one transaction.
func (w *writer) commit(batch []*job) {
	ctx := context.Background()
	now := w.db.Clock()
	w.written = w.written[:0]
	if err := fault.At(ctx, fault.StoreBegin); err != nil {
		w.fail(ctx, batch, unavailable(err, time.Second))
		return
	}
	if _, err := w.conn.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		w.fail(ctx, batch, fmt.Errorf("begin: %w", explainSQLite(err)))
		return
	}
	results := make([]error, len(batch))
	var entries []*lanyard.Entry
	var waiting []int // whose entry each of them is
	changes := 0
	for i, j := range batch {
		e := j.entry
		if e == nil {
			changes++
			out, err := w.turn(ctx, j, now)
			if err != nil {
				w.fail(ctx, batch, err)
				return
			}
			if results[i] = out.err; !out.refusal() {
				continue
			}
			if err := checkEntry(out.entry); err != nil {
				results[i] = err
				continue
			}
			results[i] = lanyard.Recorded(out.err)
			e = &out.entry
		}
		entries, waiting = append(entries, e), append(waiting, i)
	}
	alone := changes == 0 // nobody's change is undone with them, so they need no savepoint
	if alone {
		if err := fault.At(ctx, fault.StoreEntries); err != nil {
			w.fail(ctx, batch, unavailable(err, time.Second))
			return
		}
		rows := w.minutes.missing(entries)
		if err := addEntriesRows(ctx, w.conn, entries, rows, now); err == nil {
			w.written = append(w.written, rows...)
		} else if err := w.again(ctx); err != nil {
			w.fail(ctx, batch, err)
			return
		} else {
			alone = false
		}
	}
	if !alone {
		if err := w.appendAll(ctx, entries, waiting, results, now); err != nil {
			w.fail(ctx, batch, err)
			return
		}
	}
	if err := fault.At(ctx, fault.StoreCommit); err != nil {
		w.fail(ctx, batch, unavailable(err, time.Second))
		return
	}
	if _, err := w.conn.exec(ctx, "COMMIT", nil); err != nil {
		w.fail(ctx, batch, fmt.Errorf("commit: %w", explainSQLite(err)))
		return
	}
	w.minutes.committed(w.written)
	w.readers.single.committed(changes, len(entries))
	w.db.stats.committed(changes, len(entries))
	if err := fault.At(ctx, fault.StoreReply); err != nil {
		for i := range results {
			results[i] = unavailable(err, time.Second)
		}
	}
	for i, j := range batch {
		j.done <- results[i]
	}
}

// again begins the transaction anew, after something in it has failed.
func (w *writer) again(ctx context.Context) error {
	if _, err := w.conn.exec(ctx, "ROLLBACK", nil); err != nil {
		w.db.log.Debug("roll back", "error", err) // SQLite has done so already
	}
	if _, err := w.conn.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		return fmt.Errorf("begin: %w", explainSQLite(err))
	}
	return nil
}

// turn lets one function run in its savepoint. The error is for what breaks the
// whole batch: SQLite undoes a transaction on its own when the disk is full, and
// a savepoint that is gone is how we know.
func (w *writer) turn(ctx context.Context, j *job, now time.Time) (outcome, error) {
	if _, err := w.conn.exec(ctx, "SAVEPOINT one", nil); err != nil {
		return outcome{}, fmt.Errorf("savepoint: %w", unavailable(err, time.Second))
	}
	j.turn <- &Tx{Query: Query{c: w.conn, d: w.db.d, now: now}}
	out := <-j.ran
	if out.err != nil {
		return out, w.undo(ctx)
	}
	if _, err := w.conn.exec(ctx, "RELEASE one", nil); err != nil {
		return out, fmt.Errorf("release: %w", unavailable(err, time.Second))
	}
	return out, nil
}

func (w *writer) undo(ctx context.Context) error {
	for _, s := range []string{"ROLLBACK TO one", "RELEASE one"} {
		if _, err := w.conn.exec(ctx, s, nil); err != nil {
			return fmt.Errorf("undo: %w", unavailable(err, time.Second))
		}
	}
	return nil
}

// appendAll writes the batch's entries together; if that fails, one by one, so
// that one that cannot be written is the only one.
func (w *writer) appendAll(ctx context.Context, entries []*lanyard.Entry, waiting []int, results []error, now time.Time) error {
	if len(entries) == 0 {
		return nil
	}
	err := w.appendSome(ctx, entries, now)
	if err == nil {
		return nil
	}
	for i, e := range entries {
		if len(entries) > 1 {
			err = w.appendSome(ctx, []*lanyard.Entry{e}, now)
		}
		if err == nil {
			continue
		}
		if errors.Is(err, errBroken) {
			return err
		}
		results[waiting[i]] = fmt.Errorf("append to the audit log: %w", err)
	}
	return nil
}

// errBroken marks an error after which the transaction is gone.
var errBroken = errors.New("the transaction is gone")

func (w *writer) appendSome(ctx context.Context, entries []*lanyard.Entry, now time.Time) error {
	if _, err := w.conn.exec(ctx, "SAVEPOINT one", nil); err != nil {
		return unavailable(fmt.Errorf("%w: %w", errBroken, err), time.Second)
	}
	rows := w.minutes.missing(entries)
	if err := addEntriesRows(ctx, w.conn, entries, rows, now); err != nil {
		if gone := w.undo(ctx); gone != nil {
			return unavailable(fmt.Errorf("%w: %w", errBroken, err), time.Second)
		}
		return explainSQLite(err)
	}
	if _, err := w.conn.exec(ctx, "RELEASE one", nil); err != nil {
		return unavailable(fmt.Errorf("%w: %w", errBroken, err), time.Second)
	}
	w.written = append(w.written, rows...)
	return nil
}

// fail undoes the transaction and tells everybody in it. Functions that have not
// had their turn never ran.
func (w *writer) fail(ctx context.Context, batch []*job, err error) {
	w.db.stats.failed.Add(1)
	w.db.log.Error("a batch was not committed", "jobs", len(batch), "error", err)
	if _, undo := w.conn.exec(ctx, "ROLLBACK", nil); undo != nil {
		w.db.log.Debug("roll back", "error", undo) // SQLite has done so already
	}
	for _, j := range batch {
		j.done <- err
	}
}

func (w *writer) ping(ctx context.Context) error {
	var one int
	rows, err := w.readers.query(ctx, "SELECT 1", nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&one); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (w *writer) close() error {
	w.queue.close()
	return errors.Join(w.check.close(), w.conn.close(), w.readers.close())
}
