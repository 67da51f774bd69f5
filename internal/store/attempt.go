package store

import "lanyard"

const attemptColumns = `id, project_id, app_id, grant_id, flow_id, kind, family, generation, node, started_at, deadline,
	ended_at, outcome, class, error, status, request_id`

func scanAttempt(r row, a *lanyard.Attempt) error {
	return r.Scan(&a.ID, &a.Project, &a.App, &a.Grant, &a.Flow, &a.Kind, &a.Family, &a.Generation, &a.Node, asTime{&a.StartedAt},
		asTime{&a.Deadline}, asTime{&a.EndedAt}, &a.Outcome, &a.Class, &a.Error, &a.Status, &a.RequestID)
}

// AddAttempt writes the intent, before the call is made (I1). Where it cannot be
// written, the transaction's commit may be what says so.
func (tx *Tx) AddAttempt(a lanyard.Attempt) error {
	return tx.addLast("attempts", attemptColumns, []any{a.ID, a.Project, a.App, a.Grant, a.Flow, a.Kind, a.Family, a.Generation, a.Node,
		micros(tx.stamp(a.StartedAt)), micros(a.Deadline), micros(a.EndedAt), a.Outcome, a.Class, a.Error, a.Status, a.RequestID})
}

// RememberAttempt writes an attempt that the database may have lost, as it has ended;
// if it is there, nothing happens.
func (tx *Tx) RememberAttempt(a lanyard.Attempt) error {
	_, err := tx.exec(insertInto("attempts", attemptColumns)+` ON CONFLICT (id) DO NOTHING`, a.ID, a.Project, a.App, a.Grant, a.Flow, a.Kind,
		a.Family, a.Generation, a.Node, micros(tx.stamp(a.StartedAt)), micros(a.Deadline), micros(tx.stamp(a.EndedAt)), a.Outcome, a.Class,
		a.Error, a.Status, a.RequestID)
	return err
}

// MoveAttempts moves a node's attempts on one generation of a grant to another.
func (tx *Tx) MoveAttempts(grant lanyard.GrantID, node, family string, from, to int64) error {
	_, err := tx.exec(`UPDATE attempts SET generation = $5 WHERE grant_id = $1 AND node = $2 AND family = $3 AND generation = $4`,
		grant, node, family, from, to)
	return err
}

// EndAttempt writes what became of an attempt, if it is still open: false means
// that somebody has closed it. The grant is written too, since a code exchange
// learns only then which it made.
func (tx *Tx) EndAttempt(a lanyard.Attempt) (bool, error) {
	return tx.swap(endAttempt, tx.endArgs(a)...)
}

const endAttempt = `UPDATE attempts SET grant_id = $3, ended_at = $4, outcome = $5, class = $6, error = $7, status = $8, request_id = $9
	WHERE id = $1 AND project_id = $2 AND ended_at = 0`

func (tx *Tx) endArgs(a lanyard.Attempt) []any {
	return []any{a.ID, a.Project, a.Grant, micros(tx.stamp(a.EndedAt)), a.Outcome, a.Class, a.Error, a.Status, a.RequestID}
}

// Attempts lists the attempts of a grant, newest first.
func (q *Query) Attempts(project lanyard.ProjectID, grant lanyard.GrantID, page lanyard.Page) ([]lanyard.Attempt, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	w.and("grant_id = ", grant)
	return pageOf(q, scanAttempt, func(a lanyard.Attempt) string { return string(a.ID) },
		`SELECT `+attemptColumns+` FROM attempts WHERE 1 = 1`, w, "id", descending, page)
}

// AttemptsOn returns every attempt that has sent the refresh token of one
// generation, oldest first: what decides whether it may be sent again (I7) and
// what a rejection means (I8).
func (q *Query) AttemptsOn(grant lanyard.GrantID, family string, generation int64) ([]lanyard.Attempt, error) {
	return all(q, scanAttempt, `SELECT `+attemptColumns+` FROM attempts
		WHERE grant_id = $1 AND family = $2 AND generation = $3 ORDER BY id`, grant, family, generation)
}

// OpenAttempts returns the attempts of a node that have no end, oldest first:
// running ones, and at start those that it died with (I14).
func (q *Query) OpenAttempts(node string) ([]lanyard.Attempt, error) {
	return all(q, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE node = $1 AND ended_at = 0 ORDER BY id`, node)
}
