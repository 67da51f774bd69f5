package web

import (
	"context"
	"net/http"
	"regexp"

	"lanyard"
)

// Request is what Handler found out about a request before anybody else saw it.
type Request struct {
	ID     string         // for logs, problems and entries of the audit log
	Origin lanyard.Origin // the client's address by ClientAddress, and its User-Agent
	Secure bool           // https between the client and us, as far as we can know

	publicURL string
	peer      *lanyard.Principal
}

type requestKey struct{}

// RequestOf returns what Handler put into the context; the zero Request outside.
func RequestOf(ctx context.Context) Request {
	rq, _ := ctx.Value(requestKey{}).(Request)
	return rq
}

type peerKey struct{}

// WithPeer marks a connection whose other end is known by itself: the unix
// socket, where the kernel says which user it is. Use it as ConnContext.
func WithPeer(ctx context.Context, p lanyard.Principal) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// Person returns the principal of a page: somebody whom we do not know.
func Person(r *http.Request) lanyard.Principal {
	rq := RequestOf(r.Context())
	return lanyard.Principal{Name: "person", Origin: rq.Origin, RequestID: rq.ID}
}

var requestIDShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$`)

// requestID takes the caller's X-Request-Id if it cannot do harm in a log, and
// makes one otherwise.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); requestIDShape.MatchString(id) {
		return id
	}
	return "req_" + lanyard.Random(12)
}
