package store

import "lanyard"

const sessionColumns = `id, project_id, app_id, person_id, purpose, connection_id, link_hash, return_url, origin, label,
	metadata, scopes, scopes_optional, state, last_error, expires_at, created_at, updated_at, sealed`

func scanSession(r row, s *lanyard.Session) error {
	return r.Scan(&s.ID, &s.Project, &s.App, &s.Person, &s.Purpose, &s.Connection, &s.LinkHash, &s.ReturnURL, &s.Origin,
		&s.Label, asDict{&s.Metadata}, list(&s.Scopes), list(&s.ScopesOptional), &s.State, &s.LastError,
		asTime{&s.ExpiresAt}, asTime{&s.CreatedAt}, asTime{&s.UpdatedAt}, &s.Sealed)
}

// Session returns one invitation of the project, or CodeNotFound.
func (q *Query) Session(project lanyard.ProjectID, id lanyard.SessionID) (lanyard.Session, error) {
	return get(q, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1 AND project_id = $2`, id, project)
}

// SessionByLink finds an invitation by the hash of its link's secret: the link
// is the credential, so there is no project to ask for.
func (q *Query) SessionByLink(linkHash []byte) (lanyard.Session, error) {
	return get(q, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE link_hash = $1`, linkHash)
}

// Sessions lists the invitations of a project, newest first.
func (q *Query) Sessions(project lanyard.ProjectID, page lanyard.Page) ([]lanyard.Session, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	return pageOf(q, scanSession, func(s lanyard.Session) string { return string(s.ID) },
		`SELECT `+sessionColumns+` FROM sessions WHERE 1 = 1`, w, "id", descending, page)
}

// AddSession writes a new invitation.
func (tx *Tx) AddSession(s lanyard.Session) error {
	return tx.add("sessions", sessionColumns, []any{s.ID, s.Project, s.App, s.Person, s.Purpose, s.Connection, orNull(s.LinkHash),
		s.ReturnURL, s.Origin, s.Label, dictText(s.Metadata), listText(s.Scopes), listText(s.ScopesOptional), s.State,
		s.LastError, micros(s.ExpiresAt), micros(tx.stamp(s.CreatedAt)), micros(tx.stamp(s.UpdatedAt)), s.Sealed})
}

// PutSession writes everything of an invitation that can change (connection,
// link, state, last error, expiry), and sets updated_at.
func (tx *Tx) PutSession(s lanyard.Session) error {
	return tx.must(`UPDATE sessions SET connection_id = $3, link_hash = $4, state = $5, last_error = $6, expires_at = $7,
		updated_at = $8 WHERE id = $1 AND project_id = $2`,
		s.ID, s.Project, s.Connection, orNull(s.LinkHash), s.State, s.LastError, micros(s.ExpiresAt), micros(tx.now))
}
