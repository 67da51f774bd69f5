-- +goose Up
-- Notices of providers that had an effect: the same one has none a second time,
-- whichever node it comes to.
CREATE TABLE notices (
	app_id     TEXT NOT NULL,
	digest     BLOB NOT NULL, -- keyed hash of the bytes that were signed
	project_id TEXT NOT NULL,
	event      TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (app_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_created ON notices (created_at);
