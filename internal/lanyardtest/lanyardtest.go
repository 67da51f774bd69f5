// Package lanyardtest is the whole product on a temporary database, with the
// sandbox's pretend providers beside it, for tests that go through real HTTP.
package lanyardtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lanyard/internal/sandbox"
	"lanyard/internal/server"
	"lanyard/internal/store/storetest"
)

// World is a running server, a sandbox, and what a customer has of both.
type World struct {
	T       testing.TB
	URL     string // of the server
	Server  *server.Server
	Sandbox *sandbox.Sandbox
	SandURL string
	Key     string // an API key of project default, with every scope
	Log     *Buffer
	Wire    *Buffer // what the server and the sandbox said to each other
	DataDir string
	Socket  string
	dsn     string

	disturbed *atomic.Bool // the test has changed what customers were told of
	Stop      func()       // stops the server as SIGTERM does; done at the end anyway

	Settings server.Settings // it runs with

	// Restart starts it again after Stop, on the same data and address.
	Restart func(options ...Option)
}

// Option changes the settings before the start.
type Option func(*server.Settings)

// New starts a world. It ends with the test.
func New(t testing.TB, options ...Option) *World {
	t.Helper()
	w := &World{T: t, Log: &Buffer{}, Wire: &Buffer{}, disturbed: &atomic.Bool{}}
	w.startSandbox()
	dataDir, configDir := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "config")
	storetest.Migrated(t, dataDir)
	w.Restart = func(options ...Option) { w.start(dataDir, configDir, options) }
	w.Restart(options...)
	return w
}

func (w *World) startSandbox() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	w.SandURL = "http://" + l.Addr().String()
	w.Sandbox, err = sandbox.New(sandbox.Config{BaseURL: w.SandURL, OpenRegistration: true, Logger: slog.New(slog.NewJSONHandler(w.Log, nil))})
	w.must(err)
	srv := &http.Server{Handler: w.tap(w.Sandbox.Handler()), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = srv.Serve(l) }()
	w.T.Cleanup(func() { _ = srv.Close(); w.Sandbox.Close() })
}

