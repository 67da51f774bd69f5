package store

import (
	"time"

	"lanyard"
)

const endpointColumns = `id, project_id, name, url, format, types, state, reason, secret, old_secret, public_key,
	old_public_key, old_until, failing_since, hold_until, created_at, updated_at, bot_id`

func scanEndpoint(r row, e *lanyard.Endpoint) error {
	return r.Scan(&e.ID, &e.Project, &e.Name, &e.URL, &e.Format, list(&e.Types), &e.State, &e.Reason, &e.Secret, &e.OldSecret, &e.PublicKey,
		&e.OldPublicKey, asTime{&e.OldUntil}, asTime{&e.FailingSince}, asTime{&e.HoldUntil}, asTime{&e.CreatedAt}, asTime{&e.UpdatedAt}, &e.Bot)
}

// Endpoint returns one endpoint of a project.
func (q *Query) Endpoint(project lanyard.ProjectID, id lanyard.EndpointID) (lanyard.Endpoint, error) {
	return get(q, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1 AND project_id = $2`, id, project)
}

// Endpoints lists the endpoints of a project, newest first, without those of one bot.
func (q *Query) Endpoints(project lanyard.ProjectID, page lanyard.Page) ([]lanyard.Endpoint, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	w.and("bot_id = ", "")
	return pageOf(q, scanEndpoint, func(e lanyard.Endpoint) string { return string(e.ID) },
		`SELECT `+endpointColumns+` FROM endpoints WHERE 1 = 1`, w, "id", descending, page)
}

// CountEndpoints counts the endpoints of a project, without those of one bot.
func (q *Query) CountEndpoints(project lanyard.ProjectID) (int, error) {
	return q.count(`SELECT count(*) FROM endpoints WHERE project_id = $1 AND bot_id = ''`, project)
}

// EnabledEndpoints returns the endpoints of a project that are told of events, without
// those of one bot.
func (q *Query) EnabledEndpoints(project lanyard.ProjectID) ([]lanyard.Endpoint, error) {
	return all(q, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE project_id = $1 AND state = 'enabled' AND bot_id = '' ORDER BY id`, project)
}

// BotEndpoints returns the endpoints that are told of one bot only, whatever their state.
func (q *Query) BotEndpoints(project lanyard.ProjectID, bot lanyard.BotID) ([]lanyard.Endpoint, error) {
	return all(q, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE bot_id = $1 AND bot_id <> '' AND project_id = $2 ORDER BY id`, bot, project)
}

// NewestEndpoint returns the newest endpoint of a project that has the format and is not
// one bot's, whatever its state, or CodeNotFound.
func (q *Query) NewestEndpoint(project lanyard.ProjectID, format lanyard.EndpointFormat) (lanyard.Endpoint, error) {
	return get(q, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE project_id = $1 AND format = $2 AND bot_id = '' ORDER BY id DESC LIMIT 1`, project, format)
}

// AddEndpoint writes a new endpoint.
func (tx *Tx) AddEndpoint(e lanyard.Endpoint) error {
	return tx.add("endpoints", endpointColumns, []any{e.ID, e.Project, e.Name, e.URL, e.Format, listText(e.Types), e.State, e.Reason, e.Secret,
		orNull(e.OldSecret), e.PublicKey, e.OldPublicKey, micros(e.OldUntil), micros(e.FailingSince), micros(e.HoldUntil),
		micros(tx.stamp(e.CreatedAt)), micros(tx.stamp(e.UpdatedAt)), e.Bot})
}

// PutEndpoint writes what the customer can change of an endpoint, its state included.
func (tx *Tx) PutEndpoint(e lanyard.Endpoint) error {
	return tx.must(`UPDATE endpoints SET name = $3, url = $4, types = $5, state = $6, reason = $7, secret = $8, old_secret = $9,
		public_key = $10, old_public_key = $11, old_until = $12, updated_at = $13
		WHERE id = $1 AND project_id = $2`, e.ID, e.Project, e.Name, e.URL, listText(e.Types), e.State, e.Reason, e.Secret,
		orNull(e.OldSecret), e.PublicKey, e.OldPublicKey, micros(e.OldUntil), micros(tx.stamp(e.UpdatedAt)))
}

