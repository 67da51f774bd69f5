-- +goose Up
-- The log by connection: in which minutes, by the time in their ids, it has
-- entries. A row for a connection and minute, instead of an index of every entry,
-- whose pages the hot path would write one by one.
CREATE TABLE entry_minutes (
	project_id    TEXT COLLATE "C" NOT NULL,
	connection_id TEXT COLLATE "C" NOT NULL,
	minute        BIGINT NOT NULL, -- since 1970
	PRIMARY KEY (project_id, connection_id, minute)
);
INSERT INTO entry_minutes (project_id, connection_id, minute)
SELECT DISTINCT project_id, connection_id, (
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 5, 1)) - 1)::bigint * 35184372088832 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 6, 1)) - 1)::bigint * 1099511627776 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 7, 1)) - 1)::bigint * 34359738368 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 8, 1)) - 1)::bigint * 1073741824 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 9, 1)) - 1)::bigint * 33554432 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 10, 1)) - 1)::bigint * 1048576 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 11, 1)) - 1)::bigint * 32768 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 12, 1)) - 1)::bigint * 1024 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 13, 1)) - 1)::bigint * 32 +
	(strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, 14, 1)) - 1)::bigint * 1
) / 4 / 60000
FROM entries WHERE connection_id <> '';
DROP INDEX entries_connection;
