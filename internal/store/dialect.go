package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"lanyard"
)

// dialect is all that the two databases do not have in common.
type dialect struct {
	name       string // "sqlite" or "postgres"
	readClock  func(q *Query) (time.Time, error)
	explain    func(error) error // the driver's error as ours
	addEntries func(ctx context.Context, c conn, entries []*lanyard.Entry, minutes []entryMinute, at time.Time) error
	hasTable   string // how many tables are called $1
	renewable  string // Query.Renewable, with the clock
	hasMember  string // whether the JSON object in a column has a member (its argument) with a value (likewise)
	inOrder    string // ends a SELECT of ids, of rows that are locked one after the other by it: who locks several does it in one order

	// incarnation is the run of the server. All servers of one cluster share the
	// identifier; when each began, to the microsecond, they do not.
	incarnation string
	lastRun     atomic.Pointer[string] // the incarnation that was read last

	// local: a single row takes microseconds, and watching the caller's context
	// meanwhile costs more, three goroutines, than there is to cancel.
	local bool
}

func sqliteDialect(clock func() time.Time) *dialect {
	return &dialect{
		name:        "sqlite",
		readClock:   func(*Query) (time.Time, error) { return clock(), nil },
		renewable:   fmt.Sprintf(selectRenewable, "0"),
		hasMember:   `(%[1]s <> '' AND EXISTS (SELECT 1 FROM json_each(CASE WHEN %[1]s = '' THEN '{}' ELSE %[1]s END) m WHERE m.key = $%[2]d AND m.value = $%[3]d))`,
		explain:     explainSQLite,
		addEntries:  addEntriesRows,
		hasTable:    `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`,
		incarnation: `SELECT 'sqlite'`,
		local:       true,
	}
}

const serverStart = `(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text`

const clockMicros = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

func postgresDialect() *dialect {
	return &dialect{
		name: "postgres",
		readClock: func(q *Query) (time.Time, error) {
			return get(q, func(r row, t *time.Time) error { return r.Scan(asTime{t}) }, `SELECT `+clockMicros)
		},
		renewable:   fmt.Sprintf(selectRenewable, clockMicros),
		hasMember:   `CASE WHEN %[1]s = '' THEN NULL ELSE %[1]s::jsonb END ->> $%[2]d = $%[3]d`,
		explain:     explainPostgres,
		addEntries:  addEntriesArrays,
		hasTable:    `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`,
		inOrder:     ` ORDER BY id FOR UPDATE`,
		incarnation: `SELECT (SELECT system_identifier FROM pg_control_system())::text || '.' || ` + serverStart,
	}
}

// processClock has the precision of what is stored, so that a time read back is
// the time that was written.
func processClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Clock is the database's clock, as well as this process knows it without asking:
// what was stored by it is compared with it. It is this process's own where the
// database is SQLite.
func (db *DB) Clock() time.Time { return db.own().Add(db.Skew()) }

// own is this process's wall clock, as Config.ClockOffset moves it.
func (db *DB) own() time.Time { return processClock().Add(db.offset) }

// Skew is how far the database's clock was ahead of this process's (behind: negative)
// in the last transaction, but for what the way there and back may account for.
func (db *DB) Skew() time.Duration { return time.Duration(db.skew.Load()) }

// compare notes what the database's clock said at some time between two moments of ours.
func (db *DB) compare(from, at, until time.Time) {
	var ahead time.Duration
	switch {
	case at.After(until):
		ahead = at.Sub(until)
	case at.Before(from):
		ahead = at.Sub(from)
	}
	if ahead != db.Skew() {
		db.skew.Store(int64(ahead))
	}
}

// stamp is t, or the database's clock where t is zero.
func (tx *Tx) stamp(t time.Time) time.Time {
	if t.IsZero() {
		return tx.now
	}
	return t
}

// orNull keeps an empty hash out of a unique index.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
