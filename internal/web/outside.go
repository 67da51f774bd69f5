package web

import (
	"bytes"
	"errors"
	"net/http"

	"lanyard"
)

// What handlers use that do not go through JSON: Admit, Caller, Record, Object, Once.

// caller is who asks, as it was found out first.
type caller struct {
	principal lanyard.Principal
	err       error
}

// Caller says who asks, before anything is asked of them; it is found out once for a
// request. It is no admission: Admit is.
func (f *Front) Caller(r *http.Request) (lanyard.Principal, error) {
	n, _ := r.Context().Value(noteKey{}).(*note)
	if n == nil {
		return f.authenticate(r)
	}
	if n.caller == nil {
		p, err := f.authenticate(r)
		n.caller = &caller{p, err}
	}
	return n.caller.principal, n.caller.err
}

// Record writes into the log that p, whom Admit has let in, asked a service for what is
// not theirs, unless the service has recorded it. It returns err, for the caller.
func (f *Front) Record(r *http.Request, p lanyard.Principal, err error) error {
	return f.record(r.Context(), p, r.Pattern, err)
}

// Object is LargeObject of at most 64 KiB.
func Object(r *http.Request) ([]byte, error) { return LargeObject(r, maxJSON) }

// LargeObject reads a body that is one JSON object of at most so many bytes, and at most
// 1 MiB: UTF-8, each member once, not nested deep. Its members may have any names, and it
// need not be called JSON.
//
// Errors: body_too_large, invalid_request (cut off), invalid_json, duplicate_member.
func LargeObject(r *http.Request, most int64) ([]byte, error) {
	raw, err := readAll(r, most)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || int64(len(raw)) > most:
		return nil, lanyard.Errorf(lanyard.CodeBodyTooLarge, "")
	case err != nil:
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "the body did not arrive in full, or not in time")
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, lanyard.Errorf(lanyard.CodeInvalidJSON, "the body is empty; send one JSON object")
	}
	return raw, scan(raw, &shape{})
}
