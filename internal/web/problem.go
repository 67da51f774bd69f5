package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lanyard"
	"lanyard/wire"
)

// Status is the one table from what went wrong to an HTTP status. Two codes of
// kind "invalid" have a status of their own, because clients and proxies act on
// it: 405 (RFC 9110 §15.5.6) and 415 (§15.5.16).
func Status(code lanyard.Code) int {
	switch code {
	case lanyard.CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case lanyard.CodeUnsupportedMediaType:
		return http.StatusUnsupportedMediaType
	}
	switch lanyard.RowOf(code).Kind {
	case lanyard.Invalid:
		return http.StatusBadRequest
	case lanyard.Unauthenticated:
		return http.StatusUnauthorized
	case lanyard.Forbidden:
		return http.StatusForbidden
	case lanyard.NotFound:
		return http.StatusNotFound
	case lanyard.Conflict, lanyard.Reconnect:
		return http.StatusConflict
	case lanyard.Reused:
		return http.StatusUnprocessableEntity
	case lanyard.Gone:
		return http.StatusGone
	case lanyard.TooLarge:
		return http.StatusRequestEntityTooLarge
	case lanyard.Limited:
		return http.StatusTooManyRequests
	case lanyard.Upstream:
		return http.StatusBadGateway
	case lanyard.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Problem is an error on its way out: the body, its status and its headers.
type Problem struct {
	wire.Problem
	headers http.Header
}

// Error, GetStatus, ContentType and GetHeaders are what huma asks of an error.
func (p *Problem) Error() string             { return p.Detail }
func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) ContentType(string) string { return "application/problem+json" }
func (p *Problem) GetHeaders() http.Header   { return p.headers }

// ProblemOf makes the answer for err. What is not a lanyard.Error, or is one of
// kind "internal", is logged and not shown.
func (f *Front) ProblemOf(ctx context.Context, err error) *Problem {
	var e *lanyard.Error
	if !errors.As(err, &e) {
		e = lanyard.Errorf(lanyard.CodeInternal, "")
	}
	row, detail := e.Row(), e.Error()
	rq := RequestOf(ctx)
	if row.Kind == lanyard.Internal {
		detail = row.Happened
		level := slog.LevelError
		if ctx.Err() != nil && errors.Is(err, context.Canceled) { // the caller hung up: nobody reads the answer
			level = slog.LevelDebug
		}
		f.log.LogAttrs(ctx, level, "request failed",
			slog.String("request_id", rq.ID), slog.String("code", string(row.Code)), slog.String("error", err.Error()))
	}
	p := &Problem{headers: http.Header{"Cache-Control": {"no-store"}}, Problem: wire.Problem{
		Type: f.publicURL + "/docs/errors#" + string(row.Code), Title: row.Title, Status: Status(row.Code),
		Detail: detail, Code: string(row.Code), UserMessage: row.UserMessage,
		ReconnectURL: e.ReconnectURL, ConnectURL: e.ConnectURL, MissingScopes: e.MissingScopes,
		Choices: e.Choices, Skipped: SkippedOf(e.Skipped), RequestID: rq.ID,
	}}
	if e.RetryAfter > 0 {
		p.RetryAfter = int(math.Ceil(e.RetryAfter.Seconds()))
		p.headers.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if row.Kind == lanyard.Unauthenticated {
		// RFC 6750 §3.1: no error code where no credential was sent.
		challenge := `Bearer realm="lanyard"`
		if row.Code == lanyard.CodeCredentialInvalid {
			challenge += `, error="invalid_token"`
		}
		p.headers.Set("WWW-Authenticate", challenge)
	}
	return p
}

// SkippedOf says in an answer who was not used, and why not. What is our fault stays in
// the log.
func SkippedOf(list []lanyard.Skipped) (out []wire.Skipped) {
	for _, k := range list {
		e, ok := errors.AsType[*lanyard.Error](k.Err)
		if !ok || e.Kind() == lanyard.Internal {
			e = lanyard.Errorf(lanyard.CodeInternal, "")
		}
		out = append(out, wire.Skipped{ConnectionID: string(k.Connection), Code: string(e.Code), Detail: strings.TrimRight(e.Error(), ".") + ". " + e.Row().Do,
			ReconnectURL: e.ReconnectURL, RetryAfter: int(math.Ceil(e.RetryAfter.Seconds()))})
	}
	return out
}

// WriteProblem answers with err. It is for handlers that are not registered
// with JSON: vendors' shapes, hooks, pages that a machine asked for.
func (f *Front) WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := f.ProblemOf(r.Context(), err)
	for k, v := range p.headers {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.Problem) // the caller has gone; nobody is left to tell
}

// replaceHumaErrors makes huma's errors ours. huma has one constructor of
// errors for the whole process and its own echoes what the caller sent, even a
// whole body; so this assignment to its variables is needed, once, whoever makes
// a Front first. It depends on nothing of that Front.
var replaceHumaErrors = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		var rq Request
		var base string
		if ctx != nil {
			r, _ := humago.Unwrap(ctx)
			rq = RequestOf(r.Context())
			base = rq.publicURL
		}
		return humaProblem(rq, base, status, errs)
	}
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		return humaProblem(Request{}, "", status, errs)
	}
})

// humaProblem is what huma found wrong with a request, without the values.
func humaProblem(rq Request, base string, status int, errs []error) *Problem {
	code := lanyard.CodeInvalidRequest
	switch {
	case status == http.StatusUnsupportedMediaType:
		code = lanyard.CodeUnsupportedMediaType
	case status == http.StatusRequestEntityTooLarge:
		code = lanyard.CodeBodyTooLarge
	case status >= 500:
		code = lanyard.CodeInternal
	}
	row := lanyard.RowOf(code)
	p := &Problem{headers: http.Header{"Cache-Control": {"no-store"}}, Problem: wire.Problem{
		Type: base + "/docs/errors#" + string(code), Title: row.Title, Status: Status(code),
		Detail: row.Happened, Code: string(code), RequestID: rq.ID,
	}}
	for _, err := range errs {
		d, ok := err.(huma.ErrorDetailer)
		if !ok || d == nil {
			continue
		}
		x := d.ErrorDetail()
		if x == nil {
			continue
		}
		message, _, _ := strings.Cut(x.Message, ": ") // after the colon huma repeats the value
		p.Errors = append(p.Errors, wire.FieldError{Location: cleanLocation(x.Location), Message: message})
	}
	if len(p.Errors) > 0 {
		p.Detail = p.Errors[0].Location + ": " + p.Errors[0].Message
	}
	return p
}

var locationShape = regexp.MustCompile(`^[a-z_]+(\.[A-Za-z][A-Za-z0-9_-]{0,39}|\[[0-9]{1,6}\])*$`)

// cleanLocation keeps a location that looks like names of members. A member may
// be named by the caller (metadata, a query parameter), so it can be anything.
func cleanLocation(s string) string {
	if locationShape.MatchString(s) {
		return s
	}
	head, _, _ := strings.Cut(s, ".")
	switch head {
	case "body", "query", "path", "header":
		return head
	}
	return "request"
}

// tooMany is CodeRateLimited with the time to wait.
func tooMany(wait time.Duration) error {
	e := lanyard.Errorf(lanyard.CodeRateLimited, "")
	e.RetryAfter = max(wait, time.Second)
	return e
}
