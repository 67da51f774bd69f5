-- +goose Up
-- Times are microseconds since 1970, 0 for none; flags are 0 and 1; lists and
-- maps are JSON, or '' when empty. What is sealed is NULL when there is none.
-- Text is compared by bytes, so that cursors mean the same whatever the locale.

-- Values of the instance: its id, which program wrote which schema, what tasks remember.
CREATE TABLE meta (
	key   TEXT COLLATE "C" PRIMARY KEY,
	value TEXT COLLATE "C" NOT NULL
);

-- Keysets of the vault, each sealed by the key above it.
CREATE TABLE keysets (
	level      TEXT COLLATE "C" NOT NULL,
	owner      TEXT COLLATE "C" NOT NULL,
	sealed     BYTEA NOT NULL,
	wrapped_by TEXT COLLATE "C" NOT NULL,
	version    BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (level, owner)
);

CREATE TABLE projects (
	id         TEXT COLLATE "C" PRIMARY KEY,
	name       TEXT COLLATE "C" NOT NULL,
	settings   TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);

CREATE TABLE keys (
	id           TEXT COLLATE "C" PRIMARY KEY,
	project_id   TEXT COLLATE "C" NOT NULL, -- '': an operator's
	operator     BIGINT NOT NULL,
	name         TEXT COLLATE "C" NOT NULL,
	mac          BYTEA NOT NULL,
	scopes       TEXT COLLATE "C" NOT NULL,
	providers    TEXT COLLATE "C" NOT NULL,
	labels       TEXT COLLATE "C" NOT NULL,
	cidrs        TEXT COLLATE "C" NOT NULL,
	expires_at   BIGINT NOT NULL,
	revoked_at   BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL,
	created_at   BIGINT NOT NULL
);
CREATE INDEX keys_project ON keys (project_id, id);

