package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// object is a JSON object on its way out.
type object = map[string]any

// reply holds an answer back until the fault, if there is one, has had its say.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
	tokens []issued // what of it is a token's answer
}

func newReply() *reply { return &reply{header: http.Header{}} }

func (r *reply) Header() http.Header { return r.header }

func (r *reply) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *reply) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	}
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // only a type that JSON cannot say would fail, and there is none
}
