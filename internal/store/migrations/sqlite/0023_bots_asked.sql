-- +goose Up
-- What the vendor of a bot is being asked is written before it is asked, so that a crash loses neither.
ALTER TABLE bots ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0; -- for the bot; 0: what came of it is known
ALTER TABLE bots ADD COLUMN stop TEXT NOT NULL DEFAULT ''; -- to let it go, and what becomes of it then: cancel, leave, delete; '': not
ALTER TABLE bots ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0; -- it was in for the first time; 0: never
UPDATE bots SET joined_at = COALESCE((SELECT min(s.at) FROM bot_steps s WHERE s.bot_id = bots.id AND s.state = 'joined'), 0);

-- What runners called bots before they were asked for them again.
CREATE TABLE bot_refs (
	project_id TEXT NOT NULL,
	ref        TEXT NOT NULL,
	bot_id     TEXT NOT NULL,
	PRIMARY KEY (project_id, ref, bot_id)
) STRICT;
CREATE INDEX bot_refs_bot ON bot_refs (bot_id);
