-- +goose Up
-- What people were shown before they consented. A text is stored once; no statement
-- changes one.
CREATE TABLE consent_texts (
	project_id TEXT NOT NULL,
	hash       TEXT NOT NULL, -- SHA-256 of the text, in hex
	version    TEXT NOT NULL,
	language   TEXT NOT NULL,
	lines      TEXT NOT NULL, -- JSON array
	scopes     TEXT NOT NULL, -- JSON array of {scope, words}
	created_at INTEGER NOT NULL,
	PRIMARY KEY (project_id, hash)
) STRICT, WITHOUT ROWID;

-- Consents, and how each ended. They outlive their connection and its grant.
CREATE TABLE consents (
	id              TEXT PRIMARY KEY,
	project_id      TEXT NOT NULL,
	connection_id   TEXT NOT NULL,
	grant_id        TEXT NOT NULL,
	app_id          TEXT NOT NULL,
	client_id       TEXT NOT NULL,
	provider        TEXT NOT NULL,
	label           TEXT NOT NULL,
	person_id       TEXT NOT NULL,
	session_id      TEXT NOT NULL, -- '': the own-callback journey
	origin          TEXT NOT NULL,
	shown           TEXT NOT NULL,
	text_hash       TEXT NOT NULL, -- '': we did not see what was shown
	asked           TEXT NOT NULL, -- JSON array
	granted         TEXT NOT NULL,
	missing         TEXT NOT NULL,
	shown_at        INTEGER NOT NULL,
	asked_at        INTEGER NOT NULL,
	granted_at      INTEGER NOT NULL,
	sealed          BLOB, -- address and browser, under the person's key
	who             TEXT NOT NULL,
	key_id          TEXT NOT NULL,
	state           TEXT NOT NULL,
	ended_at        INTEGER NOT NULL, -- 0: in force
	ended_by        TEXT NOT NULL,
	reason          TEXT NOT NULL,
	superseded_by   TEXT NOT NULL,
	at_provider     TEXT NOT NULL, -- what the provider answered to a withdrawal
	provider_status INTEGER NOT NULL,
	provider_detail TEXT NOT NULL,
	provider_again  INTEGER NOT NULL, -- 1: it is told again
	answered_at     INTEGER NOT NULL,
	lives_until     INTEGER NOT NULL,
	created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_project ON consents (project_id, id);
CREATE INDEX consents_connection ON consents (connection_id, id);
CREATE INDEX consents_person ON consents (person_id, id);
CREATE INDEX consents_grant ON consents (grant_id) WHERE state = 'withdrawn';
CREATE INDEX consents_ended ON consents (ended_at) WHERE ended_at > 0;
