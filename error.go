package lanyard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Kind says what the caller can do about an error. It is itself an error, so
// that errors.Is(err, lanyard.NotFound) holds through any wrapping. Only package
// web maps kinds to HTTP statuses.
type Kind string

const (
	Invalid         Kind = "invalid"         // the request is wrong: change it
	Unauthenticated Kind = "unauthenticated" // we do not know who asks
	Forbidden       Kind = "forbidden"       // we know, and they may not
	NotFound        Kind = "not_found"       // absent, or another project's: the same
	Conflict        Kind = "conflict"        // not in this state of things
	Reused          Kind = "reused"          // an idempotency key with another body
	Gone            Kind = "gone"            // it was there and is over
	TooLarge        Kind = "too_large"       // the body is too large
	Limited         Kind = "limited"         // too many: wait
	Reconnect       Kind = "reconnect"       // the person has to connect again
	Upstream        Kind = "upstream"        // the provider answered, and said no or nonsense
	Unavailable     Kind = "unavailable"     // try again later
	Internal        Kind = "internal"        // our fault; logged, never shown
)

func (k Kind) Error() string { return string(k) }

// Code is a stable name for one thing that can go wrong: a row of docs/errors.md,
// from which the constants, the pages and the tests are generated. It is an
// error too: errors.Is(err, lanyard.CodeEndUserMismatch).
type Code string

func (c Code) Error() string { return string(c) }

// Row is what docs/errors.md says of a code.
type Row struct {
	Code        Code
	Kind        Kind
	Person      bool   // a person can meet it, so it has a page of its own
	Title       string // short, for a heading
	Happened    string // what happened, in a sentence a tired person understands
	Do          string // the next step
	UserMessage string // what a bot may say to the person; empty where it concerns them not
}

// Error is a failure with its code. Message adds what is particular to this
// case and never holds a secret, a provider's text or personal data.
type Error struct {
	Code          Code
	Message       string
	ReconnectURL  string        // where the person can mend it
	ConnectURL    string        // where the person can connect a first time
	Person        PersonID      // who has nothing connected, for whoever may make ConnectURL; not shown
	MissingScopes []string      // in the provider's spelling
	RetryAfter    time.Duration // when to try again; 0: not said
	Choices       []string      // ids to choose from, where one call meant several
	Skipped       []Skipped     // who could not be used, and why not, where one call named several
	Err           error         // the cause, for the log
}

// Skipped says why somebody was not used on whose behalf something was to be done.
type Skipped struct {
	Connection ConnectionID // empty: a candidate that is nobody
	Err        error
}

// Errorf makes an Error; an empty format means the sentence of docs/errors.md.
// A %w in the format becomes the cause, kept for the log and not shown.
func Errorf(code Code, format string, args ...any) *Error {
	e := &Error{Code: code}
	if format != "" {
		err := fmt.Errorf(format, args...)
		e.Message, e.Err = err.Error(), errors.Unwrap(err)
	}
	return e
}

// Row returns the row of docs/errors.md for this error.
func (e *Error) Row() Row { return RowOf(e.Code) }

// Kind returns what the caller can do about it.
func (e *Error) Kind() Kind { return e.Row().Kind }

func (e *Error) Error() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Row().Happened
}

func (e *Error) Unwrap() error { return e.Err }

// Is matches a Kind or a Code.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case Kind:
		return e.Kind() == t
	case Code:
		return e.Code == t
	}
	return false
}

// RowOf returns the row for a code; an unknown code is an internal error.
func RowOf(c Code) Row {
	if r, ok := rows[c]; ok {
		return r
	}
	return rows[CodeInternal]
}

// Codes lists every code, in alphabetical order.
func Codes() []Code { return slices.Sorted(maps.Keys(rows)) }

// CodeOf finds the code in err, through any wrapping; CodeInternal if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// recorded is an error whose refusal the audit log has.
type recorded struct{ error }

func (r recorded) Unwrap() error { return r.error }

// Recorded marks err as a refusal that is on record, so that no front records it
// again; nil stays nil.
func Recorded(err error) error {
	if err == nil {
		return nil
	}
	return recorded{err}
}

// OnRecord says whether err, through any wrapping, is a refusal on record.
func OnRecord(err error) bool {
	_, ok := errors.AsType[recorded](err)
	return ok
}
