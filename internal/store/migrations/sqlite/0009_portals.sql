-- +goose Up
-- A person's look at their own connections: the link, and the one browser that it
-- was opened in.
CREATE TABLE portals (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	person_id   TEXT NOT NULL,
	key_id      TEXT NOT NULL,
	providers   TEXT NOT NULL,
	labels      TEXT NOT NULL,
	return_url  TEXT NOT NULL,
	link_hash   BLOB NOT NULL,
	cookie_hash BLOB,
	state       TEXT NOT NULL,
	expires_at  INTEGER NOT NULL,
	used_at     INTEGER NOT NULL,
	created_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX portals_link ON portals (link_hash);
CREATE UNIQUE INDEX portals_cookie ON portals (cookie_hash);
