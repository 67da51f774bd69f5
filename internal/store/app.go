package store

import "lanyard"

const appColumns = `id, project_id, provider, name, state, client_id, secret, next_secret, webhook_secret, next_webhook_secret, scopes,
	scopes_optional, redirect_uris, endpoints, params, custom, pkce, config_version, created_at, updated_at,
	published, published_at, refuted, refuted_at`

func appDest(a *lanyard.App) []any {
	return []any{text(&a.ID), text(&a.Project), &a.Provider, &a.Name, text(&a.State), &a.ClientID, &a.Secret, &a.NextSecret,
		&a.WebhookSecret, &a.NextWebhookSecret, list(&a.Scopes), list(&a.ScopesOptional), list(&a.RedirectURIs), asDict{&a.Endpoints},
		asDict{&a.Params}, &a.Custom, &a.PKCE, &a.ConfigVersion, asTime{&a.CreatedAt}, asTime{&a.UpdatedAt},
		text(&a.Published), asTime{&a.PublishedAt}, &a.Refuted, asTime{&a.RefutedAt}}
}

func scanApp(r row, a *lanyard.App) error { return r.Scan(appDest(a)...) }

// App returns one app of the project, or CodeNotFound.
func (q *Query) App(project lanyard.ProjectID, id lanyard.AppID) (lanyard.App, error) {
	return get(q, scanApp, `SELECT `+appColumns+` FROM apps WHERE id = $1 AND project_id = $2`, id, project)
}

// AppByID returns an app of whichever project: for callbacks and notices, whose
// address names the app and whose sender is nobody's principal.
func (q *Query) AppByID(id lanyard.AppID) (lanyard.App, error) {
	return get(q, scanApp, `SELECT `+appColumns+` FROM apps WHERE id = $1`, id)
}

// Apps lists the apps of a project, oldest first.
func (q *Query) Apps(project lanyard.ProjectID, page lanyard.Page) ([]lanyard.App, string, error) {
	w := &where{}
	w.and("project_id = ", project)
	return pageOf(q, scanApp, func(a lanyard.App) string { return string(a.ID) },
		`SELECT `+appColumns+` FROM apps WHERE 1 = 1`, w, "id", ascending, page)
}

// AppsOf returns all apps of a project at a provider, oldest first.
func (q *Query) AppsOf(project lanyard.ProjectID, provider string) ([]lanyard.App, error) {
	return all(q, scanApp, `SELECT `+appColumns+` FROM apps WHERE project_id = $1 AND provider = $2 ORDER BY id`, project, provider)
}

// AddApp writes a new app. clientHash is the keyed hash of token host and client
// id, unique per instance (CodeClientInUse); nil for a draft.
func (tx *Tx) AddApp(a lanyard.App, clientHash []byte) error {
	return tx.add("apps", appColumns+", client_hash", []any{a.ID, a.Project, a.Provider, a.Name, a.State, a.ClientID, a.Secret,
		a.NextSecret, a.WebhookSecret, a.NextWebhookSecret, listText(a.Scopes), listText(a.ScopesOptional), listText(a.RedirectURIs),
		dictText(a.Endpoints), dictText(a.Params), a.Custom, a.PKCE, a.ConfigVersion,
		micros(tx.stamp(a.CreatedAt)), micros(tx.stamp(a.UpdatedAt)), a.Published, micros(a.PublishedAt), a.Refuted, micros(a.RefutedAt),
		orNull(clientHash)})
}

// PutApp writes everything of an app that can change but for what RefuteApp writes, and
// sets updated_at. clientHash as for AddApp.
func (tx *Tx) PutApp(a lanyard.App, clientHash []byte) error {
	return tx.must(`UPDATE apps SET provider = $3, name = $4, state = $5, client_id = $6, secret = $7, next_secret = $8,
		webhook_secret = $9, scopes = $10, scopes_optional = $11, redirect_uris = $12, endpoints = $13, params = $14,
		custom = $15, pkce = $16, config_version = $17, updated_at = $18, client_hash = $19, next_webhook_secret = $20,
		published = $21, published_at = $22
		WHERE id = $1 AND project_id = $2`, a.ID, a.Project, a.Provider, a.Name, a.State, a.ClientID, a.Secret, a.NextSecret,
		a.WebhookSecret, listText(a.Scopes), listText(a.ScopesOptional), listText(a.RedirectURIs), dictText(a.Endpoints),
		dictText(a.Params), a.Custom, a.PKCE, a.ConfigVersion, micros(tx.now), orNull(clientHash), a.NextWebhookSecret, a.Published,
		micros(a.PublishedAt))
}

// RefuteApp notes which code of a Meeting SDK spoke against an app's approval, now.
func (tx *Tx) RefuteApp(project lanyard.ProjectID, id lanyard.AppID, code string) error {
	return tx.must(`UPDATE apps SET refuted = $3, refuted_at = $4 WHERE id = $1 AND project_id = $2`, id, project, code, micros(tx.now))
}

// DeleteApp removes an app. That it has no connections is for the caller to see
// to, in the same transaction, by CountConnections.
func (tx *Tx) DeleteApp(project lanyard.ProjectID, id lanyard.AppID) error {
	return tx.must(`DELETE FROM apps WHERE id = $1 AND project_id = $2`, id, project)
}

// CountConnections says how many connections of an app are not revoked.
func (q *Query) CountConnections(id lanyard.AppID) (int, error) {
	return get(q, func(r row, n *int) error { return r.Scan(n) },
		`SELECT count(*) FROM connections WHERE app_id = $1 AND state <> 'revoked'`, id)
}
