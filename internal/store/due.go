package store

import (
	"time"

	"lanyard"
)

// DueApp is an app with grants that are to be renewed.
type DueApp struct {
	App   lanyard.AppID
	Since time.Time // how long the first of them has been waiting; never zero
}

// DueApps returns the apps that have anything due at now, in the order of their
// ids. It looks at one place of the index for each app and rank, however many
// grants there are.
func (q *Query) DueApps(now time.Time) ([]DueApp, error) {
	return all(q, func(r row, d *DueApp) error { return r.Scan(text(&d.App), asTime{&d.Since}) }, `
		WITH RECURSIVE apps (app_id) AS (
			SELECT min(app_id) FROM grants WHERE refresh_at > 0
			UNION ALL
			SELECT (SELECT min(g.app_id) FROM grants g WHERE g.refresh_at > 0 AND g.app_id > apps.app_id) FROM apps WHERE apps.app_id IS NOT NULL
		), ranks (rank) AS (VALUES (0), (1), (2), (3)),
		first AS (
			SELECT apps.app_id AS app_id,
				(SELECT min(g.refresh_at) FROM grants g WHERE g.app_id = apps.app_id AND g.rank = ranks.rank AND g.refresh_at > 0) AS at
			FROM apps, ranks WHERE apps.app_id IS NOT NULL
		)
		SELECT app_id, min(at) FROM first WHERE at <= $1 GROUP BY app_id ORDER BY app_id`, micros(now))
}

const dueColumns = `id, project_id, app_id, family, generation, health, rank, refresh_at, rejected_at`

func scanDue(r row, g *lanyard.Grant) error {
	return r.Scan(&g.ID, &g.Project, &g.App, &g.Family, &g.Generation, &g.Health, &g.Rank, asTime{&g.RefreshAt}, asTime{&g.RejectedAt})
}

