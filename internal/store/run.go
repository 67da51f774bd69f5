package store

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"lanyard"
)

// Update makes a change and its audit entry, in one transaction. An entry with
// What == "" is none. See the package for what happens to errors and panics.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) (lanyard.Entry, error)) error {
	return db.back.update(ctx, opening{}, fn)
}

// UpdateByClock is Update for a change that is ready before it begins: its Now is
// Clock, and PostgreSQL is not asked for its own, which costs a round trip.
func (db *DB) UpdateByClock(ctx context.Context, fn func(tx *Tx) (lanyard.Entry, error)) error {
	return db.back.update(ctx, opening{byClock: true}, fn)
}

// Bookkeep makes a change that the log does not record.
func (db *DB) Bookkeep(ctx context.Context, fn func(tx *Tx) error) error {
	return db.back.update(ctx, opening{}, func(tx *Tx) (lanyard.Entry, error) { return lanyard.Entry{}, fn(tx) })
}

// View reads, outside any transaction, what the log does not record.
func (db *DB) View(ctx context.Context, fn func(q *Query) error) error {
	return db.query(ctx, fn)
}

// query calls fn with what reads. A database that is somewhere else may be silent
// for ever, so it is given no longer than a transaction is.
func (db *DB) query(ctx context.Context, fn func(q *Query) error) error {
	if db.d.local {
		return fn(&Query{ctx: ctx, c: db.reads, d: db.d})
	}
	run, stop := context.WithTimeout(ctx, patience)
	defer stop()
	err := fn(&Query{ctx: run, c: db.reads, d: db.d})
	if ctx.Err() != nil {
		return err
	}
	return mine(run, err)
}

// Read reads, and returns when the entry that records it is durable. An entry
// with What == "" is none, and costs nothing.
func (db *DB) Read(ctx context.Context, fn func(q *Query) (lanyard.Entry, error)) error {
	var e lanyard.Entry
	err := db.query(ctx, func(q *Query) (err error) {
		e, err = fn(q)
		return err
	})
	if e.What == "" {
		return err
	}
	return db.record(ctx, honest(e, err), err)
}

// record commits an entry on its own, and returns err; or, where that does not
// work, that: an answer, refusals included, leaves only after its entry is durable.
func (db *DB) record(ctx context.Context, e lanyard.Entry, err error) error {
	if bad := checkEntry(e); bad != nil {
		return bad
	}
	if failed := db.back.append(ctx, &e); failed != nil {
		return fmt.Errorf("append %s to the audit log: %w", e.What, failed)
	}
	return lanyard.Recorded(err)
}

// outcome is what became of a function: its entry, its error, or no return at all.
type outcome struct {
	entry lanyard.Entry
	err   error
}

// run calls fn and writes its entries. A panic is an error afterwards: one
// request fails, and the transaction it shares with others goes on. Its value
// may be anything, a secret too, so only runtime errors are logged in words.
func (db *DB) run(tx *Tx, fn func(*Tx) (lanyard.Entry, error), report func(outcome)) {
	out := outcome{err: fmt.Errorf("store: the function ended its goroutine")} // runtime.Goexit, as t.Fatal does
	defer func() {
		if v := recover(); v != nil {
			what := fmt.Sprintf("%T", v)
			if e, ok := v.(runtime.Error); ok {
				what = e.Error()
			}
			db.log.Error("panic in a transaction; it was rolled back", "panic", what, "stack", string(debug.Stack()))
			out = outcome{err: fmt.Errorf("store: panic in a transaction: %s", what)}
		}
		report(out)
	}()
	e, err := fn(tx)
	if err == nil {
		err = tx.writeEntries(e)
	}
	out = outcome{honest(e, err), err}
}

// honest is the entry of what did not work: whatever was to be said of it, it is not that it did.
func honest(e lanyard.Entry, err error) lanyard.Entry {
	if err != nil && e.What != "" && e.Code == "" {
		return e.Failed(err)
	}
	return e
}

// writeEntries appends, inside the transaction, what it is to be remembered by.
func (tx *Tx) writeEntries(e lanyard.Entry) error {
	entries := tx.entries
	if e.What != "" {
		entries = append(slices.Clip(entries), e)
	}
	if len(entries) == 0 {
		return nil
	}
	rows := make([]*lanyard.Entry, len(entries))
	for i := range entries {
		if err := checkEntry(entries[i]); err != nil {
			return err
		}
		rows[i] = &entries[i]
	}
	if t, ok := tx.c.(interface{ end() }); ok {
		t.end()
	}
	var none *minutes // what this transaction writes may be rolled back, so nothing is remembered
	if err := tx.d.addEntries(tx.ctx, tx.c, rows, none.missing(rows), tx.now); err != nil {
		return fmt.Errorf("append to the audit log: %w", tx.d.explain(err))
	}
	return nil
}

// refusal says whether what a function returned is a refusal that is on record.
// A panic or a failure of the store is not.
func (o outcome) refusal() bool { return o.err != nil && o.entry.What != "" }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
