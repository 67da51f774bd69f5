-- +goose Up
-- Whose meetings are listed, and when.
CREATE TABLE listings (
	grant_id    TEXT COLLATE "C" PRIMARY KEY,
	project_id  TEXT COLLATE "C" NOT NULL,
	app_id      TEXT COLLATE "C" NOT NULL,
	account     BYTEA, -- keyed hash of the account's id; NULL: not known before the first list
	list_at     BIGINT NOT NULL,
	lease_until BIGINT NOT NULL,
	listed_at   BIGINT NOT NULL, -- 0: never
	code        TEXT NOT NULL, -- why not, or not fully, the last time
	tries       BIGINT NOT NULL
);
CREATE INDEX listings_due ON listings (list_at);
CREATE INDEX listings_account ON listings (app_id, account);
INSERT INTO listings (grant_id, project_id, app_id, list_at, lease_until, listed_at, code, tries)
	SELECT g.id, g.project_id, g.app_id, 1, 0, 0, '', 0 FROM grants g JOIN apps a ON a.id = g.app_id
	WHERE a.provider = 'zoom' AND g.kind = 'user';

-- Meetings of connected accounts: no number, no topic, no name.
CREATE TABLE meetings (
	app_id     TEXT COLLATE "C" NOT NULL,
	meeting    BYTEA NOT NULL, -- keyed hash of the number
	project_id TEXT COLLATE "C" NOT NULL,
	host       BYTEA NOT NULL, -- as listings.account
	personal   BIGINT NOT NULL,
	listed     BIGINT NOT NULL,
	gone       BIGINT NOT NULL,
	said_at    BIGINT NOT NULL,
	state      TEXT NOT NULL,
	run        BYTEA NOT NULL,
	run_at     BIGINT NOT NULL,
	told_at    BIGINT NOT NULL,
	keep_until BIGINT NOT NULL,
	PRIMARY KEY (app_id, meeting)
);
CREATE INDEX meetings_host ON meetings (app_id, host);
CREATE INDEX meetings_keep ON meetings (keep_until);

-- Who is in them, for a day or so.
CREATE TABLE attendances (
	app_id      TEXT COLLATE "C" NOT NULL,
	meeting     BYTEA NOT NULL,
	run         BYTEA NOT NULL,
	participant BYTEA NOT NULL,
	project_id  TEXT COLLATE "C" NOT NULL,
	account     BYTEA NOT NULL, -- as listings.account; empty: not named
	here        BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	PRIMARY KEY (app_id, meeting, run, participant)
);
CREATE INDEX attendances_account ON attendances (app_id, account);
CREATE INDEX attendances_at ON attendances (at);
