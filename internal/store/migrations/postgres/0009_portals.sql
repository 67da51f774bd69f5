-- +goose Up
-- A person's look at their own connections: the link, and the one browser that it
-- was opened in.
CREATE TABLE portals (
	id          TEXT COLLATE "C" PRIMARY KEY,
	project_id  TEXT COLLATE "C" NOT NULL,
	person_id   TEXT COLLATE "C" NOT NULL,
	key_id      TEXT COLLATE "C" NOT NULL,
	providers   TEXT COLLATE "C" NOT NULL,
	labels      TEXT COLLATE "C" NOT NULL,
	return_url  TEXT COLLATE "C" NOT NULL,
	link_hash   BYTEA NOT NULL,
	cookie_hash BYTEA,
	state       TEXT COLLATE "C" NOT NULL,
	expires_at  BIGINT NOT NULL,
	used_at     BIGINT NOT NULL,
	created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX portals_link ON portals (link_hash);
CREATE UNIQUE INDEX portals_cookie ON portals (cookie_hash);
