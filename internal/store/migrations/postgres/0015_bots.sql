-- +goose Up
-- Bots, and how each went.
CREATE TABLE bots (
	id          TEXT COLLATE "C" PRIMARY KEY,
	project_id  TEXT COLLATE "C" NOT NULL,
	provider    TEXT COLLATE "C" NOT NULL, -- '': one that takes no join tokens of ours
	meeting     BYTEA NOT NULL, -- keyed hash
	sealed      BYTEA NOT NULL, -- the link, what was asked for, what the runner was given
	dialect     TEXT COLLATE "C" NOT NULL,
	runner_id   TEXT COLLATE "C" NOT NULL, -- '': the caller runs it
	runner_kind TEXT COLLATE "C" NOT NULL,
	ref         TEXT COLLATE "C" NOT NULL, -- what the runner calls it
	candidates  TEXT COLLATE "C" NOT NULL, -- JSON array
	allow       TEXT COLLATE "C" NOT NULL, -- JSON
	metadata    TEXT COLLATE "C" NOT NULL,
	dedup_key   TEXT COLLATE "C" NOT NULL,
	state       TEXT COLLATE "C" NOT NULL,
	reason      TEXT COLLATE "C" NOT NULL,
	used        TEXT COLLATE "C" NOT NULL, -- connection it was given tokens of last
	turn        BIGINT NOT NULL,
	tries       TEXT COLLATE "C" NOT NULL, -- JSON array
	join_at     BIGINT NOT NULL,
	patience    BIGINT NOT NULL, -- microseconds
	give_up_at  BIGINT NOT NULL,
	told_at     BIGINT NOT NULL,
	next_at     BIGINT NOT NULL, -- 0: there is nothing to do
	lease_until BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL,
	ended_at    BIGINT NOT NULL -- 0: not over
);
CREATE INDEX bots_project ON bots (project_id, id);
CREATE INDEX bots_ref ON bots (project_id, ref) WHERE ref <> '';
CREATE UNIQUE INDEX bots_dedup ON bots (project_id, dedup_key) WHERE dedup_key <> '' AND ended_at = 0;
CREATE INDEX bots_next ON bots (next_at) WHERE next_at > 0;
CREATE INDEX bots_waiting ON bots (project_id, meeting) WHERE state = 'waiting_for_person';
CREATE INDEX bots_ended ON bots (ended_at) WHERE ended_at > 0;

CREATE TABLE bot_steps (
	id            TEXT COLLATE "C" PRIMARY KEY,
	project_id    TEXT COLLATE "C" NOT NULL,
	bot_id        TEXT COLLATE "C" NOT NULL,
	at            BIGINT NOT NULL,
	state         TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	code          TEXT COLLATE "C" NOT NULL,
	sdk           TEXT COLLATE "C" NOT NULL, -- what the Meeting SDK said
	said_by       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX bot_steps_bot ON bot_steps (bot_id, id);
CREATE INDEX keys_bot ON keys (bot_id) WHERE bot_id <> '';
