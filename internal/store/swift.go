package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// A renewal in which nothing is out of the ordinary, as nearly all are, needs two
// writes, and PostgreSQL can do each of them as one statement, which is a transaction
// of its own: a sixth of the round trips. Whatever is not as it should be makes the
// statement write nothing, and then it is done step by step. SQLite is in this process,
// where a statement costs no round trip, and knows no writes inside a query.

// Swift is a claim of a grant in which nothing is out of the ordinary.
type Swift struct {
	Grant         lanyard.Grant // its id, project, app, family and generation, as they were seen
	Renewed       time.Time     // when it was renewed last, or later: an older row is one that was put back
	ConfigVersion int64         // of its app
	Incarnation   string        // of the server, which must still be this one
	Life          time.Duration // of the lease
	Patience      time.Duration // from the attempt's beginning to its deadline
	Attempt       lanyard.Attempt
}

var swiftClaim = `WITH claimed AS (UPDATE grants g SET lease_owner = $6, lease_until = c.now + $7
		FROM (SELECT ` + durableNow + ` AS now) c
		WHERE g.id = $1 AND g.project_id = $2 AND g.app_id = $3 AND g.family = $4 AND g.generation = $5
			AND (g.lease_owner = '' OR g.lease_until <= c.now) AND g.health = 'healthy' AND g.has_refresh = 1 AND g.retry_at <= c.now AND g.refreshed_at >= $8
			AND EXISTS (SELECT 1 FROM apps a WHERE a.id = $3 AND a.project_id = $2 AND a.config_version = $9)
			AND NOT EXISTS (SELECT 1 FROM breakers b WHERE b.app_id = $3)
			AND NOT EXISTS (SELECT 1 FROM attempts o WHERE o.grant_id = $1 AND o.generation = $5 AND o.family = $4)
			AND ` + serverStart + ` = $10
		RETURNING c.now, ` + prefixed("g", grantColumns) + `),
	begun AS (INSERT INTO attempts (` + attemptColumns + `) SELECT $11, $2, $3, $1, '', $12, $4, $5, $6, now, now + $13::bigint, 0, $14, $15, '', 0, '' FROM claimed)
	SELECT * FROM claimed`

// SwiftClaim leases the grant to the attempt's node and writes the attempt, durably,
// if the grant is as it was seen, healthy and not being renewed, nothing has tried its
// refresh token, its app has this configuration, and no breaker stands in the way. It
// returns the grant and when, by the database's clock, the attempt began. False: nothing
// was written, and Claim finds out why.
func (db *DB) SwiftClaim(ctx context.Context, c Swift) (claimed bool, g lanyard.Grant, began time.Time, err error) {
	p, ok := db.back.(*postgres)
	_, started, known := strings.Cut(c.Incarnation, ".")
	if !ok || !known {
		return false, g, began, nil
	}
	a := c.Attempt
	err = p.swift(ctx, func(q *Query) error {
		return q.one(func(r row) error { return r.Scan(append([]any{asTime{&began}}, grantDest(&g)...)...) }, swiftClaim,
			c.Grant.ID, c.Grant.Project, c.Grant.App, c.Grant.Family, c.Grant.Generation, a.Node, c.Life.Microseconds(), micros(c.Renewed), c.ConfigVersion,
			started, a.ID, a.Kind, c.Patience.Microseconds(), a.Outcome, a.Class)
	})
	if errors.Is(err, lanyard.NotFound) {
		return false, g, began, nil
	}
	return err == nil, g, began, err
}

var swiftKeep = `WITH kept AS (` + commitTokens + ` AND health = 'healthy' AND NOT EXISTS (SELECT 1 FROM breakers b WHERE b.app_id = grants.app_id) RETURNING id),
	ended AS (UPDATE attempts SET grant_id = $28, ended_at = $29, outcome = $30, class = $31, error = $32, status = $33, request_id = $34
		WHERE id = $26 AND project_id = $27 AND ended_at = 0 AND EXISTS (SELECT 1 FROM kept))
	INSERT INTO entries (` + entryColumns + `) SELECT $35, $36, CASE WHEN set_config('synchronous_commit', 'on', true) = 'on' THEN $37::bigint END,
		$38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49::bytea, $50 FROM kept`

// SwiftKeep is KeepRenewal, and writes the entry, durably, where the grant is healthy,
// the scopes are as they were and no breaker stands in the way: then there is nothing to
// tell anybody. False: nothing was written; KeepRenewal does it,
// or knows that the grant has moved on, or that this has been done.
func (db *DB) SwiftKeep(ctx context.Context, next, was lanyard.Grant, ended lanyard.Attempt, node string, e lanyard.Entry) (kept bool, err error) {
	p, ok := db.back.(*postgres)
	if !ok || listText(next.Scopes) != listText(was.Scopes) || e.Connection != "" {
		return false, nil
	}
	if err := checkEntry(e); err != nil {
		return false, err
	}
	now := db.Clock()
	err = p.swift(ctx, func(q *Query) error {
		tx := &Tx{Query: *q}
		tx.now = now
		args := append(tx.commitArgs(next, was.Family, was.Generation, node), tx.endArgs(ended)...)
		n, err := tx.exec(swiftKeep, entryValues(args, &e, micros(now))...)
		kept = n == 1
		return err
	})
	return kept && err == nil, err
}

// swift runs one statement as a transaction of its own. It stands where a transaction
// can be made to fail, too.
func (p *postgres) swift(ctx context.Context, fn func(q *Query) error) error {
	p.running.RLock()
	defer p.running.RUnlock()
	select {
	case <-p.stop:
		return unavailable(errClosed, time.Second)
	default:
	}
	for _, point := range []fault.Point{fault.StoreBegin, fault.StoreCommit} {
		if err := fault.At(ctx, point); err != nil {
			return unavailable(err, time.Second)
		}
	}
	run, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	err := fn(&Query{ctx: run, c: pgConn{p.pool}, d: p.db.d})
	switch {
	case errors.Is(err, lanyard.NotFound):
		return err
	case err != nil:
		p.db.stats.failed.Add(1)
		return fmt.Errorf("commit: %w", mine(run, err))
	}
	p.db.stats.committed(1, 0)
	if err := fault.At(ctx, fault.StoreReply); err != nil {
		return unavailable(err, time.Second)
	}
	return nil
}
