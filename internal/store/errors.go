package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lanyard"
)

// ExistsError is a row that would have been the second of its kind: somebody
// made it meanwhile. It is the cause of a CodeStoreUnavailable, since reading
// again and trying again is what helps; a caller that can do so at once finds
// it by errors.As.
type ExistsError struct {
	Constraint string // "persons.project_id, persons.ref_hash" or "persons_ref"
}

func (e *ExistsError) Error() string { return "exists already: " + e.Constraint }

// soon is when a lost race is worth another try.
const soon = 100 * time.Millisecond

func unavailable(err error, after time.Duration) error {
	return &lanyard.Error{Code: lanyard.CodeStoreUnavailable, RetryAfter: after, Err: err}
}

// exists maps a violated constraint to its code.
func exists(constraint string) error {
	if strings.Contains(constraint, "client_hash") || constraint == "apps_client" {
		return lanyard.Errorf(lanyard.CodeClientInUse, "")
	}
	return unavailable(&ExistsError{constraint}, soon)
}

// ours says whether an error needs no explaining: it is ours, or the caller's patience.
func ours(err error) bool {
	_, is := errors.AsType[*lanyard.Error](err)
	return is || err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func explainSQLite(err error) error {
	if ours(err) {
		return err
	}
	if poolGone(err) {
		return unavailable(err, time.Second)
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		_, what, _ := strings.Cut(e.Error(), "constraint failed: UNIQUE constraint failed: ")
		what, _, _ = strings.Cut(what, " (")
		return exists(what)
	}
	switch e.Code() & 0xff { // the primary code; the rest is detail
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return unavailable(err, soon)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL:
		return unavailable(err, time.Second)
	}
	return err
}

func explainPostgres(err error) error {
	if ours(err) {
		return err
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case e.Code == "23505":
			return exists(e.ConstraintName)
		case e.Code == "40001", e.Code == "40P01", e.Code == "55P03": // serialization, deadlock, lock not available
			return unavailable(err, soon)
		case e.Code == "22021", e.Code == "22P05": // text that no text column can hold
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "a value has a character that cannot be stored")
		}
		switch e.Code[:2] {
		case "08", "25", "28", "3D", "53", "57", "58", "XX": // connection, transaction state, login, resources, operator, system
			return unavailable(err, time.Second)
		}
		return err
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return unavailable(err, time.Second)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return unavailable(err, time.Second)
	}
	for _, gone := range []error{sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, gone) {
			return unavailable(err, time.Second)
		}
	}
	if poolGone(err) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "conn busy") {
		return unavailable(err, time.Second)
	}
	return err
}

// poolGone says whether database/sql has no connection to give. What a closed
// pool returns has no name.
func poolGone(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed"
}