// Due returns up to limit grants of an app that are to be renewed at now and that
// nobody holds, the most urgent first. Only what a renewal needs to begin is
// filled in: ids, family, generation, health, rank, RefreshAt, RejectedAt.
func (q *Query) Due(app lanyard.AppID, now time.Time, limit int) ([]lanyard.Grant, error) {
	var out []lanyard.Grant
	for rank := lanyard.RankGrace; rank <= lanyard.RankIdle && len(out) < limit; rank++ {
		some, err := all(q, scanDue, `SELECT `+dueColumns+` FROM grants
			WHERE app_id = $1 AND rank = $2 AND refresh_at > 0 AND refresh_at <= $3 AND lease_until <= $3
			ORDER BY refresh_at LIMIT $4`, app, int64(rank), micros(now), limit-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// Suspects returns up to limit grants, by id after one, that may be under way now
// although nobody knows: those that are due, and those with an attempt that has no
// end. What is filled in is that of Due.
func (q *Query) Suspects(now time.Time, after lanyard.GrantID, limit int) ([]lanyard.Grant, error) {
	return all(q, scanDue, `SELECT `+dueColumns+` FROM grants g WHERE g.id > $1 AND g.has_refresh = 1
		AND (g.refresh_at > 0 AND g.refresh_at <= $2 OR EXISTS (SELECT 1 FROM attempts a WHERE a.grant_id = g.id AND a.ended_at = 0))
		ORDER BY g.id LIMIT $3`, after, micros(now), limit)
}

// CountDue counts what is due at now, up to limit.
func (q *Query) CountDue(app lanyard.AppID, now time.Time, limit int) (int, error) {
	return q.count(`SELECT count(*) FROM (SELECT 1 AS x FROM grants
		WHERE app_id = $1 AND rank IN (0, 1, 2, 3) AND refresh_at > 0 AND refresh_at <= $2 LIMIT $3) AS counted`, app, micros(now), limit)
}

func (q *Query) count(query string, args ...any) (int, error) {
	return get(q, func(r row, n *int) error { return r.Scan(n) }, query, args...)
}

// UseGrant notes that a token of the grant was read. What nobody had used is
// renewed eagerly from now on; sooner than planned, never later, and not before
// the back-off after a failure is over.
func (tx *Tx) UseGrant(id lanyard.GrantID, at time.Time) error {
	_, err := tx.exec(`UPDATE grants SET used_at = $2,
		rank = CASE WHEN health <> 'dead' AND rank > 2 AND eager_at > 0 THEN 2 ELSE rank END,
		refresh_at = CASE WHEN health = 'dead' OR eager_at = 0 OR refresh_at <= eager_at OR refresh_at <= retry_at THEN refresh_at
			WHEN eager_at < retry_at THEN retry_at ELSE eager_at END
		WHERE id = $1 AND used_at < $2`, id, micros(at))
	return err
}

// NeedGrant notes that a meeting needs a token of the grant at a time, and plans
// its renewal for refreshAt at the latest, or for the end of a back-off.
func (tx *Tx) NeedGrant(id lanyard.GrantID, at, refreshAt time.Time) error {
	_, err := tx.exec(`UPDATE grants SET needed_at = $2,
		rank = CASE WHEN health <> 'dead' AND rank > 1 THEN 1 ELSE rank END,
		refresh_at = CASE WHEN health = 'dead' OR refresh_at > 0 AND (refresh_at <= $3 OR refresh_at <= retry_at) THEN refresh_at
			WHEN retry_at > $3 THEN retry_at ELSE $3 END
		WHERE id = $1 AND has_refresh = 1`, id, micros(at), micros(refreshAt))
	return err
}

// PlanGrant sets when a grant is to be renewed and nothing else, if it is still at
// (family, generation).
func (tx *Tx) PlanGrant(g lanyard.Grant) (bool, error) {
	return tx.swap(`UPDATE grants SET refresh_at = $4, eager_at = $5, rank = $6, refresh_expires = $7
		WHERE id = $1 AND family = $2 AND generation = $3`, g.ID, g.Family, g.Generation, micros(g.RefreshAt), micros(g.EagerAt),
		int64(g.Rank), micros(g.RefreshExpires))
}

// WakeGrants makes due now what waits for a fault that is no person's: up to limit
// grants of an app that were not refused and are not dead. It says how many there were.
func (tx *Tx) WakeGrants(app lanyard.AppID, limit int) (int, error) {
	n, err := tx.exec(`UPDATE grants SET refresh_at = $2, retry_at = 0 WHERE id IN (SELECT g.id FROM grants g
		WHERE g.app_id = $1 AND g.retry_at > 0 AND g.rejected_at = 0 AND g.health <> 'dead' LIMIT $3)`,
		app, micros(tx.now), limit)
	return int(n), err
}

// RejectedSince counts the grants of an app that were refused for the first time
// since then, and have not been renewed since.
func (q *Query) RejectedSince(app lanyard.AppID, since time.Time) (int, error) {
	return q.count(`SELECT count(*) FROM grants WHERE app_id = $1 AND rejected_at > 0 AND rejected_at > $2`, app, micros(since))
}

// CountGrants counts the grants of an app, up to limit.
func (q *Query) CountGrants(app lanyard.AppID, limit int) (int, error) {
	return q.count(`SELECT count(*) FROM (SELECT 1 AS x FROM grants WHERE app_id = $1 LIMIT $2) AS counted`, app, limit)
}

// DropDead forgets the tokens of up to limit grants that were called dead before a
// moment, and says of how many.
func (tx *Tx) DropDead(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`UPDATE grants SET tokens = NULL, previous = NULL, has_refresh = 0, refresh_at = 0, dead_at = 0
		WHERE id IN (SELECT g.id FROM grants g WHERE g.dead_at > 0 AND g.dead_at < $1 ORDER BY g.dead_at LIMIT $2)`, micros(before), limit)
	return int(n), err
}

// Unplanned returns up to limit healthy grants that can be renewed and for which no
// renewal is planned: an earlier version has written them.
func (q *Query) Unplanned(limit int) ([]lanyard.Grant, error) {
	return all(q, scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE refresh_at = 0 AND eager_at = 0 AND has_refresh = 1 AND health = 'healthy' ORDER BY id LIMIT $1`, limit)
}
