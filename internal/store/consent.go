package store

import (
	"encoding/json"
	"time"

	"lanyard"
)

const consentColumns = `id, project_id, connection_id, grant_id, app_id, client_id, provider, label, person_id, session_id,
	origin, shown, text_hash, asked, granted, missing, shown_at, asked_at, granted_at, sealed, who, key_id, state, ended_at,
	ended_by, reason, superseded_by, at_provider, provider_status, provider_detail, provider_again, answered_at, lives_until,
	created_at`

func scanConsent(r row, c *lanyard.Consent) error {
	a := &c.Answer
	return r.Scan(&c.ID, &c.Project, &c.Connection, &c.Grant, &c.App, &c.ClientID, &c.Provider, &c.Label, &c.Person, &c.Session,
		&c.Origin, &c.Shown, &c.TextHash, list(&c.Asked), list(&c.Granted), list(&c.Missing), asTime{&c.ShownAt}, asTime{&c.AskedAt},
		asTime{&c.GrantedAt}, &c.Sealed, &c.Who, &c.Key, &c.State, asTime{&c.EndedAt}, &c.EndedBy, &c.Reason, &c.SupersededBy,
		&a.Outcome, &a.Status, &a.Detail, asFlag{&a.Again}, asTime{&a.At}, asTime{&a.LivesUntil}, asTime{&c.CreatedAt})
}

// Consent returns one consent of the project, or CodeNotFound.
func (q *Query) Consent(project lanyard.ProjectID, id lanyard.ConsentID) (lanyard.Consent, error) {
	return get(q, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE id = $1 AND project_id = $2`, id, project)
}

// ConsentInForce returns the consent that a connection rests on, or CodeNotFound.
func (q *Query) ConsentInForce(project lanyard.ProjectID, id lanyard.ConnectionID) (lanyard.Consent, error) {
	return get(q, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE connection_id = $1 AND project_id = $2
		AND state = 'given' ORDER BY id DESC LIMIT 1`, id, project)
}

// Consents lists the consents of a project, newest first.
func (q *Query) Consents(project lanyard.ProjectID, f lanyard.ConsentFilter, page lanyard.Page) ([]lanyard.Consent, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	for _, c := range []struct{ column, is string }{{"person_id", string(f.Person)}, {"connection_id", string(f.Connection)},
		{"app_id", string(f.App)}, {"provider", f.Provider}, {"state", string(f.State)}} {
		if c.is != "" {
			w.and(c.column+" = ", c.is)
		}
	}
	return pageOf(q, scanConsent, func(c lanyard.Consent) string { return string(c.ID) },
		`SELECT `+consentColumns+` FROM consents WHERE 1 = 1`, w, "id", descending, page)
}

// AddConsent writes a new consent. Its text is there already, or there is none.
func (tx *Tx) AddConsent(c lanyard.Consent) error {
	a := c.Answer
	return tx.add("consents", consentColumns, []any{c.ID, c.Project, c.Connection, c.Grant, c.App, c.ClientID, c.Provider, c.Label,
		c.Person, c.Session, c.Origin, c.Shown, c.TextHash, listText(c.Asked), listText(c.Granted), listText(c.Missing),
		micros(c.ShownAt), micros(c.AskedAt), micros(c.GrantedAt), orNull(c.Sealed), c.Who, c.Key, c.State, micros(c.EndedAt),
		c.EndedBy, c.Reason, c.SupersededBy, a.Outcome, a.Status, a.Detail, flag(a.Again), micros(a.At), micros(a.LivesUntil),
		micros(tx.stamp(c.CreatedAt))})
}

// EndConsents ends the consents of a connection that are in force, except one, as end
// has it: state, time, by whom, why, and the answer. How many there were is returned.
func (tx *Tx) EndConsents(project lanyard.ProjectID, id lanyard.ConnectionID, except lanyard.ConsentID, end lanyard.Consent) (int64, error) {
	a := end.Answer
	return tx.exec(`UPDATE consents SET state = $4, ended_at = $5, ended_by = $6, reason = $7, superseded_by = $8, at_provider = $9,
		answered_at = $10 WHERE project_id = $1 AND connection_id = $2 AND state = 'given' AND id <> $3`,
		project, id, except, end.State, micros(tx.stamp(end.EndedAt)), end.EndedBy, end.Reason, end.SupersededBy, a.Outcome, micros(a.At))
}

// AnswerConsents notes what the provider answered to the withdrawals that ended a
// grant, where it has not given its last word yet.
func (tx *Tx) AnswerConsents(project lanyard.ProjectID, id lanyard.GrantID, a lanyard.ConsentAnswer) error {
	_, err := tx.exec(`UPDATE consents SET at_provider = $3, provider_status = $4, provider_detail = $5, provider_again = $6,
		answered_at = $7, lives_until = $8 WHERE project_id = $1 AND grant_id = $2 AND state = 'withdrawn'
		AND at_provider IN ('pending', 'failed', 'shared')`,
		project, id, a.Outcome, a.Status, a.Detail, flag(a.Again), micros(tx.stamp(a.At)), micros(a.LivesUntil))
	return err
}

// PurgeConsents removes up to limit consents that ended before a moment, and says how
// many. Texts stay: they name nobody, and are few.
func (tx *Tx) PurgeConsents(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM consents WHERE id IN (SELECT c.id FROM consents c
		WHERE c.ended_at > 0 AND c.ended_at < $1 ORDER BY c.ended_at LIMIT $2)`, micros(before), limit)
	return int(n), err
}

// ConsentText returns a text of the project by its hash, or CodeNotFound.
func (q *Query) ConsentText(project lanyard.ProjectID, hash string) (lanyard.ConsentText, error) {
	return get(q, func(r row, t *lanyard.ConsentText) error {
		var scopes string
		if err := r.Scan(&t.Version, &t.Language, list(&t.Lines), &scopes); err != nil || scopes == "" {
			return err
		}
		return json.Unmarshal([]byte(scopes), &t.Scopes)
	}, `SELECT version, language, lines, scopes FROM consent_texts WHERE project_id = $1 AND hash = $2`, project, hash)
}

// AddConsentText keeps a text, if it is not there yet.
func (tx *Tx) AddConsentText(project lanyard.ProjectID, t lanyard.ConsentText) error {
	_, err := tx.exec(`INSERT INTO consent_texts (project_id, hash, version, language, lines, scopes, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, project, t.Hash(), t.Version, t.Language, listText(t.Lines),
		asJSON(len(t.Scopes), t.Scopes), micros(tx.now))
	return err
}
