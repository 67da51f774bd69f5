-- +goose Up
-- A flow that was redeeming when its node died is swept too.
DROP INDEX flows_waiting;
CREATE INDEX flows_waiting ON flows (id) WHERE state IN ('started', 'parked', 'redeeming');

-- Old tokens are kept for a day at most.
CREATE INDEX grants_previous ON grants (refreshed_at) WHERE previous IS NOT NULL;

-- Whose account an invitation expects, where no session of the customer's vouches for it.
ALTER TABLE sessions ADD COLUMN sealed BLOB;
