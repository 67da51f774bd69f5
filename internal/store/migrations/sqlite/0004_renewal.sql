-- +goose Up
-- When a grant is to be renewed, and who comes first.
ALTER TABLE grants ADD COLUMN used_at         INTEGER NOT NULL DEFAULT 0; -- a token of it was read; written in batches
ALTER TABLE grants ADD COLUMN eager_at        INTEGER NOT NULL DEFAULT 0; -- when to renew it while it is in use
ALTER TABLE grants ADD COLUMN needed_at       INTEGER NOT NULL DEFAULT 0; -- a meeting needs it then
ALTER TABLE grants ADD COLUMN rank            INTEGER NOT NULL DEFAULT 3; -- lower comes first among those that are due
ALTER TABLE grants ADD COLUMN refresh_expires INTEGER NOT NULL DEFAULT 0; -- the refresh token dies unused; 0: not known
ALTER TABLE grants ADD COLUMN dead_at         INTEGER NOT NULL DEFAULT 0; -- when it was called dead
ALTER TABLE grants ADD COLUMN consented_at    INTEGER NOT NULL DEFAULT 0; -- when the code of its last consent was sent
DROP INDEX grants_leased; -- who has a lease has an open attempt
DROP INDEX grants_due;
CREATE INDEX grants_due ON grants (app_id, rank, refresh_at) WHERE refresh_at > 0;
CREATE INDEX grants_rejected ON grants (app_id, rejected_at) WHERE rejected_at > 0;
CREATE INDEX grants_waiting ON grants (app_id) WHERE retry_at > 0;
CREATE INDEX grants_dead ON grants (dead_at) WHERE dead_at > 0;

-- What cannot be renewed ends with its access token, and that is to be told.
UPDATE grants SET refresh_at = access_expires WHERE has_refresh = 0 AND access_expires > 0 AND health <> 'dead';

-- What has sent the refresh token of one generation, among a grant's attempts of many weeks.
DROP INDEX attempts_grant;
CREATE INDEX attempts_grant ON attempts (grant_id, generation, id);

-- What stops an app as a whole: its own settings are wrong, or so many of its
-- grants are refused at once that nobody is believed. No row: nothing does.
CREATE TABLE breakers (
	app_id         TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	state          TEXT NOT NULL,
	reason         TEXT NOT NULL,
	error          TEXT NOT NULL, -- the provider's error code
	config_version INTEGER NOT NULL, -- of the app, when it opened
	opened_at      INTEGER NOT NULL,
	probe_at       INTEGER NOT NULL, -- no call before, and then one
	probe_node     TEXT NOT NULL,
	probes         INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL
) STRICT;

-- The processes that share this database.
CREATE TABLE nodes (
	id         TEXT PRIMARY KEY,
	version    TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	lost_at    INTEGER NOT NULL, -- an operator said that its disk is gone
	offered    TEXT NOT NULL DEFAULT '' -- the run of the database to which it has offered its receipts
) STRICT;

-- What earlier versions left unplanned.
CREATE INDEX grants_unplanned ON grants (id) WHERE refresh_at = 0 AND eager_at = 0 AND has_refresh = 1 AND health = 'healthy';

-- Tokens of grants that were let go of, until the provider has been told.
CREATE TABLE revocations (
	grant_id       TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL,
	app_id         TEXT NOT NULL,
	connection_id  TEXT NOT NULL,
	issuer         TEXT NOT NULL,
	kind           TEXT NOT NULL,
	subject_hash   BLOB NOT NULL,
	family         TEXT NOT NULL,
	generation     INTEGER NOT NULL,
	tokens         BLOB,
	access_expires INTEGER NOT NULL,
	tries          INTEGER NOT NULL,
	try_at         INTEGER NOT NULL,
	created_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_due ON revocations (try_at);
