package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lanyard"
)

// Renewable is what a renewal looks at before it begins.
type Renewable struct {
	Grant   lanyard.Grant
	App     lanyard.App
	Breaker lanyard.Breaker // a closed one where there is none
}

// breakerDest is where the columns go but for the app's and the project's; each may
// be NULL, since most apps have no breaker.
func breakerDest(b *lanyard.Breaker) []any {
	return []any{text(&b.State), text(&b.Reason), text(&b.Error), asInt{&b.ConfigVersion}, asTime{&b.OpenedAt}, asTime{&b.ProbeAt},
		text(&b.ProbeNode), asInt{&b.Probes}, asTime{&b.UpdatedAt}}
}

const breakerRest = `state, reason, error, config_version, opened_at, probe_at, probe_node, probes, updated_at`

var selectRenewable = `SELECT ` + prefixed("g", grantColumns) + `, ` + prefixed("a", appColumns) + `, ` + prefixed("b", breakerRest) + `, %s
	FROM grants g JOIN apps a ON a.id = g.app_id AND a.project_id = g.project_id LEFT JOIN breakers b ON b.app_id = g.app_id
	WHERE g.id = $1 AND g.project_id = $2`

// Renewable returns a grant of the project with its app and the app's breaker, or
// CodeNotFound. It is one statement, and reads the clock along with them.
func (q *Query) Renewable(project lanyard.ProjectID, id lanyard.GrantID) (Renewable, error) {
	now := q.now
	x, err := get(q, func(r row, x *Renewable) error {
		err := r.Scan(append(append(append(grantDest(&x.Grant), appDest(&x.App)...), breakerDest(&x.Breaker)...), asTime{&now})...)
		x.Breaker.App = x.App.ID
		if x.Breaker.State != lanyard.BreakerClosed {
			x.Breaker.Project = x.App.Project
		}
		return err
	}, q.d.renewable, id, project)
	if q.now.IsZero() && !now.IsZero() {
		q.now = now
	}
	return x, err
}

// Claimed is what a renewal makes sure of once it holds the lease.
type Claimed struct {
	Grant         lanyard.Grant
	ConfigVersion int64 // of its app
	Breaker       lanyard.BreakerState
	Tried         bool // an attempt has sent the refresh token of this generation
}

var selectClaimed = `SELECT ` + prefixed("g", grantColumns) + `, a.config_version, b.state, CASE WHEN EXISTS (SELECT 1 FROM attempts o
		WHERE o.grant_id = g.id AND o.generation = g.generation AND o.family = g.family) THEN 1 ELSE 0 END
	FROM grants g JOIN apps a ON a.id = g.app_id AND a.project_id = g.project_id LEFT JOIN breakers b ON b.app_id = g.app_id
	WHERE g.id = $1 AND g.project_id = $2`

// Claim is Bookkeep that first leases a grant to a node for a time, as ClaimGrant does,
// and then reads the grant of the project, and of its app what may have changed since
// it was looked at. Whether the lease was had is said to fn, whose error undoes it;
// CodeNotFound is returned without fn.
//
// The lease comes first because it locks the row: what is read of the grant and of its
// attempts belongs together and stays as it is.
func (db *DB) Claim(ctx context.Context, project lanyard.ProjectID, id lanyard.GrantID, owner string, life time.Duration, fn func(tx *Tx, claimed bool, c Claimed) error) error {
	var c Claimed
	scan := func(r row) error {
		c = Claimed{}
		return r.Scan(append(grantDest(&c.Grant), asInt{&c.ConfigVersion}, text(&c.Breaker), asFlag{&c.Tried})...)
	}
	if db.d.local {
		return db.Bookkeep(ctx, func(tx *Tx) error {
			claimed, err := tx.ClaimGrant(id, owner, tx.now.Add(life))
			if err == nil {
				err = tx.one(scan, selectClaimed, id, project)
			}
			if err != nil {
				return err
			}
			return fn(tx, claimed, c)
		})
	}
	var met pgconn.CommandTag
	o := opening{also: []pgStatement{{query: claimByClock, args: []any{id, owner, life.Microseconds()}, met: &met},
		{query: selectClaimed, args: []any{id, project}, scan: scan}}}
	return db.back.update(ctx, o, func(tx *Tx) (lanyard.Entry, error) { return lanyard.Entry{}, fn(tx, met.RowsAffected() > 0, c) })
}

