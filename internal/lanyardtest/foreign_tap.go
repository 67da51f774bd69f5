package lanyardtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Call is one call to a token endpoint, and what was answered.
type Call struct {
	Form   url.Values
	Status int
	Answer JSON
}

// Tap is a proxy before a token endpoint that keeps what goes through it.
type Tap struct {
	URL   string
	mu    sync.Mutex
	calls []Call
}

func newTap(t testing.TB, endpoint string) *Tap {
	tap := &Tap{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, raw, err := pass(r, endpoint)
		tap.mu.Lock()
		tap.calls = append(tap.calls, c)
		tap.mu.Unlock()
		if err != nil {
			t.Errorf("tap: %v", err)
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(c.Status)
		_, _ = w.Write(raw)
	}))
	t.Cleanup(srv.Close)
	tap.URL = srv.URL + "/token"
	return tap
}

// pass sends a request on as it came.
func pass(r *http.Request, endpoint string) (c Call, raw []byte, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return c, nil, err
	}
	if c.Form, err = url.ParseQuery(string(body)); err != nil {
		return c, nil, err
	}
	on, err := http.NewRequestWithContext(r.Context(), r.Method, endpoint, bytes.NewReader(body))
	if err != nil {
		return c, nil, err
	}
	for _, h := range []string{"Authorization", "Content-Type", "Accept"} {
		on.Header.Set(h, r.Header.Get(h))
	}
	resp, err := http.DefaultClient.Do(on)
	if err != nil {
		return c, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		return c, nil, err
	}
	c.Status = resp.StatusCode
	return c, raw, json.Unmarshal(raw, &c.Answer)
}

// Calls returns what has gone through, oldest first.
func (t *Tap) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// Last returns the latest call; there must be one.
func (t *Tap) Last() Call {
	calls := t.Calls()
	return calls[len(calls)-1]
}
