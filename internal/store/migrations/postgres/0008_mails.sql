-- +goose Up
-- What is told by e-mail: once per cause and day. No address and no text is kept.
CREATE TABLE mails (
	id            TEXT COLLATE "C" PRIMARY KEY,
	project_id    TEXT COLLATE "C" NOT NULL,
	audience      TEXT COLLATE "C" NOT NULL,
	cause         TEXT COLLATE "C" NOT NULL,
	day           TEXT COLLATE "C" NOT NULL,
	event_id      TEXT COLLATE "C" NOT NULL,
	type          TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	person_id     TEXT COLLATE "C" NOT NULL,
	digest_id     TEXT COLLATE "C" NOT NULL, -- the mail that tells it; '': itself
	created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX mails_once ON mails (project_id, audience, cause, day);
CREATE INDEX mails_recent ON mails (project_id, audience, created_at) WHERE digest_id = '';
CREATE INDEX mails_person ON mails (project_id, person_id, created_at) WHERE person_id <> '';
CREATE INDEX mails_digest ON mails (digest_id, id) WHERE digest_id <> '';

-- One mail on its way to one address.
CREATE TABLE mail_copies (
	id         TEXT COLLATE "C" PRIMARY KEY,
	project_id TEXT COLLATE "C" NOT NULL,
	mail_id    TEXT COLLATE "C" NOT NULL,
	recipient  BYTEA NOT NULL, -- keyed hash of one of the project's addresses; empty: the person's
	state      TEXT COLLATE "C" NOT NULL,
	tries      BIGINT NOT NULL,
	try_at     BIGINT NOT NULL, -- the next try; while one is made, the end of its lease; 0: over
	tried_at   BIGINT NOT NULL,
	answer     BIGINT NOT NULL, -- of the mail server to the last try
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX mail_copies_once ON mail_copies (mail_id, recipient);
CREATE INDEX mail_copies_due ON mail_copies (project_id, try_at) WHERE try_at > 0;

ALTER TABLE events ADD COLUMN mailed_at BIGINT; -- NULL: nobody has looked whether it is told by e-mail
CREATE INDEX events_unmailed ON events (id) WHERE mailed_at IS NULL
	AND type IN ('connection.needs_reauth', 'connection.expiring', 'app.misconfigured', 'endpoint.disabled');
