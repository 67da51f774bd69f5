package store

import (
	"errors"
	"time"

	"lanyard"
)

// Idempotency is a request that carried an Idempotency-Key, and its answer.
type Idempotency struct {
	ID        string // idm_; the answer is sealed to it
	Project   lanyard.ProjectID
	Key       lanyard.KeyID
	Route     string // "POST /v1/connections"
	KeyHash   []byte // keyed hash of the header's value
	BodyHash  []byte // keyed hash of the body: another body is a misuse
	Status    int    // HTTP status of the answer; 0: still running
	Answer    []byte // sealed with the project's key
	ExpiresAt time.Time
	CreatedAt time.Time
}

const idempotencyColumns = `id, project_id, key_id, route, key_hash, body_hash, status, answer, expires_at, created_at`

func scanIdempotency(r row, i *Idempotency) error {
	return r.Scan(&i.ID, &i.Project, &i.Key, &i.Route, &i.KeyHash, &i.BodyHash, &i.Status, &i.Answer,
		asTime{&i.ExpiresAt}, asTime{&i.CreatedAt})
}

// ClaimIdempotency writes the row of a request that begins, and returns nil; or
// returns the row of the one that has the (project, key, route, key hash) already.
// One that has expired is replaced. ID is the caller's, NewID("idm_").
func (tx *Tx) ClaimIdempotency(i Idempotency) (*Idempotency, error) {
	now := micros(tx.now)
	if _, err := tx.exec(`DELETE FROM idempotency WHERE project_id = $1 AND key_id = $2 AND route = $3 AND key_hash = $4
		AND expires_at <= $5`, i.Project, i.Key, i.Route, i.KeyHash, now); err != nil {
		return nil, err
	}
	n, err := tx.exec(insertInto("idempotency", idempotencyColumns)+` ON CONFLICT (project_id, key_id, route, key_hash) DO NOTHING`,
		i.ID, i.Project, i.Key, i.Route, i.KeyHash, i.BodyHash, i.Status, i.Answer, micros(i.ExpiresAt), micros(tx.stamp(i.CreatedAt)))
	if err != nil || n == 1 {
		return nil, err
	}
	there, err := get(&tx.Query, scanIdempotency, `SELECT `+idempotencyColumns+` FROM idempotency
		WHERE project_id = $1 AND key_id = $2 AND route = $3 AND key_hash = $4`, i.Project, i.Key, i.Route, i.KeyHash)
	if errors.Is(err, lanyard.CodeNotFound) { // dropped between the two statements
		return nil, lanyard.Errorf(lanyard.CodeIdempotencyInProgress, "")
	}
	if err != nil {
		return nil, err
	}
	return &there, nil
}

// FinishIdempotency writes status, sealed answer and expiry of a request that
// was running. Where the claim is gone, because it had expired, it is CodeNotFound.
func (tx *Tx) FinishIdempotency(i Idempotency) error {
	return tx.must(`UPDATE idempotency SET status = $3, answer = $4, expires_at = $5 WHERE id = $1 AND project_id = $2 AND status = 0`,
		i.ID, i.Project, i.Status, i.Answer, micros(i.ExpiresAt))
}

// DropIdempotency forgets a claim that is still running, so that the request
// can be sent again: for failures that are ours.
func (tx *Tx) DropIdempotency(i Idempotency) error {
	_, err := tx.exec(`DELETE FROM idempotency WHERE id = $1 AND project_id = $2 AND status = 0`, i.ID, i.Project)
	return err
}

// SweepIdempotency removes up to limit rows that have expired, and says how many.
func (tx *Tx) SweepIdempotency(limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM idempotency WHERE id IN (SELECT i.id FROM idempotency i WHERE i.expires_at <= $1
		ORDER BY i.expires_at LIMIT $2)`, micros(tx.now), limit)
	return int(n), err
}
