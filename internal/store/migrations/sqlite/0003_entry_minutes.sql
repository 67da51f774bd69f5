-- +goose Up
-- The log by connection: in which minutes, by the time in their ids, it has
-- entries. A row for a connection and minute, instead of an index of every entry,
-- whose pages the hot path would write one by one.
CREATE TABLE entry_minutes (
	project_id    TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	minute        INTEGER NOT NULL, -- since 1970
	PRIMARY KEY (project_id, connection_id, minute)
) STRICT, WITHOUT ROWID;
INSERT INTO entry_minutes (project_id, connection_id, minute)
SELECT DISTINCT project_id, connection_id, (
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 5, 1)) - 1) * 35184372088832 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 6, 1)) - 1) * 1099511627776 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 7, 1)) - 1) * 34359738368 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 8, 1)) - 1) * 1073741824 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 9, 1)) - 1) * 33554432 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 10, 1)) - 1) * 1048576 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 11, 1)) - 1) * 32768 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 12, 1)) - 1) * 1024 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 13, 1)) - 1) * 32 +
	(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 14, 1)) - 1) * 1
) / 4 / 60000
FROM entries WHERE connection_id <> '';
DROP INDEX entries_connection;
