package store

import (
	"time"

	"lanyard"
)

const tokenURLColumns = `id, project_id, name, secret_hash, types, contract, sealed, bot_id, candidates, scopes, cidrs,
	key_id, providers, labels, expires_at, revoked_at, last_used_at, created_at`

func scanTokenURL(r row, u *lanyard.TokenURL) error {
	return r.Scan(text(&u.ID), text(&u.Project), &u.Name, &u.SecretHash, list(&u.Types), text(&u.Contract), &u.Sealed, text(&u.Bot),
		value(&u.Candidates), list(&u.Scopes), list(&u.CIDRs), text(&u.Key), list(&u.Providers), list(&u.Labels),
		asTime{&u.ExpiresAt}, asTime{&u.RevokedAt}, asTime{&u.LastUsedAt}, asTime{&u.CreatedAt})
}

// TokenURLBySecret finds a token URL by the hash of its secret: that is the
// credential, so there is no project to ask for. Revoked and expired ones are
// returned too.
func (q *Query) TokenURLBySecret(secretHash []byte) (lanyard.TokenURL, error) {
	return get(q, scanTokenURL, `SELECT `+tokenURLColumns+` FROM token_urls WHERE secret_hash = $1`, secretHash)
}

// TokenURL returns one of a project.
func (q *Query) TokenURL(project lanyard.ProjectID, id lanyard.TokenURLID) (lanyard.TokenURL, error) {
	return get(q, scanTokenURL, `SELECT `+tokenURLColumns+` FROM token_urls WHERE id = $1 AND project_id = $2`, id, project)
}

// TokenURLs lists those of a project, newest first, revoked ones too; of one bot, or of
// all that were not made for one.
func (q *Query) TokenURLs(project lanyard.ProjectID, bot lanyard.BotID, page lanyard.Page) ([]lanyard.TokenURL, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	w.and("bot_id = ", bot)
	return pageOf(q, scanTokenURL, func(u lanyard.TokenURL) string { return string(u.ID) },
		`SELECT `+tokenURLColumns+` FROM token_urls WHERE 1 = 1`, w, "id", descending, page)
}

// TokenURLsOfKey lists those that a key has made in a project, as TokenURLs, with those
// that it has made for bots.
func (q *Query) TokenURLsOfKey(project lanyard.ProjectID, key lanyard.KeyID, page lanyard.Page) ([]lanyard.TokenURL, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	w.and("key_id = ", key)
	return pageOf(q, scanTokenURL, func(u lanyard.TokenURL) string { return string(u.ID) },
		`SELECT `+tokenURLColumns+` FROM token_urls WHERE key_id <> ''`, w, "id", descending, page)
}

// MadeByKey is how many token URLs that a key has made in a project are in force.
type MadeByKey struct {
	Project lanyard.ProjectID
	Count   int
}

// TokenURLsInForce counts those that a key has made, those for bots too, by project: an
// operator's key makes them in several.
func (q *Query) TokenURLsInForce(key lanyard.KeyID) ([]MadeByKey, error) {
	now, err := q.Now()
	if err != nil {
		return nil, err
	}
	return all(q, func(r row, m *MadeByKey) error { return r.Scan(&m.Project, &m.Count) },
		`SELECT project_id, count(*) FROM token_urls WHERE key_id = $1 AND `+madeByKey+` GROUP BY project_id ORDER BY project_id`, key, micros(now))
}

// madeByKey has the conditions of the index, and that they are in force at $2.
const madeByKey = `key_id <> '' AND revoked_at = 0 AND (expires_at = 0 OR expires_at > $2)`

// AddTokenURL writes a new one.
func (tx *Tx) AddTokenURL(u lanyard.TokenURL) error {
	return tx.add("token_urls", tokenURLColumns, []any{u.ID, u.Project, u.Name, u.SecretHash, listText(u.Types), u.Contract, orNull(u.Sealed),
		u.Bot, asJSON(len(u.Candidates), u.Candidates), listText(u.Scopes), listText(u.CIDRs), u.Key, listText(u.Providers), listText(u.Labels),
		micros(u.ExpiresAt), micros(u.RevokedAt), micros(u.LastUsedAt), micros(tx.stamp(u.CreatedAt))})
}

// RevokeTokenURL ends one now. Ending it twice keeps the first time.
func (tx *Tx) RevokeTokenURL(project lanyard.ProjectID, id lanyard.TokenURLID) error {
	return tx.must(`UPDATE token_urls SET revoked_at = CASE WHEN revoked_at = 0 THEN $3 ELSE revoked_at END
		WHERE id = $1 AND project_id = $2`, id, project, micros(tx.now))
}

// RevokeTokenURLsOf ends all that were made for a bot, and says how many it has ended.
func (tx *Tx) RevokeTokenURLsOf(project lanyard.ProjectID, bot lanyard.BotID) (int, error) {
	n, err := tx.exec(`UPDATE token_urls SET revoked_at = $3 WHERE id IN (
		SELECT id FROM token_urls WHERE bot_id = $2 AND bot_id <> '' AND project_id = $1 AND revoked_at = 0`+tx.d.inOrder+`)`,
		project, bot, micros(tx.now))
	return int(n), err
}

// RevokeTokenURLsOfKey ends all in force that a key has made in a project, those for bots
// too, and says how many: in the order of TouchTokenURLs.
func (tx *Tx) RevokeTokenURLsOfKey(project lanyard.ProjectID, key lanyard.KeyID) (int, error) {
	n, err := tx.exec(`UPDATE token_urls SET revoked_at = $2 WHERE id IN (
		SELECT id FROM token_urls WHERE key_id = $1 AND `+madeByKey+` AND project_id = $3`+tx.d.inOrder+`)`, key, micros(tx.now), project)
	return int(n), err
}

// TouchTokenURLs notes when they were last used, as TouchKeys.
func (tx *Tx) TouchTokenURLs(used map[lanyard.TokenURLID]time.Time) error {
	for _, id := range sortedKeys(used) {
		if _, err := tx.exec(`UPDATE token_urls SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`, id, micros(used[id])); err != nil {
			return err
		}
	}
	return nil
}

// PurgeTokenURLs removes up to limit that have ended, by revocation or expiry, before a
// moment, and says how many.
func (tx *Tx) PurgeTokenURLs(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM token_urls WHERE id IN (SELECT u.id FROM token_urls u WHERE u.id < $1
		AND (u.revoked_at > 0 AND u.revoked_at < $2 OR u.expires_at > 0 AND u.expires_at < $2) ORDER BY u.id LIMIT $3)`,
		firstID("tu_", before), micros(before), limit)
	return int(n), err
}