CREATE TABLE apps (
	id              TEXT COLLATE "C" PRIMARY KEY,
	project_id      TEXT COLLATE "C" NOT NULL,
	provider        TEXT COLLATE "C" NOT NULL,
	name            TEXT COLLATE "C" NOT NULL,
	state           TEXT COLLATE "C" NOT NULL,
	client_id       TEXT COLLATE "C" NOT NULL,
	client_hash     BYTEA, -- keyed hash of token host and client id; NULL: a draft
	secret          BYTEA,
	next_secret     BYTEA,
	webhook_secret  BYTEA,
	scopes          TEXT COLLATE "C" NOT NULL,
	scopes_optional TEXT COLLATE "C" NOT NULL,
	redirect_uris   TEXT COLLATE "C" NOT NULL,
	endpoints       TEXT COLLATE "C" NOT NULL,
	params          TEXT COLLATE "C" NOT NULL,
	custom          BYTEA,
	pkce            TEXT COLLATE "C" NOT NULL,
	config_version  BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX apps_client ON apps (client_hash);
CREATE INDEX apps_project ON apps (project_id, id);

CREATE TABLE persons (
	id         TEXT COLLATE "C" PRIMARY KEY,
	project_id TEXT COLLATE "C" NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL,
	ref_hash   BYTEA NOT NULL,
	sealed     BYTEA,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX persons_ref ON persons (project_id, ref_hash);
CREATE INDEX persons_project ON persons (project_id, id);

CREATE TABLE sessions (
	id              TEXT COLLATE "C" PRIMARY KEY,
	project_id      TEXT COLLATE "C" NOT NULL,
	app_id          TEXT COLLATE "C" NOT NULL,
	person_id       TEXT COLLATE "C" NOT NULL,
	purpose         TEXT COLLATE "C" NOT NULL,
	connection_id   TEXT COLLATE "C" NOT NULL,
	link_hash       BYTEA,
	return_url      TEXT COLLATE "C" NOT NULL,
	origin          TEXT COLLATE "C" NOT NULL,
	label           TEXT COLLATE "C" NOT NULL,
	metadata        TEXT COLLATE "C" NOT NULL,
	scopes          TEXT COLLATE "C" NOT NULL,
	scopes_optional TEXT COLLATE "C" NOT NULL,
	state           TEXT COLLATE "C" NOT NULL,
	last_error      TEXT COLLATE "C" NOT NULL,
	expires_at      BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX sessions_link ON sessions (link_hash);
CREATE INDEX sessions_project ON sessions (project_id, id);

CREATE TABLE flows (
	id                    TEXT COLLATE "C" PRIMARY KEY,
	project_id            TEXT COLLATE "C" NOT NULL,
	app_id                TEXT COLLATE "C" NOT NULL,
	session_id            TEXT COLLATE "C" NOT NULL,
	person_id             TEXT COLLATE "C" NOT NULL,
	state_hash            BYTEA, -- NULL: spent
	cookie_hash           BYTEA,
	sealed                BYTEA,
	parked                BYTEA,
	completion_hash       BYTEA, -- NULL: none yet, or spent
	completion_expires_at BIGINT NOT NULL,
	state                 TEXT COLLATE "C" NOT NULL,
	error                 TEXT COLLATE "C" NOT NULL,
	expires_at            BIGINT NOT NULL,
	created_at            BIGINT NOT NULL
);
CREATE UNIQUE INDEX flows_state ON flows (state_hash);
CREATE UNIQUE INDEX flows_completion ON flows (completion_hash);
CREATE INDEX flows_project ON flows (project_id, id);
CREATE INDEX flows_waiting ON flows (id) WHERE state IN ('started', 'parked');
CREATE INDEX flows_received ON flows (id) WHERE state = 'received';

CREATE TABLE grants (
	id             TEXT COLLATE "C" PRIMARY KEY,
	project_id     TEXT COLLATE "C" NOT NULL,
	app_id         TEXT COLLATE "C" NOT NULL,
	issuer         TEXT COLLATE "C" NOT NULL,
	kind           TEXT COLLATE "C" NOT NULL,
	subject_hash   BYTEA NOT NULL,
	family         TEXT COLLATE "C" NOT NULL,
	generation     BIGINT NOT NULL,
	tokens         BYTEA,
	previous       BYTEA,
	scopes         TEXT COLLATE "C" NOT NULL,
	requested      TEXT COLLATE "C" NOT NULL,
	access_expires BIGINT NOT NULL,
	has_refresh    BIGINT NOT NULL,
	health         TEXT COLLATE "C" NOT NULL,
	reason         TEXT COLLATE "C" NOT NULL,
	lease_owner    TEXT COLLATE "C" NOT NULL,
	lease_until    BIGINT NOT NULL,
	refresh_at     BIGINT NOT NULL, -- 0: no renewal is planned
	refreshed_at   BIGINT NOT NULL,
	rejected_at    BIGINT NOT NULL,
	retry_at       BIGINT NOT NULL,
	created_at     BIGINT NOT NULL,
	updated_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX grants_subject ON grants (app_id, issuer, kind, subject_hash);
CREATE INDEX grants_project ON grants (project_id, id);
CREATE INDEX grants_due ON grants (refresh_at) WHERE health <> 'dead';
CREATE INDEX grants_leased ON grants (lease_owner) WHERE lease_owner <> '';
CREATE INDEX grants_ill ON grants (project_id, health) WHERE health <> 'healthy';

CREATE TABLE connections (
	id         TEXT COLLATE "C" PRIMARY KEY,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id     TEXT COLLATE "C" NOT NULL,
	provider   TEXT COLLATE "C" NOT NULL,
	grant_id   TEXT COLLATE "C" NOT NULL,
	person_id  TEXT COLLATE "C" NOT NULL,
	label      TEXT COLLATE "C" NOT NULL,
	state      TEXT COLLATE "C" NOT NULL,
	origin     TEXT COLLATE "C" NOT NULL,
	account    BYTEA,
	needed     TEXT COLLATE "C" NOT NULL,
	missing    TEXT COLLATE "C" NOT NULL, -- of needed, what the grant has not; written with either
	metadata   TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX connections_project ON connections (project_id, id);
CREATE INDEX connections_person ON connections (project_id, person_id, id);
CREATE INDEX connections_provider ON connections (project_id, provider, id);
CREATE INDEX connections_label ON connections (project_id, label, id) WHERE label <> '';
CREATE INDEX connections_state ON connections (project_id, state, id);
CREATE INDEX connections_partial ON connections (project_id, id) WHERE missing <> '';
CREATE INDEX connections_app ON connections (app_id, state);
CREATE INDEX connections_grant ON connections (grant_id);

CREATE TABLE attempts (
	id         TEXT COLLATE "C" PRIMARY KEY,
	project_id TEXT COLLATE "C" NOT NULL,
	app_id     TEXT COLLATE "C" NOT NULL,
	grant_id   TEXT COLLATE "C" NOT NULL,
	flow_id    TEXT COLLATE "C" NOT NULL,
	kind       TEXT COLLATE "C" NOT NULL,
	family     TEXT COLLATE "C" NOT NULL,
	generation BIGINT NOT NULL,
	node       TEXT COLLATE "C" NOT NULL,
	started_at BIGINT NOT NULL,
	deadline   BIGINT NOT NULL,
	ended_at   BIGINT NOT NULL,
	outcome    TEXT COLLATE "C" NOT NULL,
	class      TEXT COLLATE "C" NOT NULL,
	error      TEXT COLLATE "C" NOT NULL,
	status     BIGINT NOT NULL,
	request_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX attempts_grant ON attempts (grant_id, id);
CREATE INDEX attempts_app ON attempts (app_id, ended_at);
CREATE INDEX attempts_open ON attempts (node, id) WHERE ended_at = 0;

-- The audit log. Every token read appends a row, so each index here is paid for
-- by the hot path. The range of ids bounds a search by time; what the log is
-- full of (token.read, ok) has no index by that.
CREATE TABLE entries (
	id            TEXT COLLATE "C" NOT NULL,
	project_id    TEXT COLLATE "C" NOT NULL, -- '': the operator's own
	at            BIGINT NOT NULL,
	who           TEXT COLLATE "C" NOT NULL,
	what          TEXT COLLATE "C" NOT NULL,
	outcome       TEXT COLLATE "C" NOT NULL,
	code          TEXT COLLATE "C" NOT NULL,
	app_id        TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	grant_id      TEXT COLLATE "C" NOT NULL,
	session_id    TEXT COLLATE "C" NOT NULL,
	key_id        TEXT COLLATE "C" NOT NULL,
	person_id     TEXT COLLATE "C" NOT NULL,
	detail        TEXT COLLATE "C" NOT NULL,
	sealed        BYTEA,
	request_id    TEXT COLLATE "C" NOT NULL,
	seq           BIGINT, -- the place in the project's Merkle tree; NULL: not numbered yet
	leaf_hash     BYTEA,
	PRIMARY KEY (project_id, id)
);
CREATE INDEX entries_connection ON entries (project_id, connection_id, id) WHERE connection_id <> '';
CREATE INDEX entries_session ON entries (project_id, session_id, id) WHERE session_id <> '';
CREATE INDEX entries_what ON entries (project_id, what, id) WHERE what <> 'token.read';
CREATE INDEX entries_outcome ON entries (project_id, outcome, id) WHERE outcome <> 'ok';

-- The outbox: what customers are to be told.
CREATE TABLE events (
	id            TEXT COLLATE "C" PRIMARY KEY,
	project_id    TEXT COLLATE "C" NOT NULL,
	at            BIGINT NOT NULL,
	type          TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	data          TEXT COLLATE "C" NOT NULL,
	delivered_at  BIGINT -- NULL: not yet
);
CREATE INDEX events_project ON events (project_id, id);
CREATE INDEX events_type ON events (project_id, type, id);
CREATE INDEX events_waiting ON events (id) WHERE delivered_at IS NULL;

CREATE TABLE idempotency (
	id         TEXT COLLATE "C" PRIMARY KEY,
	project_id TEXT COLLATE "C" NOT NULL,
	key_id     TEXT COLLATE "C" NOT NULL,
	route      TEXT COLLATE "C" NOT NULL,
	key_hash   BYTEA NOT NULL,
	body_hash  BYTEA NOT NULL,
	status     BIGINT NOT NULL,
	answer     BYTEA,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX idempotency_key ON idempotency (project_id, key_id, route, key_hash);
CREATE INDEX idempotency_expires ON idempotency (expires_at);
