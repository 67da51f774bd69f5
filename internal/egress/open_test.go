package egress

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
)

// What is streamed goes through the same door: no inside address, by number or by name,
// no redirect, nothing while the instance is held, and no cap but the caller's (T27).
func TestOpen(t *testing.T) {
	var reached atomic.Bool
	inside := server(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	get := func(c *Client, url string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Open(r)
	}
	for _, url := range []string{inside.URL, "https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::ffff:10.0.0.1]/", "https://2130706433/", "https://localhost/", "http://api.example.com/"} {
		if resp, err := get(mustNew(t, Config{}), url); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v, %v, want it refused", url, resp, err)
		}
	}
	redirects := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect) })
	resp, err := get(mustNew(t, Config{AllowLoopback: true}), redirects.URL)
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("a redirect: got %v, %v, want it as the answer", resp, err)
	}
	_ = resp.Body.Close()
	if reached.Load() {
		t.Error("something inside was reached")
	}
	held := errors.New("held")
	if _, err := get(mustNew(t, Config{AllowLoopback: true, Hold: func() error { return held }}), redirects.URL); !errors.Is(err, held) {
		t.Errorf("held: got %v, want that", err)
	}
	large := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2*MaxBody)) })
	if resp, err = get(mustNew(t, Config{AllowLoopback: true}), large.URL); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if n, err := io.Copy(io.Discard, resp.Body); n != 2*MaxBody || err != nil {
		t.Errorf("got %d bytes, %v, want all %d", n, err, 2*MaxBody)
	}
}
