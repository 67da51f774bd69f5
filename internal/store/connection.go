package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"lanyard"
)

const connectionColumns = `id, project_id, app_id, provider, grant_id, person_id, label, state, origin, account, needed,
	metadata, created_at, updated_at, dropped_at`

func connectionDest(c *lanyard.Connection) []any {
	return []any{text(&c.ID), text(&c.Project), text(&c.App), &c.Provider, text(&c.Grant), text(&c.Person), &c.Label, text(&c.State),
		&c.Origin, &c.Account, list(&c.Needed), asDict{&c.Metadata}, asTime{&c.CreatedAt}, asTime{&c.UpdatedAt}, asTime{&c.DroppedAt}}
}

func scanConnection(r row, c *lanyard.Connection) error { return r.Scan(connectionDest(c)...) }

// Held is a connection with the grant it holds; Grant.ID is empty where the
// grant is gone.
type Held struct {
	Connection lanyard.Connection
	Grant      lanyard.Grant
}

func scanHeld(r row, h *Held) error {
	return r.Scan(append(connectionDest(&h.Connection), grantDest(&h.Grant)...)...)
}

// selectHeld is one statement, two look-ups by primary key.
var selectHeld = `SELECT ` + prefixed("c", connectionColumns) + `, ` + prefixed("g", grantColumns) + `
	FROM connections c LEFT JOIN grants g ON g.id = c.grant_id AND g.project_id = c.project_id`

var selectOneHeld = selectHeld + ` WHERE c.id = $1 AND c.project_id = $2`

// Connection returns one connection of the project with its grant, or CodeNotFound.
func (q *Query) Connection(project lanyard.ProjectID, id lanyard.ConnectionID) (lanyard.Connection, lanyard.Grant, error) {
	h, err := get(q, scanHeld, selectOneHeld, id, project)
	return h.Connection, h.Grant, err
}

// ForToken is the hot path: what handing out a token needs of a connection and
// its grant, and no more, since every column costs. What is zero in the two is
// not known: they are not for writing back. CodeNotFound as Connection.
func (q *Query) ForToken(project lanyard.ProjectID, id lanyard.ConnectionID) (lanyard.Connection, lanyard.Grant, error) {
	var r tokenRow
	err := q.tokenRow(&r, []any{string(id), string(project)})
	if errors.Is(err, lanyard.NotFound) {
		return q.Connection(project, id) // whose grant is gone; or there is none
	}
	if err != nil {
		return lanyard.Connection{}, lanyard.Grant{}, err
	}
	needed, err := listOf(r.needed)
	if err != nil {
		return lanyard.Connection{}, lanyard.Grant{}, err
	}
	scopes, err := listOf(r.scopes)
	return lanyard.Connection{ID: id, Project: project, App: lanyard.AppID(r.app), Provider: r.provider, Grant: lanyard.GrantID(r.grant),
			Label: r.label, State: lanyard.ConnectionState(r.state), Needed: needed},
		lanyard.Grant{ID: lanyard.GrantID(r.grant), Project: project, App: lanyard.AppID(r.grantApp), Family: r.family, Generation: r.generation,
			Tokens: r.tokens, Scopes: scopes, AccessExpires: fromMicros(r.expires), HasRefresh: r.hasRefresh != 0,
			Health: lanyard.Health(r.health), Reason: lanyard.Code(r.reason)}, err
}

// tokenRow has the types of the driver.
type tokenRow struct {
	app, provider, grant, label, state, needed string
	grantApp, family, scopes, health, reason   string
	generation, expires, hasRefresh            int64
	tokens                                     []byte
}

func (t *tokenRow) scan(r row) error {
	return r.Scan(&t.app, &t.provider, &t.grant, &t.label, &t.state, &t.needed, &t.grantApp, &t.family, &t.generation, &t.tokens,
		&t.scopes, &t.expires, &t.hasRefresh, &t.health, &t.reason)
}

// tokenRow reads the row; from SQLite without database/sql, which costs a third
// of what SQLite itself does.
func (q *Query) tokenRow(t *tokenRow, args []any) error {
	readers, ok := q.c.(*litePool)
	if !ok {
		return q.one(t.scan, selectForToken, args...)
	}
	if err := q.ctx.Err(); err != nil {
		return err
	}
	ctx := context.WithoutCancel(q.ctx)
	return readers.single.with(ctx, func(r *snapshot) error {
		var v [15]driver.Value
		if err := r.row(ctx, selectForToken, args, v[:]); errors.Is(err, io.EOF) {
			return lanyard.Errorf(lanyard.CodeNotFound, "")
		} else if err != nil {
			return q.d.explain(err)
		}
		var bad error
		for i, to := range []*string{&t.app, &t.provider, &t.grant, &t.label, &t.state, &t.needed, &t.grantApp, &t.family,
			10: &t.scopes, 13: &t.health, 14: &t.reason} {
			if to != nil && bad == nil {
				*to, bad = scanText(v[i])
			}
		}
		for i, to := range []*int64{8: &t.generation, 11: &t.expires, 12: &t.hasRefresh} {
			if to != nil && bad == nil {
				*to, bad = scanInt(v[i])
			}
		}
		t.tokens, _ = v[9].([]byte) // NULL: none
		return bad
	})
}

const selectForToken = `SELECT c.app_id, c.provider, c.grant_id, c.label, c.state, c.needed, g.app_id, g.family, g.generation, g.tokens,
	g.scopes, g.access_expires, g.has_refresh, g.health, g.reason
	FROM connections c JOIN grants g ON g.id = c.grant_id AND g.project_id = c.project_id
	WHERE c.id = $1 AND c.project_id = $2`

