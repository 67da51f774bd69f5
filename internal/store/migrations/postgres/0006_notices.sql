-- +goose Up
-- Notices of providers that had an effect: the same one has none a second time,
-- whichever node it comes to.
CREATE TABLE notices (
	app_id     TEXT COLLATE "C" NOT NULL,
	digest     BYTEA NOT NULL, -- keyed hash of the bytes that were signed
	project_id TEXT COLLATE "C" NOT NULL,
	event      TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (app_id, digest)
);
CREATE INDEX notices_created ON notices (created_at);
