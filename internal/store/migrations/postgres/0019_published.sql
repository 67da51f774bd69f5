-- +goose Up
-- What the operator has declared about an app's approval by its provider, and what has
-- spoken against that since.
ALTER TABLE apps ADD COLUMN published TEXT COLLATE "C" NOT NULL DEFAULT ''; -- yes, no; '': not known
ALTER TABLE apps ADD COLUMN published_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN refuted TEXT COLLATE "C" NOT NULL DEFAULT ''; -- code of a Meeting SDK
ALTER TABLE apps ADD COLUMN refuted_at BIGINT NOT NULL DEFAULT 0;
