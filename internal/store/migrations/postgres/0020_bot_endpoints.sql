-- +goose Up
-- An endpoint that is told of one bot only, and goes with it; '': of the whole project.
ALTER TABLE endpoints ADD COLUMN bot_id TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX endpoints_bot ON endpoints (bot_id) WHERE bot_id <> '';
