package server

import (
	"bytes"
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
	w := &answerBuffer{header: http.Header{}}
	l.handler.ServeHTTP(w, r)
	_ = r.Body.Close()
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return &http.Response{Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Body: io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()), Request: r}, nil
}

type answerBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answerBuffer) Header() http.Header { return w.header }

func (w *answerBuffer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *answerBuffer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
