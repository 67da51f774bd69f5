package sandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// roundTrip calls a handler; a dropped connection is an error, as over a socket.
func roundTrip(h http.Handler, r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, errors.New("connection dropped")
		}
	}()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, in)
	return rec.Result(), nil
}
