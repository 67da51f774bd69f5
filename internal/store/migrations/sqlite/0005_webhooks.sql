-- +goose Up
-- Where customers are told of events.
CREATE TABLE endpoints (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	name           TEXT NOT NULL,
	url            TEXT NOT NULL,
	format         TEXT NOT NULL,
	types          TEXT NOT NULL, -- JSON array; '': all
	state          TEXT NOT NULL,
	reason         TEXT NOT NULL,
	secret         BLOB NOT NULL,
	old_secret     BLOB, -- signs as well, until old_until
	public_key     TEXT NOT NULL,
	old_public_key TEXT NOT NULL,
	old_until      INTEGER NOT NULL,
	failing_since  INTEGER NOT NULL, -- 0: the last try worked
	hold_until     INTEGER NOT NULL, -- no try before
	created_at     INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX endpoints_project ON endpoints (project_id, id);

-- One event on its way to one endpoint.
CREATE TABLE deliveries (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	endpoint_id TEXT NOT NULL,
	event_id    TEXT NOT NULL,
	type        TEXT NOT NULL,
	state       TEXT NOT NULL,
	tries       INTEGER NOT NULL,
	try_at      INTEGER NOT NULL, -- the next try; while one is made, the end of its lease; 0: over
	tried_at    INTEGER NOT NULL,
	status      INTEGER NOT NULL, -- of the last answer
	error       TEXT NOT NULL, -- why there was none
	took        INTEGER NOT NULL,
	answer      BLOB,
	created_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX deliveries_once ON deliveries (endpoint_id, event_id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, try_at) WHERE try_at > 0;
CREATE INDEX deliveries_project ON deliveries (project_id, id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
