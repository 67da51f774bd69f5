-- +goose Up
-- Whose meetings are listed, and when.
CREATE TABLE listings (
	grant_id    TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	app_id      TEXT NOT NULL,
	account     BLOB, -- keyed hash of the account's id; NULL: not known before the first list
	list_at     INTEGER NOT NULL,
	lease_until INTEGER NOT NULL,
	listed_at   INTEGER NOT NULL, -- 0: never
	code        TEXT NOT NULL, -- why not, or not fully, the last time
	tries       INTEGER NOT NULL
) STRICT;
CREATE INDEX listings_due ON listings (list_at);
CREATE INDEX listings_account ON listings (app_id, account);
INSERT INTO listings (grant_id, project_id, app_id, list_at, lease_until, listed_at, code, tries)
	SELECT g.id, g.project_id, g.app_id, 1, 0, 0, '', 0 FROM grants g JOIN apps a ON a.id = g.app_id
	WHERE a.provider = 'zoom' AND g.kind = 'user';

-- Meetings of connected accounts: no number, no topic, no name.
CREATE TABLE meetings (
	app_id     TEXT NOT NULL,
	meeting    BLOB NOT NULL, -- keyed hash of the number
	project_id TEXT NOT NULL,
	host       BLOB NOT NULL, -- as listings.account
	personal   INTEGER NOT NULL,
	listed     INTEGER NOT NULL,
	gone       INTEGER NOT NULL,
	said_at    INTEGER NOT NULL,
	state      TEXT NOT NULL,
	run        BLOB NOT NULL,
	run_at     INTEGER NOT NULL,
	told_at    INTEGER NOT NULL,
	keep_until INTEGER NOT NULL,
	PRIMARY KEY (app_id, meeting)
) STRICT, WITHOUT ROWID;
CREATE INDEX meetings_host ON meetings (app_id, host);
CREATE INDEX meetings_keep ON meetings (keep_until);

-- Who is in them, for a day or so.
CREATE TABLE attendances (
	app_id      TEXT NOT NULL,
	meeting     BLOB NOT NULL,
	run         BLOB NOT NULL,
	participant BLOB NOT NULL,
	project_id  TEXT NOT NULL,
	account     BLOB NOT NULL, -- as listings.account; empty: not named
	here        INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (app_id, meeting, run, participant)
) STRICT, WITHOUT ROWID;
CREATE INDEX attendances_account ON attendances (app_id, account);
CREATE INDEX attendances_at ON attendances (at);
