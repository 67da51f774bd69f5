-- +goose Up
-- A vendor is asked for a bot again when its person has left.
ALTER TABLE bots ADD COLUMN starts BIGINT NOT NULL DEFAULT 0; -- how often, after the first
ALTER TABLE bots ADD COLUMN out_at BIGINT NOT NULL DEFAULT 0; -- the vendor's bot is out since; 0: it is not known to be
ALTER TABLE bots ADD COLUMN leave_at BIGINT NOT NULL DEFAULT 0; -- it was told to leave, or called off; 0: not
