-- +goose Up
-- What a key has made is found when the key has leaked: all of it to look at, and what is
-- in force to end, which a month of bots' own that are over must not make slow.
CREATE INDEX token_urls_made ON token_urls (project_id, key_id, id) WHERE key_id <> '';
CREATE INDEX token_urls_key ON token_urls (key_id, project_id) WHERE key_id <> '' AND revoked_at = 0;
