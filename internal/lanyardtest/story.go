package lanyardtest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/client"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// Eventually waits for something that is to become true by itself, and goes on in the test
// where it does not.
func Eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Errorf("did not come true: %s", what)
}

// Must takes the results of a call that cannot fail in this test.
func Must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TokenOf reads a connection's token.
func TokenOf(w *World, c JSON) JSON {
	w.T.Helper()
	return w.OK("POST", "/v1/connections/"+c.Str("id")+"/token", map[string]any{})
}

// StatusOf is what a connection is worth.
func StatusOf(w *World, c JSON) string {
	w.T.Helper()
	return w.OK("GET", "/v1/connections/"+c.Str("id"), nil).Str("status")
}

// Renewals counts how often a refresh token was used at the pretend Zoom.
func Renewals(w *World) int {
	return len(w.Sandbox.Ledger(sandbox.Query{Provider: sandbox.Zoom, Kind: "refresh", Event: "used"}))
}

// Within waits for something that is to become true by itself.
func Within(t *testing.T, d time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, d)
		}
	}
}

// Metrics reads what the operator's socket shows.
func Metrics(w *World) string {
	w.T.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return client.DialSocket(ctx, w.Socket) }}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(w.T.Context(), http.MethodGet, "http://lanyard/metrics", nil)
	if err != nil {
		w.T.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.T.Fatalf("metrics: got %d, %v", resp.StatusCode, err)
	}
	return string(text)
}

// TokenPath is where a connection's token is read.
func TokenPath(c JSON) string { return "/v1/connections/" + c.Str("id") + "/token" }

// Operator asks through the socket.
func Operator(t *testing.T, w *World, method, path string, body any) JSON {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", w.Socket)
	}}}
	r, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		r.Body, r.ContentLength = nil, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := JSON{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: got %d %v %v", method, path, resp.StatusCode, out, err)
	}
	return out
}

// Quick has tasks run many times a second.
func Quick(s *server.Settings) { s.TimeScale = 100 }

// SocketOf talks to the server over its socket.
func SocketOf(w *World) *client.Client {
	w.T.Helper()
	c, err := client.New(client.Config{Socket: w.Socket})
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// Second is another node on the same PostgreSQL database, with a data directory of
// its own. It returns what asks it.
func Second(t *testing.T, w *World) func(method, path string, body any) (int, JSON) {
	t.Helper()
	settings := w.Settings
	settings.DataDir = t.TempDir()
	settings.Socket = filepath.Join(settings.DataDir, "s.sock")
	node, err := server.New(t.Context(), settings, slog.New(slog.NewJSONHandler(w.Log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close(t.Context()) })
	front := httptest.NewServer(node.Handler())
	t.Cleanup(front.Close)
	return func(method, path string, body any) (int, JSON) {
		var in io.Reader
		if body != nil {
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			in = strings.NewReader(string(raw))
		}
		r, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, in)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.Key)
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := front.Client().Do(r)
		if err != nil {
			t.Error(err)
			return 0, nil
		}
		defer func() { _ = resp.Body.Close() }()
		out := JSON{}
		text, err := io.ReadAll(resp.Body)
		if err == nil {
			err = json.Unmarshal(text, &out)
		}
		if err != nil {
			t.Errorf("%s: %v: %.200s", path, err, text)
		}
		return resp.StatusCode, out
	}
}
