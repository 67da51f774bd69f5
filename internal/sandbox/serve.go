package sandbox

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// endpoint is how faults name a route.
type endpoint struct{ provider, name string }

const maxBody = 64 << 10

// serve runs a provider's handler under the lock, with the faults around it.
// The body is read first: a server goes on with a request it has whole, whether or not the caller still listens.
func (s *Sandbox) serve(ep endpoint, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			status := http.StatusBadRequest
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
		again := func() { r.Body = io.NopCloser(bytes.NewReader(body)) }
		again()
		grantType, client := asks(r, body)

		s.mu.Lock()
		f := s.strike(ep, r, grantType, client)
		s.mu.Unlock()
		if f == nil {
			f = &Fault{}
		}
		if f.Action != "" {
			s.log.Info("fault", "fault", f.ID, "action", f.Action, "provider", ep.provider, "endpoint", ep.name)
		}
		if !f.AfterCommit {
			s.pause(f.DelayMS)
		}
		if f.Action == "drop_before_commit" {
			panic(http.ErrAbortHandler)
		}
		out := newReply()
		if f.Action == "" || f.Action == "delay" || f.Action == "drop_after_commit" || f.Action == "cut_body" || f.AfterCommit {
			s.locked(func() {
				if c, ok := r.Context().Value(connKey{}).(line); ok {
					s.ledger.asking = &c
					defer func() { s.ledger.asking = nil }()
				}
				h(out, r)
			})
		}
		if f.AfterCommit {
			s.pause(f.DelayMS)
		}
		arrived := "not written"
		if len(out.tokens) > 0 {
			defer func() { s.noteArrival(out.tokens, r, arrived) }() // when it panics too
		}
		if s.send(w, out, f); f.AfterCommit && f.Action != "delay" {
			arrived = f.Action
			return
		}
		if len(out.tokens) > 0 {
			arrived = arrival(w, r)
		}
	})
}

func (s *Sandbox) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// pause waits, but not beyond Close.
func (s *Sandbox) pause(ms int) {
	if ms <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.done:
	}
}

// asks reads what a token request is about, for faults to match.
func asks(r *http.Request, body []byte) (grantType, client string) {
	form, _ := url.ParseQuery(string(body)) // what parses is enough: the handler judges the rest
	query := r.URL.Query()
	first := func(name string) string {
		if v := form.Get(name); v != "" {
			return v
		}
		return query.Get(name)
	}
	client = first("client_id")
	if id, _, ok := r.BasicAuth(); ok {
		client = unescape(id)
	}
	return first("grant_type"), client
}

func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// send lets the answer out, or what the fault makes of it.
func (s *Sandbox) send(w http.ResponseWriter, out *reply, f *Fault) {
	switch f.Action {
	case "drop_after_commit":
		panic(http.ErrAbortHandler)
	case "cut_body":
		copyHeader(w.Header(), out.header)
		w.Header().Set("Content-Length", strconv.Itoa(max(out.body.Len(), f.CutAt+1)))
		w.WriteHeader(max(out.status, http.StatusOK))
		// What cannot be written is cut even earlier.
		_, _ = w.Write(out.body.Bytes()[:min(f.CutAt, out.body.Len())])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "status":
		out = newReply()
		out.header.Set("Content-Type", guess(f.Body))
		out.status = f.Status
		out.body.WriteString(f.Body)
	case "redirect":
		out = newReply()
		out.header.Set("Location", f.Location)
		out.status = f.Status
		if out.status == 0 {
			out.status = http.StatusTemporaryRedirect
		}
	case "wrong_content":
		out = wrong(f.Content)
	case "huge":
		s.flood(w, f)
		return
	}
	for k, v := range f.Headers {
		out.header.Set(k, v)
	}
	copyHeader(w.Header(), out.header)
	w.Header().Set("Content-Length", strconv.Itoa(out.body.Len()))
	w.WriteHeader(max(out.status, http.StatusOK))
	_, _ = w.Write(out.body.Bytes()) // the caller may have gone
}

func copyHeader(to, from http.Header) {
	to.Set("Cache-Control", "no-store")
	to.Set("Pragma", "no-cache") // RFC 6749 §5.1
	maps.Copy(to, from)
}

func guess(body string) string {
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		return "application/json;charset=UTF-8"
	}
	return "text/html;charset=UTF-8"
}

func wrong(content string) *reply {
	out := newReply()
	switch content {
	case "html":
		out.header.Set("Content-Type", "text/html;charset=UTF-8")
		out.body.WriteString("<!doctype html><title>Maintenance</title><p>We will be back soon.</p>")
	case "garbage":
		out.header.Set("Content-Type", "application/json")
		out.body.WriteString("\x1f\x8b\x08\x00{\"access_token\": \xff\xfe")
	case "empty":
		out.header.Set("Content-Type", "application/json")
	}
	return out
}

// flood sends one endless JSON string.
func (s *Sandbox) flood(w http.ResponseWriter, f *Fault) {
	size := f.Size
	if size == 0 {
		size = 8 << 20
	}
	copyHeader(w.Header(), http.Header{"Content-Type": {"application/json"}})
	_, _ = io.WriteString(w, `{"access_token":"`) // the loop sees whether somebody still reads
	chunk := bytes.Repeat([]byte("a"), 32<<10)
	for sent := 0; sent < size; sent += len(chunk) {
		if _, err := w.Write(chunk[:min(len(chunk), size-sent)]); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, `"}`)
}
