-- +goose Up
-- What people were shown before they consented. A text is stored once; no statement
-- changes one.
CREATE TABLE consent_texts (
	project_id TEXT COLLATE "C" NOT NULL,
	hash       TEXT COLLATE "C" NOT NULL, -- SHA-256 of the text, in hex
	version    TEXT COLLATE "C" NOT NULL,
	language   TEXT COLLATE "C" NOT NULL,
	lines      TEXT COLLATE "C" NOT NULL, -- JSON array
	scopes     TEXT COLLATE "C" NOT NULL, -- JSON array of {scope, words}
	created_at BIGINT NOT NULL,
	PRIMARY KEY (project_id, hash)
);

-- Consents, and how each ended. They outlive their connection and its grant.
CREATE TABLE consents (
	id              TEXT COLLATE "C" PRIMARY KEY,
	project_id      TEXT COLLATE "C" NOT NULL,
	connection_id   TEXT COLLATE "C" NOT NULL,
	grant_id        TEXT COLLATE "C" NOT NULL,
	app_id          TEXT COLLATE "C" NOT NULL,
	client_id       TEXT COLLATE "C" NOT NULL,
	provider        TEXT COLLATE "C" NOT NULL,
	label           TEXT COLLATE "C" NOT NULL,
	person_id       TEXT COLLATE "C" NOT NULL,
	session_id      TEXT COLLATE "C" NOT NULL, -- '': the own-callback journey
	origin          TEXT COLLATE "C" NOT NULL,
	shown           TEXT COLLATE "C" NOT NULL,
	text_hash       TEXT COLLATE "C" NOT NULL, -- '': we did not see what was shown
	asked           TEXT COLLATE "C" NOT NULL, -- JSON array
	granted         TEXT COLLATE "C" NOT NULL,
	missing         TEXT COLLATE "C" NOT NULL,
	shown_at        BIGINT NOT NULL,
	asked_at        BIGINT NOT NULL,
	granted_at      BIGINT NOT NULL,
	sealed          BYTEA, -- address and browser, under the person's key
	who             TEXT COLLATE "C" NOT NULL,
	key_id          TEXT COLLATE "C" NOT NULL,
	state           TEXT COLLATE "C" NOT NULL,
	ended_at        BIGINT NOT NULL, -- 0: in force
	ended_by        TEXT COLLATE "C" NOT NULL,
	reason          TEXT COLLATE "C" NOT NULL,
	superseded_by   TEXT COLLATE "C" NOT NULL,
	at_provider     TEXT COLLATE "C" NOT NULL, -- what the provider answered to a withdrawal
	provider_status BIGINT NOT NULL,
	provider_detail TEXT COLLATE "C" NOT NULL,
	provider_again  BIGINT NOT NULL, -- 1: it is told again
	answered_at     BIGINT NOT NULL,
	lives_until     BIGINT NOT NULL,
	created_at      BIGINT NOT NULL
);
CREATE INDEX consents_project ON consents (project_id, id);
CREATE INDEX consents_connection ON consents (connection_id, id);
CREATE INDEX consents_person ON consents (person_id, id);
CREATE INDEX consents_grant ON consents (grant_id) WHERE state = 'withdrawn';
CREATE INDEX consents_ended ON consents (ended_at) WHERE ended_at > 0;
