package store

import (
	"time"

	"lanyard"
)

// Expiring returns up to limit grants whose refresh token is known to die within a week
// of now, where that time is near for it (ExpiringAt) and either renewing has not moved
// it since, or half of what was left then is over, or nothing is planned before the end.
// What is dead has been told.
func (q *Query) Expiring(now, week time.Time, limit int) ([]lanyard.Grant, error) {
	return all(q, scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE expiring_at > 0 AND health <> 'dead' AND expiring_at <= $1 AND refresh_expires > $1 AND refresh_expires <= $2 AND has_refresh = 1
			AND (refreshed_at > expiring_at OR (refresh_expires - expiring_at) / 2 <= $1 - expiring_at OR refresh_at = 0 OR refresh_at >= refresh_expires)
		ORDER BY expiring_at LIMIT $3`, micros(now), micros(week), limit)
}

// ToldExpiring notes that it has been told of a grant that its refresh token dies, and
// when. False: it was told, or the grant has moved on.
func (tx *Tx) ToldExpiring(g lanyard.Grant) (bool, error) {
	return tx.swap(`UPDATE grants SET expiring_at = 0 WHERE id = $1 AND project_id = $2 AND family = $3 AND generation = $4
		AND expiring_at = $5 AND health <> 'dead'`, g.ID, g.Project, g.Family, g.Generation, micros(g.ExpiringAt))
}
