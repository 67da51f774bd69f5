-- +goose Up
-- Who runs a project's bots: a vendor with the customer's key, or a URL of theirs.
CREATE TABLE runners (
	id         TEXT COLLATE "C" PRIMARY KEY,
	project_id TEXT COLLATE "C" NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL,
	name       TEXT COLLATE "C" NOT NULL,
	url        TEXT COLLATE "C" NOT NULL,
	key        BYTEA NOT NULL, -- sealed: the vendor's, or what calls are signed with
	is_default BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX runners_project ON runners (project_id, id);
CREATE UNIQUE INDEX runners_default ON runners (project_id) WHERE is_default = 1;
