package chaostest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// spellings are how a secret could look where somebody has written it down.
func spellings() [][]byte {
	out := [][]byte{[]byte(canary), []byte(hex.EncodeToString([]byte(canary)))}
	for shift := range 3 { // base64 of it, wherever in the text it begins
		padded := base64.RawStdEncoding.EncodeToString(append(bytes.Repeat([]byte("x"), shift), canary...))
		out = append(out, []byte(padded[(shift*8+5)/6:(shift+len(canary))*8/6]))
	}
	return out
}

// quiet searches everything that the product says and keeps for tokens, secrets
// and the provider's own words (T12, T15, T33).
func (c *chaos) quiet(t *testing.T) {
	t.Helper()
	look := func(where string, raw []byte) {
		for _, n := range append(spellings(), []byte(said)) {
			if at := bytes.Index(raw, n); at >= 0 {
				t.Errorf("%s holds a secret or the provider's words: …%q…", where, raw[max(0, at-200):min(len(raw), at+60)])
			}
		}
	}
	look("the log", []byte(c.Log.String()))
	look("what libraries print", []byte(stray.String()))
	look("/metrics", c.metrics(t))
	for _, path := range []string{"/v1/audit/entries?limit=100", "/v1/events?limit=100", "/v1/apps?limit=100", "/v1/connections?limit=100"} {
		for range 20 { // pages
			raw, next := c.raw(t, path)
			look(path, raw)
			if next == "" {
				break
			}
			path = next
		}
	}
	rows, err := c.db.QueryContext(t.Context(), `SELECT coalesce(error, '') || ' ' || coalesce(request_id, '') FROM attempts`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		look("an attempt", text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(c.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		look(d.Name(), raw)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// raw is an answer of the API as it came, and where the next page is.
func (c *chaos) raw(t *testing.T, path string) ([]byte, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	return c.fetch(t, http.DefaultClient, req), ""
}

// metrics reads /metrics through the operator's door.
func (c *chaos) metrics(t *testing.T) []byte {
	t.Helper()
	dir, err := os.MkdirTemp("", "door") // a socket's address has room for a short name only
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Symlink(filepath.Dir(c.Socket), filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "d", filepath.Base(c.Socket)))
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://lanyard/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.fetch(t, &http.Client{Transport: transport}, req)
}

func (c *chaos) fetch(t *testing.T, client *http.Client, req *http.Request) []byte {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d %.300s (%v)", req.URL.Path, resp.StatusCode, raw, err)
	}
	return raw
}
