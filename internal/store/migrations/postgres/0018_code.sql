-- +goose Up
-- A code that came without state, so that it is sent once: the keyed hash of it. NULL: another journey.
ALTER TABLE flows ADD COLUMN code_hash BYTEA;
CREATE UNIQUE INDEX flows_code ON flows (code_hash);
