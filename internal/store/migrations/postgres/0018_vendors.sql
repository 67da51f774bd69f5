-- +goose Up
-- A code that came without state, so that it is sent once: the keyed hash of it. NULL: another journey.
ALTER TABLE flows ADD COLUMN code_hash BYTEA;
CREATE UNIQUE INDEX flows_code ON flows (code_hash);

-- When the customer let go of a connection, which may have ended before that: to vendors'
-- clients it is not there any more. 0: they have not.
ALTER TABLE connections ADD COLUMN dropped_at BIGINT NOT NULL DEFAULT 0;
UPDATE connections SET dropped_at = updated_at WHERE state = 'revoked';
