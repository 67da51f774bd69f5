package store

import "lanyard"

const flowColumns = `id, project_id, app_id, session_id, person_id, state_hash, cookie_hash, sealed, parked,
	completion_hash, completion_expires_at, state, error, expires_at, created_at, code_hash`

func scanFlow(r row, f *lanyard.Flow) error {
	return r.Scan(&f.ID, &f.Project, &f.App, &f.Session, &f.Person, &f.StateHash, &f.CookieHash, &f.Sealed, &f.Parked,
		&f.CompletionHash, asTime{&f.CompletionExpiresAt}, &f.State, &f.Error, asTime{&f.ExpiresAt}, asTime{&f.CreatedAt}, &f.CodeHash)
}

// FlowByState finds a flow by the hash of the state on the wire, which is the
// credential here: no project is known yet.
func (q *Query) FlowByState(hash []byte) (lanyard.Flow, error) {
	return get(q, scanFlow, `SELECT `+flowColumns+` FROM flows WHERE state_hash = $1`, hash)
}

// FlowByCompletion finds a flow by the hash of its completion code. The caller
// compares the project with its own, and finds nothing where they differ (T22).
func (q *Query) FlowByCompletion(hash []byte) (lanyard.Flow, error) {
	return get(q, scanFlow, `SELECT `+flowColumns+` FROM flows WHERE completion_hash = $1`, hash)
}

// FlowByCode finds the flow that a code without state was traded in, by the keyed
// hash of it, which has the project in it.
func (q *Query) FlowByCode(hash []byte) (lanyard.Flow, error) {
	return get(q, scanFlow, `SELECT `+flowColumns+` FROM flows WHERE code_hash = $1`, hash)
}

// Flow returns a flow by its id, which never leaves the server.
func (q *Query) Flow(id lanyard.FlowID) (lanyard.Flow, error) {
	return get(q, scanFlow, `SELECT `+flowColumns+` FROM flows WHERE id = $1`, id)
}

// OverdueFlows returns up to limit flows whose time is over: started or parked,
// past their expiry or that of their completion; and redeeming past their expiry,
// which then is that of the call, so that their node has died.
func (q *Query) OverdueFlows(limit int) ([]lanyard.Flow, error) {
	now, err := q.Now()
	if err != nil {
		return nil, err
	}
	return all(q, scanFlow, `SELECT `+flowColumns+` FROM flows WHERE state IN ('started', 'parked', 'redeeming')
		AND (expires_at <= $1 OR (state <> 'redeeming' AND completion_expires_at > 0 AND completion_expires_at <= $1)) ORDER BY id LIMIT $2`, micros(now), limit)
}

// AddFlow writes a new flow.
func (tx *Tx) AddFlow(f lanyard.Flow) error {
	return tx.add("flows", flowColumns, []any{f.ID, f.Project, f.App, f.Session, f.Person, orNull(f.StateHash), f.CookieHash,
		f.Sealed, f.Parked, orNull(f.CompletionHash), micros(f.CompletionExpiresAt), f.State, f.Error, micros(f.ExpiresAt),
		micros(tx.stamp(f.CreatedAt)), orNull(f.CodeHash)})
}

// MoveFlow writes everything of a flow that can change, if it is still in the
// state from: false means that the step was taken by somebody else. An empty
// StateHash or CompletionHash is spent and finds nothing any more.
func (tx *Tx) MoveFlow(f lanyard.Flow, from lanyard.FlowState) (bool, error) {
	return tx.swap(`UPDATE flows SET session_id = $4, person_id = $5, state_hash = $6, cookie_hash = $7, sealed = $8,
		parked = $9, completion_hash = $10, completion_expires_at = $11, state = $12, error = $13, expires_at = $14
		WHERE id = $1 AND project_id = $2 AND state = $3`, f.ID, f.Project, from, f.Session, f.Person, orNull(f.StateHash),
		f.CookieHash, f.Sealed, f.Parked, orNull(f.CompletionHash), micros(f.CompletionExpiresAt), f.State, f.Error, micros(f.ExpiresAt))
}
