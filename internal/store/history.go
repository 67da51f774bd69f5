package store

import (
	"time"

	"lanyard"
)

// ReleaseGrants gives back every lease of a node, before its attempts are ended: at
// its start they are those that it died with (I14). Who has a lease has an attempt
// that is open, and no index of leases needs to be kept up with every claim.
func (tx *Tx) ReleaseGrants(owner string) error {
	_, err := tx.exec(`UPDATE grants SET lease_owner = '', lease_until = 0 WHERE lease_owner = $1
		AND id IN (SELECT grant_id FROM attempts WHERE node = $1 AND ended_at = 0)`, owner)
	return err
}

// ReceivedFlows returns up to limit flows whose tokens wait for it to be known
// whose they are, made before a moment, oldest first.
func (q *Query) ReceivedFlows(before time.Time, limit int) ([]lanyard.Flow, error) {
	return all(q, scanFlow, `SELECT `+flowColumns+` FROM flows WHERE state = 'received' AND created_at < $1
		ORDER BY id LIMIT $2`, micros(before), limit)
}

// AppByClient finds the app that has registered a client, in whatever project:
// for telling a caller who proves the client's secret, and nobody else.
func (q *Query) AppByClient(clientHash []byte) (lanyard.App, error) {
	return get(q, scanApp, `SELECT `+appColumns+` FROM apps WHERE client_hash = $1`, clientHash)
}

// SuccessBetween says whether another grant of the app was renewed from beginning to
// end between two moments: an app whose other people's tokens still renew is not what
// is wrong (I8, I9). One that ended later may have been the first after a fault of the
// provider that struck everybody.
func (q *Query) SuccessBetween(app lanyard.AppID, except lanyard.GrantID, from, to time.Time) (bool, error) {
	ids, err := all(q, func(r row, id *string) error { return r.Scan(id) }, `SELECT id FROM attempts
		WHERE app_id = $1 AND ended_at >= $2 AND ended_at <= $3 AND started_at >= $2 AND kind = 'refresh' AND outcome IN ('ok', 'ok_partial')
		AND grant_id <> $4 LIMIT 1`, app, micros(from), micros(to), except)
	return len(ids) > 0, err
}
