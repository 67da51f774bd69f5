package lanyardtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// tap writes what goes over the wire to the pretend providers into w.Wire, so
// that a test can know tokens that are shown to nobody else.
func (w *World) tap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(rw, "the body did not arrive", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		_, _ = fmt.Fprintf(w.Wire, "> %s %s\n%s\n", r.Method, r.URL.RequestURI(), body)
		next.ServeHTTP(&tapped{rw, w.Wire}, r)
	})
}

type tapped struct {
	http.ResponseWriter
	wire io.Writer
}

func (t *tapped) Write(b []byte) (int, error) {
	if len(b) < 64<<10 {
		_, _ = fmt.Fprintf(t.wire, "< %s\n", b)
	}
	return t.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (t *tapped) Unwrap() http.ResponseWriter { return t.ResponseWriter }
