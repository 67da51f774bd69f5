package store

import (
	"time"

	"lanyard"
)

const portalColumns = `id, project_id, person_id, key_id, providers, labels, return_url, link_hash, cookie_hash, state,
	expires_at, used_at, created_at`

func scanPortal(r row, v *lanyard.Portal) error {
	return r.Scan(text(&v.ID), text(&v.Project), text(&v.Person), text(&v.Key), list(&v.Providers), list(&v.Labels), &v.ReturnURL,
		&v.LinkHash, &v.CookieHash, text(&v.State), asTime{&v.ExpiresAt}, asTime{&v.UsedAt}, asTime{&v.CreatedAt})
}

// PortalByLink finds a portal by the hash of its link's secret: the link is the
// credential, so there is no project to ask for.
func (q *Query) PortalByLink(linkHash []byte) (lanyard.Portal, error) {
	return get(q, scanPortal, `SELECT `+portalColumns+` FROM portals WHERE link_hash = $1`, linkHash)
}

// PortalByCookie finds it by the hash of the cookie of its browser.
func (q *Query) PortalByCookie(cookieHash []byte) (lanyard.Portal, error) {
	return get(q, scanPortal, `SELECT `+portalColumns+` FROM portals WHERE cookie_hash = $1`, cookieHash)
}

// AddPortal writes a new one.
func (tx *Tx) AddPortal(v lanyard.Portal) error {
	return tx.add("portals", portalColumns, []any{v.ID, v.Project, v.Person, v.Key, listText(v.Providers), listText(v.Labels), v.ReturnURL,
		v.LinkHash, orNull(v.CookieHash), v.State, micros(v.ExpiresAt), micros(v.UsedAt), micros(tx.stamp(v.CreatedAt))})
}

// MovePortal takes a portal from one state to the next, with its cookie and its
// times. False: somebody else has moved it, or it is another project's.
func (tx *Tx) MovePortal(v lanyard.Portal, from lanyard.PortalState) (bool, error) {
	return tx.swap(`UPDATE portals SET state = $4, cookie_hash = $5, expires_at = $6, used_at = $7
		WHERE id = $1 AND project_id = $2 AND state = $3`,
		v.ID, v.Project, from, v.State, orNull(v.CookieHash), micros(v.ExpiresAt), micros(v.UsedAt))
}

// PurgePortals removes up to limit portals that were over before a moment, and
// says how many.
func (tx *Tx) PurgePortals(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM portals WHERE id IN (SELECT p.id FROM portals p
		WHERE p.id < $1 AND p.expires_at < $2 ORDER BY p.id LIMIT $3)`, firstID("ptl_", before), micros(before), limit)
	return int(n), err
}
