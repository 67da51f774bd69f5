package store

import (
	"time"

	"lanyard"
)

const deliveryColumns = `id, project_id, endpoint_id, event_id, type, state, tries, try_at, tried_at, status, error, took,
	answer, created_at`

func scanDelivery(r row, d *lanyard.Delivery) error {
	return r.Scan(&d.ID, &d.Project, &d.Endpoint, &d.Event, &d.Type, &d.State, &d.Tries, asTime{&d.TryAt}, asTime{&d.TriedAt}, &d.Status,
		&d.Error, &d.Took, &d.Answer, asTime{&d.CreatedAt})
}

// WaitingEvents returns up to limit events, of all projects, that have not been
// handed to their endpoints, oldest first.
func (q *Query) WaitingEvents(limit int) ([]lanyard.Event, error) {
	return all(q, scanEvent, `SELECT `+eventColumns+` FROM events WHERE delivered_at IS NULL ORDER BY id LIMIT $1`, limit)
}

// Event returns one event of a project.
func (q *Query) Event(project lanyard.ProjectID, id lanyard.EventID) (lanyard.Event, error) {
	return get(q, scanEvent, `SELECT `+eventColumns+` FROM events WHERE id = $1 AND project_id = $2`, id, project)
}

// EventsSince returns up to limit events of a project that were made since a moment,
// after the one with the id given, oldest first.
func (q *Query) EventsSince(project lanyard.ProjectID, since time.Time, after lanyard.EventID, limit int) ([]lanyard.Event, error) {
	return all(q, scanEvent, `SELECT `+eventColumns+` FROM events WHERE project_id = $1 AND id > $2 AND at >= $3 ORDER BY id LIMIT $4`,
		project, max(string(after), firstID("evt_", since.Add(-skew))), micros(since), limit)
}

// HandEvent notes that an event has been handed to its endpoints; false: it had been.
func (tx *Tx) HandEvent(id lanyard.EventID) (bool, error) {
	return tx.swap(`UPDATE events SET delivered_at = $2 WHERE id = $1 AND delivered_at IS NULL`, id, micros(tx.now))
}

// AddDelivery queues an event for an endpoint, to be tried at once. It changes
// nothing where there is such a delivery already, and says so with false.
func (tx *Tx) AddDelivery(d lanyard.Delivery) (bool, error) {
	if d.ID == "" {
		d.ID = lanyard.NewID[lanyard.DeliveryID]("dlv_")
	}
	if d.State == "" {
		d.State = lanyard.DeliveryPending
	}
	return tx.swap(insertInto("deliveries", deliveryColumns)+` ON CONFLICT DO NOTHING`, d.ID, d.Project, d.Endpoint, d.Event, d.Type,
		d.State, d.Tries, micros(tx.stamp(d.TryAt)), micros(d.TriedAt), d.Status, d.Error, int64(d.Took), orNull(d.Answer),
		micros(tx.stamp(d.CreatedAt)))
}

// DueEndpoints returns the endpoints, of all projects, that have a delivery due at
// now and have not asked to be left alone.
func (q *Query) DueEndpoints(now time.Time) ([]lanyard.Endpoint, error) {
	return all(q, scanEndpoint, `SELECT `+prefixed("e", endpointColumns)+` FROM endpoints e WHERE e.state = 'enabled' AND e.hold_until <= $1
		AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.try_at > 0 AND d.try_at <= $1) ORDER BY e.id`, micros(now))
}

// ClaimDeliveries leases up to limit deliveries of an endpoint that are due, the
// longest due first, and counts the try. Until then, by the database's clock, no
// other node tries them; TryAt is the token with which EndTry knows the lease.
func (tx *Tx) ClaimDeliveries(endpoint lanyard.EndpointID, until time.Time, limit int) ([]lanyard.Delivery, error) {
	return all(&tx.Query, scanDelivery, `UPDATE deliveries SET tries = tries + 1, try_at = $3, tried_at = $2
		WHERE try_at > 0 AND try_at <= $2 AND id IN (SELECT d.id FROM deliveries d
			WHERE d.endpoint_id = $1 AND d.try_at > 0 AND d.try_at <= $2 ORDER BY d.try_at LIMIT $4)
		RETURNING `+deliveryColumns, endpoint, micros(tx.now), micros(until), limit)
}

// EndTry writes what became of a try and when the next one is, if the lease, which
// ends at leased, is still ours.
func (tx *Tx) EndTry(d lanyard.Delivery, leased time.Time) (bool, error) {
	return tx.swap(`UPDATE deliveries SET state = $3, tries = $4, try_at = $5, status = $6, error = $7, took = $8, answer = $9
		WHERE id = $1 AND try_at = $2`, d.ID, micros(leased), d.State, d.Tries, micros(d.TryAt), d.Status, d.Error, int64(d.Took), orNull(d.Answer))
}

// Requeue has a delivery begin again, now, with the same event id. A try that is
// under way loses its lease: it may arrive as well.
func (tx *Tx) Requeue(project lanyard.ProjectID, id lanyard.DeliveryID) error {
	return tx.must(`UPDATE deliveries SET state = 'pending', tries = 0, try_at = $3 WHERE id = $1 AND project_id = $2`, id, project, micros(tx.now))
}

// StopDeliveries ends what is on its way to an endpoint.
func (tx *Tx) StopDeliveries(id lanyard.EndpointID) error {
	_, err := tx.exec(`UPDATE deliveries SET state = 'stopped', try_at = 0 WHERE endpoint_id = $1 AND try_at > 0`, id)
	return err
}

// DeliveryFilter narrows a list of deliveries; empty fields do not.
type DeliveryFilter struct {
	Endpoint lanyard.EndpointID
	Event    lanyard.EventID
	State    lanyard.DeliveryState
}

// Deliveries lists the deliveries of a project, newest first.
func (q *Query) Deliveries(project lanyard.ProjectID, f DeliveryFilter, page lanyard.Page) ([]lanyard.Delivery, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	if f.Endpoint != "" {
		w.and("endpoint_id = ", f.Endpoint)
	}
	if f.Event != "" {
		w.and("event_id = ", f.Event)
	}
	if f.State != "" {
		w.and("state = ", f.State)
	}
	return pageOf(q, scanDelivery, func(d lanyard.Delivery) string { return string(d.ID) },
		`SELECT `+deliveryColumns+` FROM deliveries WHERE 1 = 1`, w, "id", descending, page)
}

// Delivery returns one delivery of a project.
func (q *Query) Delivery(project lanyard.ProjectID, id lanyard.DeliveryID) (lanyard.Delivery, error) {
	return get(q, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1 AND project_id = $2`, id, project)
}

// DeliveryOf returns the delivery of an event to an endpoint.
func (q *Query) DeliveryOf(endpoint lanyard.EndpointID, event lanyard.EventID) (lanyard.Delivery, error) {
	return get(q, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE endpoint_id = $1 AND event_id = $2`, endpoint, event)
}

// PurgeDeliveries removes up to limit deliveries that were made before a moment and
// are over, or whose endpoint is gone, and says how many.
func (tx *Tx) PurgeDeliveries(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM deliveries WHERE id IN (SELECT d.id FROM deliveries d WHERE d.id < $1
		AND (d.try_at = 0 OR NOT EXISTS (SELECT 1 FROM endpoints e WHERE e.id = d.endpoint_id)) ORDER BY d.id LIMIT $2)`,
		firstID("dlv_", before), limit)
	return int(n), err
}
