-- +goose Up
-- What a key has made is found when the key has leaked.
CREATE INDEX token_urls_key ON token_urls (key_id) WHERE key_id <> '' AND revoked_at = 0;
