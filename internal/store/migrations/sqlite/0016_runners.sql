-- +goose Up
-- Who runs a project's bots: a vendor with the customer's key, or a URL of theirs.
CREATE TABLE runners (
	id         TEXT PRIMARY KEY,
	project_id TEXT NOT NULL,
	kind       TEXT NOT NULL,
	name       TEXT NOT NULL,
	url        TEXT NOT NULL,
	key        BLOB NOT NULL, -- sealed: the vendor's, or what calls are signed with
	is_default INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX runners_project ON runners (project_id, id);
CREATE UNIQUE INDEX runners_default ON runners (project_id) WHERE is_default = 1;
