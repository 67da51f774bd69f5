package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
	"lanyard/internal/sandbox"
	"lanyard/internal/server"
)

// heard is a request as it came in over the wire at the provider.
type heard struct {
	line, head string // the first line; and all before the body, as it was sent
	header     http.Header
	host, body string
	broken     bool // the body did not come to its end
}

func (h heard) token() string { return strings.TrimPrefix(h.header.Get("Authorization"), "Bearer ") }

// api is a provider's API that speaks HTTP by hand: it keeps the bytes that it was sent,
// and answers with bytes, be they HTTP or not.
type api struct {
	url    string
	mu     sync.Mutex
	heard  []heard
	answer func(h heard, to net.Conn)
	stream func(r *http.Request) bool // reads a body as it comes; false: it has read enough
}

const fine = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"

func newAPI(t *testing.T) *api {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &api{url: "http://" + l.Addr().String() + "/base"}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go a.serve(conn)
		}
	}()
	return a
}

func (a *api) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var raw bytes.Buffer
	in := bufio.NewReader(oneByOne{conn, &raw})
	for {
		raw.Reset()
		r, err := http.ReadRequest(in)
		if err != nil {
			if raw.Len() > 0 { // something that is no request: it is kept, so that nothing goes unseen
				a.note(heard{line: "?" + raw.String()})
			}
			return
		}
		head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
		h := heard{head: head, header: r.Header, host: r.Host}
		h.line, _, _ = strings.Cut(head, "\r\n")
		a.mu.Lock()
		stream := a.stream
		a.mu.Unlock()
		if stream != nil && stream(r) {
			_, _ = conn.Write([]byte(fine))
			return
		}
		body, err := io.ReadAll(r.Body)
		h.body, h.broken = string(body), err != nil
		a.note(h)
		a.mu.Lock()
		answer := a.answer
		a.mu.Unlock()
		if answer == nil {
			_, _ = conn.Write([]byte(fine))
			continue
		}
		answer(h, conn)
		return
	}
}

// oneByOne keeps the head of what is read, byte by byte, so that what was kept is one request.
type oneByOne struct {
	net.Conn
	kept *bytes.Buffer
}

func (o oneByOne) Read(p []byte) (int, error) {
	if o.kept.Len() < 4<<10 {
		p = p[:1]
	}
	n, err := o.Conn.Read(p)
	if o.kept.Len() < 64<<10 {
		o.kept.Write(p[:n])
	}
	return n, err
}

func (a *api) note(h heard) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, h)
}

// take returns what was heard since the last time.
func (a *api) take() []heard {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.heard
	a.heard = nil
	return out
}

// says makes every answer from now on these bytes, after which the connection is closed;
// {TOKEN} in them is the token that was sent.
func (a *api) says(raw string) {
	a.does(func(h heard, to net.Conn) { _, _ = io.WriteString(to, strings.ReplaceAll(raw, "{TOKEN}", h.token())) })
}

func (a *api) does(f func(h heard, to net.Conn)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = f
}

// world is the product with one connection, whose API is spoken to by hand.
type world struct {
	*lanyardtest.World
	api  *api
	app  string
	con  string
	path string // of the connection at the proxy
}

func newWorld(t *testing.T, options ...lanyardtest.Option) *world {
	t.Helper()
	return in(t, lanyardtest.New(t, options...))
}

func in(t *testing.T, lw *lanyardtest.World) *world {
	t.Helper()
	w := &world{World: lw, api: newAPI(t)}
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{lanyardtest.Return}})
	endpoints := w.ZoomEndpoints()
	endpoints["api"] = w.api.url
	app := w.OK("POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": lanyardtest.ZoomScopes, "endpoints": endpoints})
	c := sandbox.Client{Provider: sandbox.Zoom, ID: "zc_" + app.Str("id")[4:16], Secret: "zoom-client-secret-" + app.Str("id")[4:],
		Name: "Harbour Notes", RedirectURIs: []string{app.Str("redirect_uri")}, Scopes: lanyardtest.ZoomScopes}
	if _, err := w.Sandbox.RegisterClient(c); err != nil {
		t.Fatal(err)
	}
	w.app = app.Str("id")
	w.OK("PATCH", "/v1/apps/"+w.app, map[string]any{"client_id": c.ID, "client_secret": c.Secret})
	w.con = w.Connect(w.app, "user-42", "ana").Str("id")
	w.path = "/v1/proxy/" + w.con
	return w
}

// tight has limits that a test can reach.
func tight(s *server.Settings) {
	s.ProxyMaxBytes, s.ProxyMaxTime = 1<<20, 2*time.Second
}

// key makes a key with these rules.
func (w *world) key(rules ...any) string {
	w.T.Helper()
	return w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"proxy"}, "rules": rules}).Str("credential")
}

// reply is what came back over the wire.
type reply struct {
	status int
	header http.Header
	body   string
	cut    bool // it did not come to its end
	raw    string
}

func (r reply) code() string {
	if _, rest, ok := strings.Cut(r.body, `"code":"`); ok && r.header.Get("Lanyard-Answer") == "" {
		code, _, _ := strings.Cut(rest, `"`)
		return code
	}
	return fmt.Sprint(r.status)
}

// send writes these bytes to the server, and reads one answer.
func (w *world) send(raw string) reply {
	w.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, raw); err != nil {
		w.T.Logf("the server took no more: %v", err)
	}
	var kept bytes.Buffer
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &kept)), &http.Request{Method: method})
	if err != nil {
		return reply{raw: kept.String(), cut: true}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body), cut: err != nil, raw: kept.String()}
}

// request is a request with the key, at the connection, with more headers.
func (w *world) request(key, line string, headers ...string) string {
	line = strings.ReplaceAll(line, "{CON}", w.con)
	host := "Host: " + strings.TrimPrefix(w.URL, "http://") + "\r\n"
	for _, h := range headers {
		if strings.HasPrefix(strings.ToLower(h), "host:") {
			host = ""
		}
	}
	all := append([]string{line + " HTTP/1.1\r\n" + host + "Authorization: Bearer " + key}, headers...)
	return strings.Join(all, "\r\n") + "\r\n\r\n"
}

// entries are the log's, newest first.
func (w *world) entries(query string) []lanyardtest.JSON {
	w.T.Helper()
	return w.OK("GET", "/v1/audit/entries?"+query, nil).List("data")
}
