package web

import (
	"bytes"
	"net/http"
)

// Held is an answer that a handler gives and nobody has yet: for a caller in the process,
// or to be made one with others. The zero Held is ready.
type Held struct {
	Body   bytes.Buffer
	header http.Header
	status int
}

// Header returns the answer's headers, as they are now.
func (h *Held) Header() http.Header {
	if h.header == nil {
		h.header = http.Header{}
	}
	return h.header
}

// WriteHeader notes the status; the first holds.
func (h *Held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write adds to the body.
func (h *Held) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.Body.Write(b)
}

// Status returns the status; that of an answer with neither status nor body is 200, as in net/http.
func (h *Held) Status() int {
	if h.status == 0 {
		return http.StatusOK
	}
	return h.status
}
