-- +goose Up
-- Bots, and how each went.
CREATE TABLE bots (
	id          TEXT PRIMARY KEY,
	project_id  TEXT NOT NULL,
	provider    TEXT NOT NULL, -- '': one that takes no join tokens of ours
	meeting     BLOB NOT NULL, -- keyed hash
	sealed      BLOB NOT NULL, -- the link, what was asked for, what the runner was given
	dialect     TEXT NOT NULL,
	runner_id   TEXT NOT NULL, -- '': the caller runs it
	runner_kind TEXT NOT NULL,
	ref         TEXT NOT NULL, -- what the runner calls it
	candidates  TEXT NOT NULL, -- JSON array
	allow       TEXT NOT NULL, -- JSON
	metadata    TEXT NOT NULL,
	dedup_key   TEXT NOT NULL,
	state       TEXT NOT NULL,
	reason      TEXT NOT NULL,
	used        TEXT NOT NULL, -- connection it was given tokens of last
	turn        INTEGER NOT NULL,
	tries       TEXT NOT NULL, -- JSON array
	join_at     INTEGER NOT NULL,
	patience    INTEGER NOT NULL, -- microseconds
	give_up_at  INTEGER NOT NULL,
	told_at     INTEGER NOT NULL,
	next_at     INTEGER NOT NULL, -- 0: there is nothing to do
	lease_until INTEGER NOT NULL,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	ended_at    INTEGER NOT NULL -- 0: not over
) STRICT;
CREATE INDEX bots_project ON bots (project_id, id);
CREATE INDEX bots_ref ON bots (project_id, ref) WHERE ref <> '';
CREATE UNIQUE INDEX bots_dedup ON bots (project_id, dedup_key) WHERE dedup_key <> '' AND ended_at = 0;
CREATE INDEX bots_next ON bots (next_at) WHERE next_at > 0;
CREATE INDEX bots_waiting ON bots (project_id, meeting) WHERE state = 'waiting_for_person';
CREATE INDEX bots_ended ON bots (ended_at) WHERE ended_at > 0;

CREATE TABLE bot_steps (
	id            TEXT PRIMARY KEY,
	project_id    TEXT NOT NULL,
	bot_id        TEXT NOT NULL,
	at            INTEGER NOT NULL,
	state         TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	code          TEXT NOT NULL,
	sdk           TEXT NOT NULL, -- what the Meeting SDK said
	said_by       TEXT NOT NULL
) STRICT;
CREATE INDEX bot_steps_bot ON bot_steps (bot_id, id);
CREATE INDEX keys_bot ON keys (bot_id) WHERE bot_id <> '';
