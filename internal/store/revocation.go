package store

import (
	"time"

	"lanyard"
)

// Revocation is a grant that was let go of and whose provider has not been told yet.
// Its tokens are sealed as they were in the grant.
type Revocation struct {
	Grant      lanyard.Grant // ids, issuer, kind, subject, family, generation, tokens, expiry
	Connection lanyard.ConnectionID
	Tries      int64
	TryAt      time.Time
	CreatedAt  time.Time
}

const revocationColumns = `grant_id, project_id, app_id, connection_id, issuer, kind, subject_hash, family, generation, tokens,
	access_expires, tries, try_at, created_at`

func scanRevocation(r row, v *Revocation) error {
	g := &v.Grant
	return r.Scan(&g.ID, &g.Project, &g.App, &v.Connection, &g.Issuer, &g.Kind, &g.SubjectHash, &g.Family, &g.Generation, &g.Tokens,
		asTime{&g.AccessExpires}, &v.Tries, asTime{&v.TryAt}, asTime{&v.CreatedAt})
}

// AddRevocation keeps a grant's tokens, in the transaction that deletes it: a crash
// before the provider is told does not leave them alive there.
func (tx *Tx) AddRevocation(v Revocation) error {
	g := v.Grant
	return tx.add("revocations", revocationColumns, []any{g.ID, g.Project, g.App, v.Connection, g.Issuer, g.Kind, g.SubjectHash, g.Family,
		g.Generation, g.Tokens, micros(g.AccessExpires), v.Tries, micros(v.TryAt), micros(tx.stamp(v.CreatedAt))})
}

// DueRevocations returns up to limit revocations that are to be tried at now, the
// longest due first.
func (q *Query) DueRevocations(now time.Time, limit int) ([]Revocation, error) {
	return all(q, scanRevocation, `SELECT `+revocationColumns+` FROM revocations WHERE try_at <= $1 ORDER BY try_at LIMIT $2`, micros(now), limit)
}

// ClaimRevocation lets one node try it: true if nobody has since it was read. The
// next try is at next.
func (tx *Tx) ClaimRevocation(v Revocation, next time.Time) (bool, error) {
	return tx.swap(`UPDATE revocations SET tries = tries + 1, try_at = $3 WHERE grant_id = $1 AND try_at = $2`, v.Grant.ID, micros(v.TryAt), micros(next))
}

// DropRevocation forgets it: the provider has been told, or cannot be.
func (tx *Tx) DropRevocation(id lanyard.GrantID) error {
	_, err := tx.exec(`DELETE FROM revocations WHERE grant_id = $1`, id)
	return err
}
