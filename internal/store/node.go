package store

import (
	"time"

	"lanyard"
)

const nodeColumns = `id, version, started_at, seen_at, lost_at`

func scanNode(r row, n *lanyard.Node) error {
	return r.Scan(&n.ID, &n.Version, asTime{&n.StartedAt}, asTime{&n.SeenAt}, asTime{&n.LostAt})
}

// Nodes returns the processes that have used this database, by id.
func (q *Query) Nodes() ([]lanyard.Node, error) {
	return all(q, scanNode, `SELECT `+nodeColumns+` FROM nodes ORDER BY id`)
}

// SeeNode notes that a node is alive, by the clock of the database. Whoever was
// said to be lost and is there again, is not lost.
func (tx *Tx) SeeNode(n lanyard.Node) error {
	_, err := tx.exec(insertInto("nodes", nodeColumns)+` ON CONFLICT (id) DO UPDATE SET version = excluded.version,
		started_at = excluded.started_at, seen_at = excluded.seen_at, lost_at = 0`,
		n.ID, n.Version, micros(tx.stamp(n.StartedAt)), micros(tx.now), int64(0))
	return err
}

// LoseNode notes that a node will not come back, and its disk neither.
func (tx *Tx) LoseNode(id string) error {
	return tx.must(`UPDATE nodes SET lost_at = $2 WHERE id = $1`, id, micros(tx.now))
}

// SilentAttempts returns up to limit attempts that began before a moment and have
// no end, oldest first, of whichever node.
func (q *Query) SilentAttempts(before time.Time, limit int) ([]lanyard.Attempt, error) {
	return all(q, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE ended_at = 0 AND started_at < $1 ORDER BY id LIMIT $2`,
		micros(before), limit)
}
