package store

import (
	"time"

	"lanyard"
)

// Key is an API key (lyk_) or operator key (lyo_) as it is kept: never its
// secret half, only the MAC of it.
type Key struct {
	ID         lanyard.KeyID
	Project    lanyard.ProjectID // empty: an operator's
	Operator   bool
	Name       string
	MAC        []byte
	Scopes     []lanyard.Scope
	Providers  []string
	Labels     []string
	CIDRs      []string
	Dialect    lanyard.Dialect
	Bot        lanyard.BotID       // it is this bot's own
	Rules      []lanyard.ProxyRule // calls it may make through the proxy; empty: any
	ExpiresAt  time.Time           // zero: never
	RevokedAt  time.Time           // zero: in force
	LastUsedAt time.Time           // as of the last batch
	CreatedAt  time.Time
}

const keyColumns = `id, project_id, operator, name, mac, scopes, providers, labels, cidrs,
	dialect, bot_id, proxy_rules, expires_at, revoked_at, last_used_at, created_at`

func scanKey(r row, k *Key) error {
	return r.Scan(&k.ID, &k.Project, asFlag{&k.Operator}, &k.Name, &k.MAC, list(&k.Scopes), list(&k.Providers),
		list(&k.Labels), list(&k.CIDRs),
		&k.Dialect, &k.Bot, value(&k.Rules), asTime{&k.ExpiresAt}, asTime{&k.RevokedAt}, asTime{&k.LastUsedAt}, asTime{&k.CreatedAt})
}

// Key returns a key by its public id, of whichever project: it is how a caller
// is found, so there is no project to ask for yet. Revoked and expired ones are
// returned too.
func (q *Query) Key(id lanyard.KeyID) (Key, error) {
	return get(q, scanKey, `SELECT `+keyColumns+` FROM keys WHERE id = $1`, id)
}

// Keys lists the keys of a project, newest first; project "" lists the operator's.
func (q *Query) Keys(project lanyard.ProjectID, page lanyard.Page) ([]Key, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	return pageOf(q, scanKey, func(k Key) string { return string(k.ID) },
		`SELECT `+keyColumns+` FROM keys WHERE 1 = 1`, w, "id", descending, page)
}

// AddKey writes a new key.
func (tx *Tx) AddKey(k Key) error {
	return tx.add("keys", keyColumns, []any{k.ID, k.Project, flag(k.Operator), k.Name, k.MAC, listText(k.Scopes),
		listText(k.Providers), listText(k.Labels), listText(k.CIDRs),
		k.Dialect, k.Bot, asJSON(len(k.Rules), k.Rules), micros(k.ExpiresAt), micros(k.RevokedAt),
		micros(k.LastUsedAt), micros(tx.stamp(k.CreatedAt))})
}

// RevokeKey ends a key now. Ending it twice keeps the first time.
func (tx *Tx) RevokeKey(project lanyard.ProjectID, id lanyard.KeyID) error {
	return tx.must(`UPDATE keys SET revoked_at = CASE WHEN revoked_at = 0 THEN $3 ELSE revoked_at END
		WHERE id = $1 AND project_id = $2`, id, project, micros(tx.now))
}

// LockKey keeps a key from being revoked until the transaction ends. Error: not_found where
// it is revoked, or is none.
func (tx *Tx) LockKey(id lanyard.KeyID) (Key, error) {
	return get(&tx.Query, scanKey, `UPDATE keys SET revoked_at = revoked_at WHERE id = $1 AND revoked_at = 0 RETURNING `+keyColumns, id)
}

// TouchKeys notes when keys were last used; the later time stays. Keys that are
// gone are passed over.
func (tx *Tx) TouchKeys(used map[lanyard.KeyID]time.Time) error {
	for _, id := range sortedKeys(used) { // one order for all, so that two nodes cannot deadlock
		if _, err := tx.exec(`UPDATE keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`, id, micros(used[id])); err != nil {
			return err
		}
	}
	return nil
}
