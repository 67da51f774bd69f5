package store

import (
	"fmt"
	"time"

	"lanyard"
)

const grantColumns = `id, project_id, app_id, issuer, kind, subject_hash, family, generation, tokens, previous, scopes,
	requested, access_expires, has_refresh, health, reason, lease_owner, lease_until, refresh_at, refreshed_at,
	rejected_at, retry_at, used_at, eager_at, needed_at, rank, refresh_expires, expiring_at, dead_at, consented_at,
	created_at, updated_at`

// grantDest is where the columns go. Each may be NULL: a connection outlives its grant.
func grantDest(g *lanyard.Grant) []any {
	return []any{text(&g.ID), text(&g.Project), text(&g.App), text(&g.Issuer), text(&g.Kind), &g.SubjectHash, text(&g.Family),
		asInt{&g.Generation}, &g.Tokens, &g.Previous, list(&g.Scopes), list(&g.Requested), asTime{&g.AccessExpires},
		asFlag{&g.HasRefresh}, text(&g.Health), text(&g.Reason), text(&g.Lease.Owner), asTime{&g.Lease.Until},
		asTime{&g.RefreshAt}, asTime{&g.RefreshedAt}, asTime{&g.RejectedAt}, asTime{&g.RetryAt},
		asTime{&g.UsedAt}, asTime{&g.EagerAt}, asTime{&g.NeededAt}, asInt{(*int64)(&g.Rank)}, asTime{&g.RefreshExpires}, asTime{&g.ExpiringAt},
		asTime{&g.DeadAt}, asTime{&g.ConsentedAt}, asTime{&g.CreatedAt}, asTime{&g.UpdatedAt}}
}

func scanGrant(r row, g *lanyard.Grant) error { return r.Scan(grantDest(g)...) }

// Grant returns one grant of the project, or CodeNotFound.
func (q *Query) Grant(project lanyard.ProjectID, id lanyard.GrantID) (lanyard.Grant, error) {
	return get(q, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE id = $1 AND project_id = $2`, id, project)
}

// GrantBySubject finds the one grant of a provider account for an app. An app
// belongs to one project, and so does what is found.
func (q *Query) GrantBySubject(app lanyard.AppID, issuer, kind string, subjectHash []byte) (lanyard.Grant, error) {
	return get(q, scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE app_id = $1 AND issuer = $2 AND kind = $3 AND subject_hash = $4`, app, issuer, kind, subjectHash)
}

// GrantsOfAccount finds an account's grants for an app by its AccountHash, of every
// kind and organisation.
func (q *Query) GrantsOfAccount(app lanyard.AppID, hash []byte) ([]lanyard.Grant, error) {
	return all(q, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE app_id = $1 AND account_hash = $2 ORDER BY id`, app, hash)
}

// GrantsOfOrganization finds an organisation's grants for an app by its OrganizationHash.
func (q *Query) GrantsOfOrganization(app lanyard.AppID, hash []byte) ([]lanyard.Grant, error) {
	return all(q, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE app_id = $1 AND organization_hash = $2 ORDER BY id`, app, hash)
}

// ConnectionsOf returns the connections that hold a grant, revoked ones too, oldest first.
func (q *Query) ConnectionsOf(id lanyard.GrantID) ([]lanyard.Connection, error) {
	return all(q, scanConnection, `SELECT `+connectionColumns+` FROM connections WHERE grant_id = $1 ORDER BY id`, id)
}

// AddGrant writes a new grant. Where another made the grant of the same account
// meanwhile, the error is an *ExistsError: read it and adopt (T10, I11).
func (tx *Tx) AddGrant(g lanyard.Grant) error {
	return tx.add("grants", grantColumns+", account_hash, organization_hash", []any{g.ID, g.Project, g.App, g.Issuer, g.Kind, g.SubjectHash, g.Family, g.Generation,
		g.Tokens, g.Previous, listText(g.Scopes), listText(g.Requested), micros(g.AccessExpires), flag(g.HasRefresh), g.Health,
		g.Reason, g.Lease.Owner, micros(g.Lease.Until), micros(g.RefreshAt), micros(g.RefreshedAt), micros(g.RejectedAt),
		micros(g.RetryAt), micros(g.UsedAt), micros(g.EagerAt), micros(g.NeededAt), int64(g.Rank), micros(g.RefreshExpires),
		micros(g.ExpiringAt), micros(g.DeadAt), micros(g.ConsentedAt), micros(tx.stamp(g.CreatedAt)), micros(tx.stamp(g.UpdatedAt)),
		orNull(g.AccountHash), orNull(g.OrganizationHash)})
}

// CommitTokens writes what a renewal or a new consent has brought: family,
// generation, tokens, scopes, expiry, health, times; not the lease. It happens
// only if the row is still at (family, parent), and at nothing else (I5): false
// means that another consent or renewal was faster, and the caller journals and
// drops (I12). What the grant's connections lack is worked out anew.
func (tx *Tx) CommitTokens(g lanyard.Grant, family string, parent int64) (bool, error) {
	ok, err := tx.swap(commitTokens, tx.commitArgs(g, family, parent, "")...)
	if err != nil || !ok {
		return ok, err
	}
	if err := tx.deriveMissing(g.ID, g.Scopes); err != nil {
		return false, fmt.Errorf("derive missing scopes: %w", err)
	}
	return true, nil
}

