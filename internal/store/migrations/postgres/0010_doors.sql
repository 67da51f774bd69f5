-- +goose Up
-- The next secret of an app's notices, beside the one in force.
ALTER TABLE apps ADD COLUMN next_webhook_secret BYTEA;
-- Notices may name an account without its organisation, or an organisation alone.
-- Keyed hashes, written when a grant is made.
ALTER TABLE grants ADD COLUMN account_hash BYTEA;
ALTER TABLE grants ADD COLUMN organization_hash BYTEA;
CREATE INDEX grants_account ON grants (app_id, account_hash) WHERE account_hash IS NOT NULL;
CREATE INDEX grants_organization ON grants (app_id, organization_hash) WHERE organization_hash IS NOT NULL;
-- When what was read of an account is erased, after its consent has ended; 0: it does not wait for that.
ALTER TABLE connections ADD COLUMN erase_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX connections_erase ON connections (erase_at) WHERE erase_at > 0;
