package store

import (
	"time"

	"lanyard"
)

const nodeColumns = `id, version, started_at, seen_at, lost_at`

func scanNode(r row, n *lanyard.Node) error {
	return r.Scan(&n.ID, &n.Version, asTime{&n.StartedAt}, asTime{&n.SeenAt}, asTime{&n.LostAt})
}

// Nodes returns the processes that use this database, and those that have not
// left it in good order, by id.
func (q *Query) Nodes() ([]lanyard.Node, error) {
	return all(q, scanNode, `SELECT `+nodeColumns+` FROM nodes ORDER BY id`)
}

// Node returns one of them, or CodeNotFound.
func (q *Query) Node(id string) (lanyard.Node, error) {
	return get(q, scanNode, `SELECT `+nodeColumns+` FROM nodes WHERE id = $1`, id)
}

// SeeNode notes that a node is alive, by the clock of the database. Whoever was
// said to be lost and is there again, is not lost. False: another process has
// taken the name since, so that its row began later; nothing is written then.
func (tx *Tx) SeeNode(n lanyard.Node) (bool, error) {
	return tx.swap(insertInto("nodes", nodeColumns)+` ON CONFLICT (id) DO UPDATE SET version = excluded.version,
		started_at = excluded.started_at, seen_at = excluded.seen_at, lost_at = 0 WHERE nodes.started_at <= excluded.started_at`,
		n.ID, n.Version, micros(tx.stamp(n.StartedAt)), micros(tx.now), int64(0))
}

// NodeOffered notes that a node has offered its receipts to this run of the
// database (Incarnation).
func (tx *Tx) NodeOffered(id, incarnation string) error {
	_, err := tx.exec(insertInto("nodes", nodeColumns+", offered")+` ON CONFLICT (id) DO UPDATE SET offered = excluded.offered`,
		id, "", int64(0), int64(0), int64(0), incarnation)
	return err
}

// NodesBehind counts the nodes that were seen since a moment and have not offered
// their receipts to this run of the database.
func (q *Query) NodesBehind(incarnation string, since time.Time) (int, error) {
	return q.count(`SELECT count(*) FROM nodes WHERE seen_at > $2 AND lost_at = 0 AND offered <> $1`, incarnation, micros(since))
}

// LeaveNode takes the row of a process away that ends in good order and has
// nothing left to do; that of another one with its name stays.
func (tx *Tx) LeaveNode(n lanyard.Node) error {
	_, err := tx.exec(`DELETE FROM nodes WHERE id = $1 AND started_at = $2`, n.ID, micros(n.StartedAt))
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

// ForgetNodes drops the rows of nodes that nobody has seen since a moment and that
// have left no attempt open.
func (tx *Tx) ForgetNodes(before time.Time) error {
	_, err := tx.exec(`DELETE FROM nodes WHERE seen_at < $1
		AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.node = nodes.id AND a.ended_at = 0)`, micros(before))
	return err
}