func (w *World) start(dataDir, configDir string, options []Option) {
	w.T.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var settings server.Settings
	var err error
	for range 20 { // a port that is free now may be another test's before the server opens it
		settings, err = w.launch(ctx, dataDir, configDir, options)
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.must(err)
	srv := w.Server
	var first bytes.Buffer
	w.must(srv.Bootstrap(ctx, &first))
	if at := strings.Index(first.String(), "lyk_"); at >= 0 {
		w.Key = strings.Fields(first.String()[at:])[0]
	}
	w.URL, w.DataDir, w.Socket = settings.PublicURL, settings.DataDir, settings.Socket
	w.dsn, w.Settings = string(settings.DatabaseURL.Reveal()), settings
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	var once sync.Once
	w.Stop = func() {
		once.Do(func() {
			stop()
			if err := <-done; err != nil {
				w.T.Errorf("the server ended with: %v", err)
			}
			if err := srv.Close(context.Background()); err != nil {
				w.T.Errorf("the server closed with: %v", err)
			}
		})
	}
	w.T.Cleanup(w.Stop)
	w.T.Cleanup(w.nothingWasSilent)
}

// On is the world for a subtest, which fails by itself.
func (w *World) On(t testing.TB) *World {
	sub := *w
	sub.T = t
	return &sub
}

// launch makes w.Server and has it listen, on the address of before if there was one.
func (w *World) launch(ctx context.Context, dataDir, configDir string, options []Option) (server.Settings, error) {
	address := "127.0.0.1:0"
	if w.URL != "" {
		address = strings.TrimPrefix(w.URL, "http://")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return server.Settings{}, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w.must(l.Close())
	loaded, err := server.Load(server.Sources{Flags: map[string]string{
		"public_url": "http://localhost:" + port, "listen": "localhost:" + port, "data_dir": dataDir,
		"kek": "file:" + filepath.Join(configDir, "kek"), "allow_loopback": "true",
		"limit_key_per_second": "0", "limit_opens_per_minute": "0", "log_level": "debug",
		"meetings_stop": "true"}}) // what it renews by itself would be counted with what a test does
	w.must(err)
	settings := loaded.Settings
	for _, o := range options {
		o(&settings)
	}
	logger := slog.New(slog.NewJSONHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Server, err = server.New(ctx, settings, logger)
	w.must(err)
	if err := w.Server.Listen(ctx); err != nil {
		return settings, errors.Join(err, w.Server.Close(ctx))
	}
	return settings, nil
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// JSON is an answer of the API.
type JSON map[string]any

// Str returns the text at a path such as "end_user.id"; "" if there is none.
func (j JSON) Str(path string) string {
	var at any = map[string]any(j)
	for part := range strings.SplitSeq(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[part]
	}
	s, _ := at.(string)
	return s
}

// List returns the objects in a member.
func (j JSON) List(name string) (out []JSON) {
	items, _ := j[name].([]any)
	for _, i := range items {
		if m, ok := i.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Call asks the API as whoever holds the key, and returns status and answer.
func (w *World) Call(key, method, path string, body any) (int, JSON) {
	w.T.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		w.must(err)
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(w.T.Context(), method, w.URL+path, in)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	w.must(err)
	out := JSON{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			w.T.Fatalf("%s %s: answer is not JSON: %v: %.200s", method, path, err, raw)
		}
	}
	return resp.StatusCode, out
}

// OK is Call with the first key for a call that must work.
func (w *World) OK(method, path string, body any) JSON {
	w.T.Helper()
	status, out := w.Call(w.Key, method, path, body)
	if status >= 300 {
		w.T.Fatalf("%s %s: got %d %v, want success", method, path, status, out)
	}
	return out
}

// Fails is Call with the first key for a call that must be refused with this code.
func (w *World) Fails(code, method, path string, body any) JSON {
	w.T.Helper()
	return w.FailsAs(w.Key, code, method, path, body)
}

// FailsAs is Fails with another key.
func (w *World) FailsAs(key, code, method, path string, body any) JSON {
	w.T.Helper()
	status, out := w.Call(key, method, path, body)
	if status < 400 || out.Str("code") != code {
		w.T.Fatalf("%s %s: got %d %v, want code %s", method, path, status, out, code)
	}
	return out
}

// Browser is a person's browser: it keeps cookies and follows redirects one at
// a time, so that a test sees each.
type Browser struct {
	w      *World
	client *http.Client
	At     *url.URL // where it is
	Status int
	Body   string
	Header http.Header
	Sends  http.Header // with every request, beside what browsers send
}

// Browser opens a new one, with no cookies.
func (w *World) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &Browser{w: w, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Go opens an address and does not follow where it leads. A form comes from a
// page of the same site.
func (b *Browser) Go(method, address string, form url.Values) *Browser {
	b.w.T.Helper()
	u, err := url.Parse(address)
	b.w.must(err)
	return b.send(method, u.Scheme+"://"+u.Host, address, form)
}

// PostFrom sends a form from a page of another site. As browsers do, it leaves
// cookies at home (SameSite=Lax).
func (b *Browser) PostFrom(origin, address string, form url.Values) *Browser {
	b.w.T.Helper()
	jar := b.client.Jar
	b.client.Jar = nil
	defer func() { b.client.Jar = jar }()
	return b.send(http.MethodPost, origin, address, form)
}

func (b *Browser) send(method, origin, address string, form url.Values) *Browser {
	b.w.T.Helper()
	var in io.Reader
	if form != nil {
		in = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.w.T.Context(), method, address, in)
	b.w.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if method == http.MethodPost {
		r.Header.Set("Origin", origin)
	}
	for name, values := range b.Sends {
		r.Header[name] = values
	}
	resp, err := b.client.Do(r)
	b.w.must(err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	b.w.must(err)
	b.At, b.Status, b.Body, b.Header = resp.Request.URL, resp.StatusCode, string(raw), resp.Header
	return b
}

// Next is where the answer sends the browser; "" if nowhere.
func (b *Browser) Next() string {
	loc := b.Header.Get("Location")
	if loc == "" {
		return ""
	}
	u, err := b.At.Parse(loc)
	b.w.must(err)
	return u.String()
}

// Follow goes where the last answer sends it, until stop matches the next address
// or there is none. It returns the address it stopped before, or "".
func (b *Browser) Follow(stop string) string {
	b.w.T.Helper()
	for range 10 {
		next := b.Next()
		if next == "" || strings.HasPrefix(next, stop) {
			return next
		}
		b.Go(http.MethodGet, next, nil)
	}
	b.w.T.Fatalf("the browser goes in circles at %s", b.At)
	return ""
}

// Buffer is a log that a test can read while it is written.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
