-- +goose Up
-- When the death of a refresh token is near, and is told unless renewing moves it; 0: not
-- known, or told. What may have been renewed for years is looked at a week ahead; what
-- lives no longer than that, after its next renewal.
ALTER TABLE grants ADD COLUMN expiring_at INTEGER NOT NULL DEFAULT 0;
UPDATE grants SET expiring_at = refresh_expires - 604800000000 WHERE refresh_expires - refreshed_at > 1209600000000;
CREATE INDEX grants_expiring ON grants (expiring_at) WHERE expiring_at > 0 AND health <> 'dead';