// commitTokens gives back a lease of this owner too; ” is nobody.
const commitTokens = `UPDATE grants SET family = $5, generation = $6, tokens = $7, previous = $8, scopes = $9, requested = $10,
	access_expires = $11, has_refresh = $12, health = $13, reason = $14, refresh_at = $15, refreshed_at = $16,
	rejected_at = $17, retry_at = $18, updated_at = $19, eager_at = $20, rank = $21, refresh_expires = $22, dead_at = $23,
	expiring_at = $24, lease_until = CASE WHEN lease_owner = $25 THEN 0 ELSE lease_until END,
	lease_owner = CASE WHEN lease_owner = $25 THEN '' ELSE lease_owner END
	WHERE id = $1 AND project_id = $2 AND family = $3 AND generation = $4`

func (tx *Tx) commitArgs(g lanyard.Grant, family string, parent int64, owner string) []any {
	return []any{g.ID, g.Project, family, parent,
		g.Family, g.Generation, g.Tokens, g.Previous, listText(g.Scopes), listText(g.Requested), micros(g.AccessExpires),
		flag(g.HasRefresh), g.Health, g.Reason, micros(g.RefreshAt), micros(g.RefreshedAt), micros(g.RejectedAt),
		micros(g.RetryAt), micros(tx.now), micros(g.EagerAt), int64(g.Rank), micros(g.RefreshExpires), micros(g.DeadAt),
		micros(g.ExpiringAt), owner}
}

// ConsentGrant notes when the code of a grant's last consent was sent.
func (tx *Tx) ConsentGrant(id lanyard.GrantID, at time.Time) error {
	return tx.must(`UPDATE grants SET consented_at = $2 WHERE id = $1`, id, micros(at))
}

// PutGrantHealth writes health, reason and the times of the next and last tries,
// if the row is still at (family, generation) (I8).
func (tx *Tx) PutGrantHealth(g lanyard.Grant, family string, generation int64) (bool, error) {
	return tx.swap(`UPDATE grants SET health = $5, reason = $6, refresh_at = $7, rejected_at = $8, retry_at = $9, updated_at = $10,
		rank = $11, dead_at = $12, eager_at = $13
		WHERE id = $1 AND project_id = $2 AND family = $3 AND generation = $4`, g.ID, g.Project, family, generation,
		g.Health, g.Reason, micros(g.RefreshAt), micros(g.RejectedAt), micros(g.RetryAt), micros(tx.now),
		int64(g.Rank), micros(g.DeadAt), micros(g.EagerAt))
}

// DropPrevious forgets the tokens before the last renewal of up to limit grants
// that were renewed before a moment (I16), and says of how many.
func (tx *Tx) DropPrevious(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`UPDATE grants SET previous = NULL WHERE id IN (SELECT g.id FROM grants g WHERE g.previous IS NOT NULL
		AND g.refreshed_at < $1 ORDER BY g.refreshed_at LIMIT $2)`, micros(before), limit)
	return int(n), err
}

// LockGrant keeps everybody else from changing a grant until the transaction
// ends: who lets go of it and who takes hold of it are to see each other. False:
// there is none.
func (tx *Tx) LockGrant(project lanyard.ProjectID, id lanyard.GrantID) (bool, error) {
	return tx.swap(`UPDATE grants SET updated_at = updated_at WHERE id = $1 AND project_id = $2`, id, project)
}

// LockedGrant is Grant, and LockGrant before it.
func (tx *Tx) LockedGrant(project lanyard.ProjectID, id lanyard.GrantID) (lanyard.Grant, error) {
	lock := ""
	if !tx.d.local { // SQLite has one writer, and that is this transaction
		lock = ` FOR NO KEY UPDATE`
	}
	return get(&tx.Query, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE id = $1 AND project_id = $2`+lock, id, project)
}

// ClaimGrant leases a grant to a node: true if nobody else holds it, by the
// clock of the database. Not even its owner claims it twice: a node that has
// restarted first closes its attempts and releases (I14).
func (tx *Tx) ClaimGrant(id lanyard.GrantID, owner string, until time.Time) (bool, error) {
	return tx.swap(`UPDATE grants SET lease_owner = $2, lease_until = $3 WHERE id = $1 AND (lease_owner = '' OR lease_until <= $4)`,
		id, owner, micros(until), micros(tx.now))
}

// ReleaseGrant gives the lease back, if it is still the owner's; otherwise nothing happens.
func (tx *Tx) ReleaseGrant(id lanyard.GrantID, owner string) error {
	_, err := tx.exec(`UPDATE grants SET lease_owner = '', lease_until = 0 WHERE id = $1 AND lease_owner = $2`, id, owner)
	return err
}

// DeleteGrant removes a grant and its tokens, and what is known of the meetings of its
// account. Its connections stay as they are, without a grant.
func (tx *Tx) DeleteGrant(id lanyard.GrantID) error {
	if err := tx.forgetMeetings(id); err != nil {
		return err
	}
	return tx.must(`DELETE FROM grants WHERE id = $1`, id)
}
