-- +goose Up
-- URLs that bot vendors call for a token as a bot joins.
CREATE TABLE token_urls (
	id           TEXT COLLATE "C" PRIMARY KEY,
	project_id   TEXT COLLATE "C" NOT NULL,
	name         TEXT COLLATE "C" NOT NULL,
	secret_hash  BYTEA NOT NULL, -- keyed hash
	types        TEXT COLLATE "C" NOT NULL, -- JSON array
	contract     TEXT COLLATE "C" NOT NULL,
	sealed       BYTEA, -- meetings and what is signed with
	bot_id       TEXT COLLATE "C" NOT NULL, -- '': none
	candidates   TEXT COLLATE "C" NOT NULL, -- JSON array of {connection_id | person_id | label | host}
	scopes       TEXT COLLATE "C" NOT NULL, -- JSON array
	cidrs        TEXT COLLATE "C" NOT NULL, -- JSON array; '': from anywhere
	key_id       TEXT COLLATE "C" NOT NULL, -- that made it; '': the operator
	providers    TEXT COLLATE "C" NOT NULL, -- JSON array; '': all
	labels       TEXT COLLATE "C" NOT NULL, -- JSON array; '': all
	expires_at   BIGINT NOT NULL, -- 0: never
	revoked_at   BIGINT NOT NULL, -- 0: in force
	last_used_at BIGINT NOT NULL,
	created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX token_urls_secret ON token_urls (secret_hash);
CREATE INDEX token_urls_project ON token_urls (project_id, id);
CREATE INDEX token_urls_bot ON token_urls (bot_id) WHERE bot_id <> '';
