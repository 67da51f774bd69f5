-- +goose Up
-- Where customers are told of events.
CREATE TABLE endpoints (
	id             TEXT COLLATE "C" PRIMARY KEY,
	project_id     TEXT COLLATE "C" NOT NULL,
	name           TEXT COLLATE "C" NOT NULL,
	url            TEXT COLLATE "C" NOT NULL,
	format         TEXT COLLATE "C" NOT NULL,
	types          TEXT COLLATE "C" NOT NULL, -- JSON array; '': all
	state          TEXT COLLATE "C" NOT NULL,
	reason         TEXT COLLATE "C" NOT NULL,
	secret         BYTEA NOT NULL,
	old_secret     BYTEA, -- signs as well, until old_until
	public_key     TEXT COLLATE "C" NOT NULL,
	old_public_key TEXT COLLATE "C" NOT NULL,
	old_until      BIGINT NOT NULL,
	failing_since  BIGINT NOT NULL, -- 0: the last try worked
	hold_until     BIGINT NOT NULL, -- no try before
	created_at     BIGINT NOT NULL,
	updated_at     BIGINT NOT NULL
);
CREATE INDEX endpoints_project ON endpoints (project_id, id);

-- One event on its way to one endpoint.
CREATE TABLE deliveries (
	id          TEXT COLLATE "C" PRIMARY KEY,
	project_id  TEXT COLLATE "C" NOT NULL,
	endpoint_id TEXT COLLATE "C" NOT NULL,
	event_id    TEXT COLLATE "C" NOT NULL,
	type        TEXT COLLATE "C" NOT NULL,
	state       TEXT COLLATE "C" NOT NULL,
	tries       BIGINT NOT NULL,
	try_at      BIGINT NOT NULL, -- the next try; while one is made, the end of its lease; 0: over
	tried_at    BIGINT NOT NULL,
	status      BIGINT NOT NULL, -- of the last answer
	error       TEXT COLLATE "C" NOT NULL, -- why there was none
	took        BIGINT NOT NULL,
	answer      BYTEA,
	created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX deliveries_once ON deliveries (endpoint_id, event_id);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, try_at) WHERE try_at > 0;
CREATE INDEX deliveries_project ON deliveries (project_id, id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
