package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"lanyard"
)

const (
	maxBody  = 1 << 20          // of any request; an operation of the JSON API takes maxJSON
	bodyTime = 10 * time.Second // for a whole body to arrive

	// The policy of every answer: our own files and nothing else, no framing.
	contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// Handler returns everything that was registered, behind what holds for every
// request. Register first.
func (f *Front) Handler() http.Handler { return http.HandlerFunc(f.serve) }

// note is what the steps of one request tell each other.
type note struct {
	quiet  bool // the access log need not have it
	caller *caller
}

type noteKey struct{}

func (f *Front) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	addr, secure := ClientAddress(r, f.proxies)
	rq := Request{ID: requestID(r), Secure: secure, publicURL: f.publicURL}
	if addr.IsValid() {
		rq.Origin.IP = addr.String()
	}
	rq.Origin.UserAgent = cut(strings.ToValidUTF8(r.UserAgent(), ""), 256)
	if p, ok := r.Context().Value(peerKey{}).(lanyard.Principal); ok {
		rq.peer = &p
	}
	n := &note{}
	ctx := context.WithValue(context.WithValue(r.Context(), requestKey{}, rq), noteKey{}, n)
	r = r.WithContext(ctx)
	rw := &response{ResponseWriter: w, r: r}

	h := w.Header()
	h.Set("X-Request-Id", rq.ID)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", contentPolicy)
	if f.https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}

	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler { //nolint:errorlint // recover gives back the very value
				panic(v)
			}
			f.panicked(rw, r, v)
		}
		f.done(rw, r, n, time.Since(start))
	}()
	switch {
	case f.plain(r, rq) && r.URL.Path != "/healthz" && r.URL.Path != "/readyz":
		f.WriteProblem(rw, r, lanyard.Errorf(lanyard.CodeInvalidRequest, "plain http is not served here: use %s", f.publicURL))
	case f.serveRaw(rw, r):
	case !identity(r.Header):
		f.WriteProblem(rw, r, lanyard.Errorf(lanyard.CodeUnsupportedMediaType, "a compressed body is not taken"))
	default:
		LimitBody(rw, r)
		f.mux.ServeHTTP(rw, r)
		if rw.unrouted {
			f.unrouted(rw, r)
		}
	}
}

// serveRaw serves what HandleRaw has; false for anything else.
func (f *Front) serveRaw(rw *response, r *http.Request) bool {
	for _, h := range f.raw {
		if strings.HasPrefix(r.URL.EscapedPath(), h.prefix) {
			r.Pattern = h.pattern
			h.handler.ServeHTTP(rw, r)
			return true
		}
	}
	return false
}

// unrouted answers for the router, which would say it in plain text.
func (f *Front) unrouted(rw *response, r *http.Request) {
	status := rw.status
	rw.unrouted, rw.status = false, 0
	rw.Header().Del("Content-Length")
	r.Pattern = "unmatched"
	if status == http.StatusMethodNotAllowed {
		f.WriteProblem(rw, r, lanyard.Errorf(lanyard.CodeMethodNotAllowed, ""))
		return
	}
	f.WriteProblem(rw, r, lanyard.Errorf(lanyard.CodeNotFound, "there is nothing at this address"))
}

// panicked logs what a bug left, and answers 500 if nothing was answered yet.
// The value of a panic can hold anything, so only the runtime's own is written.
func (f *Front) panicked(rw *response, r *http.Request, v any) {
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	f.log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", RequestOf(r.Context()).ID),
		slog.String("panic", what), slog.String("stack", string(debug.Stack())))
	if rw.status == 0 {
		f.WriteProblem(rw, r, lanyard.Errorf(lanyard.CodeInternal, "%w", fmt.Errorf("panic: %s", what)))
	}
}

// done writes the line of the access log: the pattern of the route and never
// the path, which has ids and secrets in it; no address, no query.
func (f *Front) done(rw *response, r *http.Request, n *note, took time.Duration) {
	status := rw.status
	if status == 0 {
		status = http.StatusOK
	}
	route := r.Pattern
	if _, path, ok := strings.Cut(route, " "); ok {
		route = path
	}
	if route == "" {
		route = "unmatched"
	}
	method := r.Method
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		method = "other" // methods are the caller's text
	}
	if f.observe != nil {
		f.observe(method, route, status, took)
	}
	if n.quiet {
		return
	}
	f.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("request_id", RequestOf(r.Context()).ID))
}

// response remembers the status, and keeps the router from answering 404 and
// 405 by itself.
type response struct {
	http.ResponseWriter
	r        *http.Request
	status   int
	unrouted bool
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 || status >= 200 && w.status < 200 {
		w.status = status
	}
	if w.r.Pattern == "" && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		w.unrouted = true
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.unrouted {
		return len(b), nil
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// LimitBody caps a body in size and time, as Handler does for all but HandleRaw. Once it is read, the deadline goes:
// left in place it would cancel a handler that runs longer, a long poll say.
func LimitBody(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTime)) // not every transport has deadlines; those have no slow callers either
	r.Body = &timedBody{ReadCloser: http.MaxBytesReader(w, r.Body, maxBody), rc: rc}
}

type timedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// identity says whether the body is sent as it is (RFC 9110 §8.4). We never
// decompress: a kilobyte can become a gigabyte.
func identity(h http.Header) bool {
	for _, v := range h.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(v), "identity") && v != "" {
			return false
		}
	}
	return true
}

func cut(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}
