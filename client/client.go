// Package client calls a Lanyard server from Go: over TCP with a key, or over
// the unix socket as the operator. The command line is made of it.
//
// A method has the name of the operation in the API's documentation, takes and
// returns the shapes of package wire, and returns an *Error for an answer that
// is not a success; errors.Is(err, lanyard.NotFound) and errors.Is(err,
// lanyard.CodeScopeMissing) hold through it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/wire"
)

// Config says where the server is and who asks. One of Server, Socket and
// Transport is needed.
type Config struct {
	Server    string            // "https://connect.example.com"
	Socket    string            // path of the operator's socket
	Transport http.RoundTripper // instead of the network: a server in this process
	Key       lanyard.Secret    // API key or operator key; not needed on the socket
	Project   string            // the project the operator acts on
}

// Client is safe for use by many goroutines.
type Client struct {
	base    string
	key     lanyard.Secret
	project string
	http    *http.Client
}

// New returns a client. It refuses to send a key in the clear to another machine.
func New(cfg Config) (*Client, error) {
	c := &Client{base: "http://lanyard", key: cfg.Key, project: cfg.Project}
	transport := cfg.Transport
	switch {
	case transport != nil:
	case cfg.Socket != "":
		// No time limit: a rotation of the vault takes as long as it takes.
		transport = &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return DialSocket(ctx, cfg.Socket) },
		}
	default:
		if err := lanyard.ValidURL("server", cfg.Server); err != nil {
			return nil, err
		}
		c.base = strings.TrimRight(cfg.Server, "/")
		transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			ResponseHeaderTimeout: 2 * time.Minute,
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   10 * time.Second,
		}
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a key goes where it was meant to go, and nowhere else
	}}
	return c, nil
}

// Error is an answer that is not a success.
type Error struct{ wire.Problem }

func (e *Error) Error() string { return e.Detail }

// Is matches a lanyard.Code or lanyard.Kind.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case lanyard.Code:
		return e.Code == string(t)
	case lanyard.Kind:
		return lanyard.RowOf(lanyard.Code(e.Code)).Kind == t
	}
	return false
}

// ErrUnreachable is in the error of a call that no server answered.
var ErrUnreachable = errors.New("the server cannot be reached")

// Do makes one call: in, if not nil, is the body, and out, if not nil, takes the
// answer. It is what every method is made of, and for calls that have none.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	return c.do(ctx, method, path, query, in, out, nil)
}

// create is Do with an Idempotency-Key, sent once more if the answer was lost.
func (c *Client) create(ctx context.Context, path string, in, out any) error {
	header := http.Header{"Idempotency-Key": {lanyard.Random(18)}}
	err := c.do(ctx, http.MethodPost, path, nil, in, out, header)
	if errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		err = c.do(ctx, http.MethodPost, path, nil, in, out, header)
	}
	return err
}

const maxAnswer = 16 << 20

func (c *Client) do(ctx context.Context, method, path string, query url.Values, in, out any, header http.Header) error {
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if !c.key.Empty() {
		r.Header.Set("Authorization", "Bearer "+string(c.key.Reveal()))
	}
	if c.project != "" {
		r.Header.Set("Lanyard-Project", c.project)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.Join(ErrUnreachable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return errors.Join(ErrUnreachable, err)
	}
	if resp.StatusCode >= 300 {
		return problem(resp, raw)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("the server's answer is not what this version expects: %w", err)
	}
	return nil
}

// problem reads an answer that is not a success; from something between us and
// the server it may be anything.
func problem(resp *http.Response, raw []byte) error {
	e := &Error{}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "application/problem+json" && json.Unmarshal(raw, &e.Problem) == nil && e.Code != "" {
		return e
	}
	return fmt.Errorf("got HTTP %d from something that is no Lanyard server", resp.StatusCode)
}

// DialSocket connects to the operator's socket whatever the length of its path: an address of
// this kind has room for some 100 bytes.
func DialSocket(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	if len(path) <= 100 {
		return d.DialContext(ctx, "unix", path)
	}
	dir, err := os.MkdirTemp("", "lanyard")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	link := filepath.Join(dir, "d")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		return nil, err
	}
	return d.DialContext(ctx, "unix", filepath.Join(link, filepath.Base(path)))
}

// Page asks for a page of a list.
type Page struct {
	Cursor string
	Limit  int // 0: the server's own
}

func (p Page) query() url.Values {
	q := url.Values{}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	return q
}

func get[T any](c *Client, ctx context.Context, path string, query url.Values) (*T, error) {
	out := new(T)
	if err := c.Do(ctx, http.MethodGet, path, query, nil, out); err != nil {
		return nil, err
	}
	return out, nil
}

func send[T any](c *Client, ctx context.Context, method, path string, in any) (*T, error) {
	out := new(T)
	if err := c.Do(ctx, method, path, nil, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

func create[T any](c *Client, ctx context.Context, path string, in any) (*T, error) {
	out := new(T)
	if err := c.create(ctx, path, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// All reads a list to its end, a page at a time.
func All[T any](ctx context.Context, list func(context.Context, Page) (*wire.List[T], error)) ([]T, error) {
	out := []T{}
	for page := (Page{Limit: 200}); ; {
		part, err := list(ctx, page)
		if err != nil {
			return nil, err
		}
		out = append(out, part.Data...)
		if part.NextCursor == "" {
			return out, nil
		}
		page.Cursor = part.NextCursor
	}
}