// LockEndpoint returns one endpoint of a project, and keeps others from changing it
// until the transaction ends.
func (tx *Tx) LockEndpoint(project lanyard.ProjectID, id lanyard.EndpointID) (lanyard.Endpoint, error) {
	return get(&tx.Query, scanEndpoint, `UPDATE endpoints SET updated_at = updated_at WHERE id = $1 AND project_id = $2
		RETURNING `+endpointColumns, id, project)
}

// DeleteEndpoint removes an endpoint and its deliveries.
func (tx *Tx) DeleteEndpoint(project lanyard.ProjectID, id lanyard.EndpointID) error {
	if err := tx.must(`DELETE FROM endpoints WHERE id = $1 AND project_id = $2`, id, project); err != nil {
		return err
	}
	_, err := tx.exec(`DELETE FROM deliveries WHERE endpoint_id = $1`, id)
	return err
}

// deleteEndpointsOf removes the endpoints that are told of one bot only.
func (tx *Tx) deleteEndpointsOf(bot lanyard.BotID) error {
	_, err := tx.exec(`DELETE FROM deliveries WHERE endpoint_id IN (SELECT id FROM endpoints WHERE bot_id = $1 AND bot_id <> '')`, bot)
	if err == nil {
		_, err = tx.exec(`DELETE FROM endpoints WHERE bot_id = $1 AND bot_id <> ''`, bot)
	}
	return err
}

// RestEndpoints disables the endpoints of bots that were over before a moment and that
// have nothing to be told any more, so that nobody looks at them again.
func (tx *Tx) RestEndpoints(before time.Time) error {
	_, err := tx.exec(`UPDATE endpoints SET state = 'disabled', updated_at = $2 WHERE bot_id <> '' AND state = 'enabled'
		AND NOT EXISTS (SELECT 1 FROM bots b WHERE b.id = endpoints.bot_id AND (b.ended_at = 0 OR b.ended_at >= $1))
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = endpoints.id AND d.try_at > 0)`, micros(before), micros(tx.now))
	return err
}

// EndpointWorked notes that a try worked, or that what has failed no longer counts.
func (tx *Tx) EndpointWorked(id lanyard.EndpointID) error {
	_, err := tx.exec(`UPDATE endpoints SET failing_since = 0, hold_until = 0 WHERE id = $1 AND failing_since > 0`, id)
	return err
}

// EndpointFailed notes that a try failed, the first since one worked or not, and
// that no other is made before hold.
func (tx *Tx) EndpointFailed(id lanyard.EndpointID, hold time.Time) error {
	_, err := tx.exec(`UPDATE endpoints SET failing_since = CASE WHEN failing_since = 0 THEN $2 ELSE failing_since END,
		hold_until = CASE WHEN hold_until < $3 THEN $3 ELSE hold_until END WHERE id = $1`, id, micros(tx.now), micros(hold))
	return err
}

// DisableEndpoint disables one that is enabled, with a reason, and stops what is on
// its way there; false: it was not enabled.
func (tx *Tx) DisableEndpoint(id lanyard.EndpointID, reason lanyard.Code) (bool, error) {
	ok, err := tx.swap(`UPDATE endpoints SET state = 'disabled', reason = $2, updated_at = $3 WHERE id = $1 AND state = 'enabled'`,
		id, reason, micros(tx.now))
	if err != nil || !ok {
		return false, err
	}
	return true, tx.StopDeliveries(id)
}

// DropOldSecrets forgets what rotations have replaced and whose time is over.
func (tx *Tx) DropOldSecrets() error {
	_, err := tx.exec(`UPDATE endpoints SET old_secret = NULL, old_public_key = '', old_until = 0
		WHERE old_until > 0 AND old_until <= $1`, micros(tx.now))
	return err
}
