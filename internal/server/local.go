package server

import (
	"io"
	"net/http"
	"strconv"

	"lanyard/internal/access"
	"lanyard/internal/web"
)

// Local carries requests to this server inside the process, as the operator: for
// commands where no server is running.
func (s *Server) Local() http.RoundTripper { return local{s.handler} }

type local struct{ handler http.Handler }

// RoundTrip runs the request to its end and returns the whole answer.
func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(web.WithPeer(r.Context(), access.Operator()))
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "@"
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &web.Held{}
	l.handler.ServeHTTP(w, r)
	_ = r.Body.Close()
	return &http.Response{Status: strconv.Itoa(w.Status()) + " " + http.StatusText(w.Status()), StatusCode: w.Status(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.Header(), Body: io.NopCloser(&w.Body),
		ContentLength: int64(w.Body.Len()), Request: r}, nil
}
