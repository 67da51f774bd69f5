package store

import (
	"time"

	"lanyard"
)

// Door is what has to be known of an app to believe a notice about it.
type Door struct {
	App           lanyard.AppID
	Project       lanyard.ProjectID
	Provider      string
	WebhookSecret []byte // sealed
}

const doorColumns = `id, project_id, provider, webhook_secret`

func scanDoor(r row, d *Door) error {
	return r.Scan(text(&d.App), text(&d.Project), &d.Provider, &d.WebhookSecret)
}

// Doors returns every app, of whichever project, that has a webhook secret.
func (q *Query) Doors() ([]Door, error) {
	return all(q, scanDoor, `SELECT `+doorColumns+` FROM apps WHERE webhook_secret IS NOT NULL ORDER BY id`)
}

// Door returns that of one app, or CodeNotFound where it has no webhook secret.
func (q *Query) Door(id lanyard.AppID) (Door, error) {
	return get(q, scanDoor, `SELECT `+doorColumns+` FROM apps WHERE id = $1 AND webhook_secret IS NOT NULL`, id)
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
