package store

import "time"

// PurgeFlows removes up to limit trips that ended one way or the other and began
// before a moment, and says how many.
func (tx *Tx) PurgeFlows(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM flows WHERE id IN (SELECT f.id FROM flows f
		WHERE f.id < $1 AND f.state IN ('done', 'failed') ORDER BY f.id LIMIT $2)`, firstID("flw_", before), limit)
	return int(n), err
}

// PurgeSessions removes up to limit invitations that expired, and were made, before
// a moment.
func (tx *Tx) PurgeSessions(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s
		WHERE s.id < $1 AND s.expires_at < $2 ORDER BY s.id LIMIT $3)`, firstID("cs_", before), micros(before), limit)
	return int(n), err
}

// PurgeAttempts removes up to limit attempts that began before a moment and have
// ended. Those on the generation that a grant is at stay: a verdict rests on them.
func (tx *Tx) PurgeAttempts(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM attempts WHERE id IN (SELECT a.id FROM attempts a
		WHERE a.id < $1 AND a.ended_at > 0 AND NOT EXISTS (SELECT 1 FROM grants g
			WHERE g.id = a.grant_id AND g.family = a.family AND g.generation = a.generation) ORDER BY a.id LIMIT $2)`,
		firstID("att_", before), limit)
	return int(n), err
}