// claimByClock is claimGrant by the server's clock, so that it goes along with BEGIN.
const claimByClock = `UPDATE grants SET lease_owner = $2, lease_until = c.now + $3 FROM (SELECT ` + clockMicros + ` AS now) c
	WHERE id = $1 AND (lease_owner = '' OR lease_until <= c.now)`

// KeepRenewal is CommitTokens for what an attempt has brought to a grant as it was.
// Where that happens, the attempt is ended and the node's lease given back with it,
// and the state of the app's breaker is returned. The connections are looked at only
// if the scopes are others.
func (tx *Tx) KeepRenewal(g, was lanyard.Grant, ended lanyard.Attempt, node string) (kept bool, breaker lanyard.BreakerState, err error) {
	if kept, breaker, err = tx.keepRenewal(g, was, ended, node, ""); err != nil || !kept || listText(g.Scopes) == listText(was.Scopes) {
		return kept, breaker, err
	}
	if err := tx.deriveMissing(g.ID, g.Scopes); err != nil {
		return false, "", fmt.Errorf("derive missing scopes: %w", err)
	}
	return true, breaker, nil
}

// keepTogether is what KeepRenewal comes to, as one statement of PostgreSQL. SQLite
// changes one table at a time.
var keepTogether = `WITH kept AS (` + commitTokens + ` RETURNING app_id),
	ended AS (UPDATE attempts SET grant_id = $28, ended_at = $29, outcome = $30, class = $31, error = $32, status = $33, request_id = $34
		WHERE id = $26 AND project_id = $27 AND ended_at = 0 AND EXISTS (SELECT 1 FROM kept))
	SELECT b.state FROM kept LEFT JOIN breakers b ON b.app_id = kept.app_id`

// KeepHealthy is KeepRenewal on SQLite, where the grant is still healthy and the scopes are
// as they were: as nearly always. Else nothing is written, and it is to be done step by step.
func (tx *Tx) KeepHealthy(g, was lanyard.Grant, ended lanyard.Attempt, node string) (kept bool, breaker lanyard.BreakerState, err error) {
	if !tx.d.local || listText(g.Scopes) != listText(was.Scopes) { // PostgreSQL has SwiftKeep for it
		return false, "", nil
	}
	return tx.keepRenewal(g, was, ended, node, ` AND health = 'healthy'`)
}

func (tx *Tx) keepRenewal(g, was lanyard.Grant, ended lanyard.Attempt, node, only string) (kept bool, breaker lanyard.BreakerState, err error) {
	state := func(r row, s *lanyard.BreakerState) error { return r.Scan(text(s)) }
	commit, end := tx.commitArgs(g, was.Family, was.Generation, node), tx.endArgs(ended)
	if !tx.d.local {
		breaker, err = get(&tx.Query, state, keepTogether, append(commit, end...)...)
		if errors.Is(err, lanyard.NotFound) {
			return false, "", nil
		}
		return err == nil, breaker, err
	}
	if kept, err = tx.swap(commitTokens+only, commit...); err != nil || !kept {
		return kept, "", err
	}
	breaker, err = get(&tx.Query, state, endAttempt+` RETURNING (SELECT b.state FROM breakers b WHERE b.app_id = attempts.app_id)`, end...)
	if errors.Is(err, lanyard.NotFound) { // somebody has closed it
		b, err := tx.Breaker(g.App)
		return true, b.State, err
	}
	return true, breaker, err
}
