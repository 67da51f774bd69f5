package store

import (
	"errors"
	"time"

	"lanyard"
)

const listingColumns = `grant_id, project_id, app_id, account, list_at, lease_until, listed_at, code, tries`

func scanListing(r row, l *lanyard.Listing) error {
	return r.Scan(text(&l.Grant), text(&l.Project), text(&l.App), &l.Account, asTime{&l.ListAt}, asTime{&l.LeaseUntil}, asTime{&l.ListedAt},
		text(&l.Code), &l.Tries)
}

// AskListing has the meetings of a grant's account listed at once: it has just been
// connected, or connected again.
func (tx *Tx) AskListing(l lanyard.Listing) error {
	_, err := tx.exec(insertInto("listings", listingColumns)+` ON CONFLICT (grant_id) DO UPDATE
		SET account = excluded.account, list_at = excluded.list_at, tries = 0`,
		l.Grant, l.Project, l.App, orNull(l.Account), micros(tx.stamp(l.ListAt)), micros(l.LeaseUntil), micros(l.ListedAt), l.Code, l.Tries)
	return err
}

// ListSoon has them listed at a moment, if nobody has asked for an earlier one.
func (tx *Tx) ListSoon(id lanyard.GrantID, at time.Time) error {
	_, err := tx.exec(`UPDATE listings SET list_at = $2 WHERE grant_id = $1 AND list_at > $2`, id, micros(at))
	return err
}

// Listing returns that of a grant, or CodeNotFound.
func (q *Query) Listing(id lanyard.GrantID) (lanyard.Listing, error) {
	return get(q, scanListing, `SELECT `+listingColumns+` FROM listings WHERE grant_id = $1`, id)
}

// Listings returns those of some grants; what is not listed is left out.
func (q *Query) Listings(ids []lanyard.GrantID) ([]lanyard.Listing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	w := &where{}
	in(w, "grant_id", ids)
	return all(q, scanListing, `SELECT `+listingColumns+` FROM listings WHERE 1 = 1`+w.text.String(), w.args...)
}

// ListingOf returns that of an account of an app, or CodeNotFound: it is not connected.
func (q *Query) ListingOf(app lanyard.AppID, account []byte) (lanyard.Listing, error) {
	return get(q, scanListing, `SELECT `+listingColumns+` FROM listings WHERE app_id = $1 AND account = $2
		ORDER BY grant_id DESC LIMIT 1`, app, account)
}

// LockListing is ListingOf, and whoever else locks it, or deletes its grant, waits. An
// account that is not connected has no id in it.
func (tx *Tx) LockListing(app lanyard.AppID, account []byte) (lanyard.Listing, error) {
	if len(account) == 0 {
		return lanyard.Listing{}, nil
	}
	if _, err := tx.exec(`UPDATE listings SET code = code WHERE app_id = $1 AND account = $2`, app, account); err != nil {
		return lanyard.Listing{}, err
	}
	l, err := tx.ListingOf(app, account)
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Listing{}, nil
	}
	return l, err
}

// ClaimListings leases up to limit lists that are due, the longest due first. Until then
// no other node makes them; LeaseUntil is the token with which the lease is known.
func (tx *Tx) ClaimListings(until time.Time, limit int) ([]lanyard.Listing, error) {
	return all(&tx.Query, scanListing, `UPDATE listings SET lease_until = $2
		WHERE list_at <= $1 AND lease_until <= $1 AND grant_id IN (SELECT l.grant_id FROM listings l
			WHERE l.list_at <= $1 AND l.lease_until <= $1 ORDER BY l.list_at LIMIT $3)
		RETURNING `+listingColumns, micros(tx.now), micros(until), limit)
}

// HoldListing says whether a lease is still ours, and keeps it so until the transaction
// ends: not, where the grant is gone.
func (tx *Tx) HoldListing(l lanyard.Listing) (bool, error) {
	return tx.swap(`UPDATE listings SET account = $3 WHERE grant_id = $1 AND lease_until = $2`, l.Grant, micros(l.LeaseUntil), orNull(l.Account))
}

// EndListing writes what came of a list, if its lease, which ended at leased, is still
// ours. Whoever has asked for another meanwhile gets it: then was is not what is there.
func (tx *Tx) EndListing(l lanyard.Listing, leased, was time.Time) (bool, error) {
	return tx.swap(`UPDATE listings SET lease_until = 0, listed_at = $3, code = $4, tries = $5,
		list_at = CASE WHEN list_at = $6 THEN $7 ELSE list_at END WHERE grant_id = $1 AND lease_until = $2`,
		l.Grant, micros(leased), micros(l.ListedAt), l.Code, l.Tries, micros(was), micros(l.ListAt))
}

// forgetMeetings forgets what is known of the meetings of a grant's account, and where
// its person was, in the transaction that ends the grant.
func (tx *Tx) forgetMeetings(id lanyard.GrantID) error {
	l, err := tx.Listing(id)
	if errors.Is(err, lanyard.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM listings WHERE grant_id = $1`, id); err != nil || len(l.Account) == 0 {
		return err
	}
	for _, q := range []string{
		`DELETE FROM attendances WHERE app_id = $1 AND (account = $2 OR meeting IN (SELECT m.meeting FROM meetings m WHERE m.app_id = $1 AND m.host = $2))`,
		`DELETE FROM meetings WHERE app_id = $1 AND host = $2`,
	} {
		if _, err := tx.exec(q, l.App, l.Account); err != nil {
			return err
		}
	}
	return nil
}

// ListingDue says whether a list is due that nobody makes.
func (q *Query) ListingDue(now time.Time) (bool, error) {
	due, err := all(q, func(r row, id *string) error { return r.Scan(id) },
		`SELECT grant_id FROM listings WHERE list_at <= $1 AND lease_until <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

// PurgeListings forgets up to limit lists of grants that are gone, and says how many.
func (tx *Tx) PurgeListings(limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM listings WHERE grant_id IN (SELECT l.grant_id FROM listings l
		WHERE NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = l.grant_id) LIMIT $1)`, limit)
	return int(n), err
}
