-- +goose Up
-- Whose words a key uses at /api/v1; whose own it is; what it may call through the proxy.
ALTER TABLE keys ADD COLUMN dialect TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN bot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN proxy_rules TEXT NOT NULL DEFAULT ''; -- JSON array; '': any