// statusIn is StatusOf as conditions, so that a list can be filtered by it; a
// test compares the two over all inputs.
func statusIn(s lanyard.Status) string {
	switch s {
	case lanyard.StatusRevoked:
		return `c.state = 'revoked'`
	case lanyard.StatusPaused:
		return `c.state = 'paused'`
	case lanyard.StatusNeedsReauth:
		return `c.state = 'live' AND g.health = 'dead'`
	case lanyard.StatusDegraded:
		return `c.state = 'live' AND g.health = 'degraded'`
	case lanyard.StatusPartial:
		return `c.state = 'live' AND COALESCE(g.health, 'healthy') = 'healthy' AND c.missing <> ''`
	case lanyard.StatusActive:
		return `c.state = 'live' AND COALESCE(g.health, 'healthy') = 'healthy' AND c.missing = ''`
	}
	return `1 = 0` // no connection has a status that is none
}

// Connections lists connections of a project, newest first.
func (q *Query) Connections(project lanyard.ProjectID, f lanyard.ConnectionFilter, page lanyard.Page) ([]Held, string, error) {
	w := &where{}
	w.and("c.project_id = ", project)
	if f.Person != "" {
		w.and("c.person_id = ", f.Person)
	}
	if f.Provider != "" {
		w.and("c.provider = ", f.Provider)
	}
	if f.App != "" {
		w.and("c.app_id = ", f.App)
	}
	if f.Label != "" {
		w.and("c.label = ", f.Label)
	}
	if f.Kept {
		w.and("c.dropped_at = ", 0)
	}
	query := selectHeld + ` WHERE 1 = 1`
	if f.Status != "" {
		query += ` AND ` + statusIn(f.Status)
	}
	return pageOf(q, scanHeld, func(h Held) string { return string(h.Connection.ID) }, query, w, "c.id", descending, page)
}

// Unbound lists the connections of some persons that came by a code without state and that
// the customer has not deleted, newest first.
func (q *Query) Unbound(project lanyard.ProjectID, people []lanyard.PersonID) ([]Held, error) {
	if len(people) == 0 {
		return nil, nil
	}
	w := &where{}
	w.and("c.project_id = ", project)
	w.and("c.origin = ", lanyard.OriginUnbound)
	w.and("c.dropped_at = ", 0)
	in(w, "c.person_id", people)
	return all(q, scanHeld, selectHeld+` WHERE 1 = 1`+w.text.String()+` ORDER BY c.id DESC`, w.args...)
}

// AddConnection writes a new connection, whose grant is there already.
func (tx *Tx) AddConnection(c lanyard.Connection) error {
	missing, err := tx.missing(c)
	if err != nil {
		return err
	}
	return tx.add("connections", connectionColumns+", missing", []any{c.ID, c.Project, c.App, c.Provider, c.Grant, c.Person,
		c.Label, c.State, c.Origin, c.Account, listText(c.Needed), dictText(c.Metadata),
		micros(tx.stamp(c.CreatedAt)), micros(tx.stamp(c.UpdatedAt)), micros(c.DroppedAt), missing})
}

// PutConnection writes everything of a connection that can change, and sets updated_at.
func (tx *Tx) PutConnection(c lanyard.Connection) error {
	missing, err := tx.missing(c)
	if err != nil {
		return err
	}
	return tx.must(`UPDATE connections SET grant_id = $3, person_id = $4, label = $5, state = $6, origin = $7, account = $8,
		needed = $9, metadata = $10, missing = $11, updated_at = $12, dropped_at = $13 WHERE id = $1 AND project_id = $2`, c.ID, c.Project, c.Grant,
		c.Person, c.Label, c.State, c.Origin, c.Account, listText(c.Needed), dictText(c.Metadata), missing, micros(tx.now), micros(c.DroppedAt))
}

// missing is the column behind the filter by status: MissingScopes of what the
// connection needs and its grant has. It is written with either of them.
func (tx *Tx) missing(c lanyard.Connection) (string, error) {
	if len(c.Needed) == 0 || c.Grant == "" {
		return "", nil
	}
	scopes, err := all(&tx.Query, func(r row, s *[]string) error { return r.Scan(list(s)) },
		`SELECT scopes FROM grants WHERE id = $1 AND project_id = $2`, c.Grant, c.Project)
	if err != nil || len(scopes) == 0 { // the grant is gone
		return "", err
	}
	return listText(lanyard.MissingScopes(c.Needed, scopes[0])), nil
}

// deriveMissing does that for all connections of a grant.
func (tx *Tx) deriveMissing(grant lanyard.GrantID, granted []string) error {
	type held struct {
		id      lanyard.ConnectionID
		needed  []string
		missing string
	}
	rows, err := all(&tx.Query, func(r row, h *held) error { return r.Scan(text(&h.id), list(&h.needed), &h.missing) },
		`SELECT id, needed, missing FROM connections WHERE grant_id = $1 ORDER BY id`, grant)
	if err != nil {
		return err
	}
	for _, h := range rows {
		want := listText(lanyard.MissingScopes(h.needed, granted))
		if want == h.missing {
			continue
		}
		if _, err := tx.exec(`UPDATE connections SET missing = $2 WHERE id = $1`, h.id, want); err != nil {
			return fmt.Errorf("connection: %w", err)
		}
	}
	return nil
}
