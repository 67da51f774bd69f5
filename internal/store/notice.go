package store

import (
	"time"

	"lanyard"
)

// Doors returns every app, of whichever project, that a provider may send notices
// about: what is to be known of them while the database is away.
func (q *Query) Doors() ([]lanyard.App, error) {
	return all(q, scanApp, `SELECT `+appColumns+` FROM apps
		WHERE state = 'ready' OR webhook_secret IS NOT NULL OR next_webhook_secret IS NOT NULL ORDER BY id`)
}

// Notice is a notice of a provider that has an effect.
type Notice struct {
	App       lanyard.AppID
	Digest    []byte // keyed hash of the bytes that were signed
	Project   lanyard.ProjectID
	Event     string // the provider's name for it
	CreatedAt time.Time
}

// AddNotice notes, in the transaction of its effect, that a notice has had it.
// False: it has had it before, and is to have none now.
func (tx *Tx) AddNotice(n Notice) (bool, error) {
	return tx.swap(insertInto("notices", `app_id, digest, project_id, event, created_at`)+` ON CONFLICT (app_id, digest) DO NOTHING`,
		n.App, n.Digest, n.Project, n.Event, micros(tx.stamp(n.CreatedAt)))
}

// PurgeNotices forgets up to limit notices that had their effect before a moment,
// and says how many.
func (tx *Tx) PurgeNotices(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM notices WHERE (app_id, digest) IN (SELECT n.app_id, n.digest FROM notices n
		WHERE n.created_at < $1 ORDER BY n.created_at LIMIT $2)`, micros(before), limit)
	return int(n), err
}

// EraseAt notes when what was read of a revoked connection's account is to be erased.
func (tx *Tx) EraseAt(project lanyard.ProjectID, id lanyard.ConnectionID, at time.Time) error {
	return tx.must(`UPDATE connections SET erase_at = $3 WHERE id = $1 AND project_id = $2`, id, project, micros(at))
}

// ToErase returns up to limit connections, of whichever project, whose account is to
// be erased by now.
func (q *Query) ToErase(now time.Time, limit int) ([]lanyard.Connection, error) {
	return all(q, scanConnection, `SELECT `+connectionColumns+` FROM connections
		WHERE erase_at > 0 AND erase_at <= $1 ORDER BY erase_at LIMIT $2`, micros(now), limit)
}

// EraseAccount erases it. False: another node has done so.
func (tx *Tx) EraseAccount(project lanyard.ProjectID, id lanyard.ConnectionID) (bool, error) {
	return tx.swap(`UPDATE connections SET account = NULL, erase_at = 0, updated_at = $3
		WHERE id = $1 AND project_id = $2 AND erase_at > 0`, id, project, micros(tx.now))
}
