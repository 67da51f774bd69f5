-- +goose Up
-- URLs that bot vendors call for a token as a bot joins.
CREATE TABLE token_urls (
	id           TEXT PRIMARY KEY,
	project_id   TEXT NOT NULL,
	name         TEXT NOT NULL,
	secret_hash  BLOB NOT NULL, -- keyed hash
	types        TEXT NOT NULL, -- JSON array
	contract     TEXT NOT NULL,
	sealed       BLOB, -- meetings and what is signed with
	bot_id       TEXT NOT NULL, -- '': none
	candidates   TEXT NOT NULL, -- JSON array of {connection_id | person_id | label | host}
	scopes       TEXT NOT NULL, -- JSON array
	cidrs        TEXT NOT NULL, -- JSON array; '': from anywhere
	key_id       TEXT NOT NULL, -- that made it; '': the operator
	providers    TEXT NOT NULL, -- JSON array; '': all
	labels       TEXT NOT NULL, -- JSON array; '': all
	expires_at   INTEGER NOT NULL, -- 0: never
	revoked_at   INTEGER NOT NULL, -- 0: in force
	last_used_at INTEGER NOT NULL,
	created_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX token_urls_secret ON token_urls (secret_hash);
CREATE INDEX token_urls_project ON token_urls (project_id, id);
CREATE INDEX token_urls_bot ON token_urls (bot_id) WHERE bot_id <> '';
