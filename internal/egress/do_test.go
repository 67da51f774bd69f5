package egress

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func post(url string) Request {
	return Request{Method: "POST", URL: url, Body: []byte("refresh_token=r"), Fresh: true,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
}

func TestDo(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s|%s|%s|%v", b, r.UserAgent(), r.Header.Get("Accept-Encoding"), r.Close)
	})
	before := time.Now()
	a := mustNew(t, Config{AllowLoopback: true}).Do(t.Context(), post(s.URL))
	if got, want := string(a.Body.Reveal()), "refresh_token=r|lanyard|identity|true"; got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
	if !a.Sent || a.Status != 200 || a.Err != nil || a.Cut || a.SentAt.Before(before) || a.SentAt.After(time.Now()) {
		t.Errorf("answer: %+v", a)
	}
}

// 307 and 308 would send the client secret and the refresh token to wherever the answer points.
func TestRedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Bool
	elsewhere := server(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		c := mustNew(t, Config{AllowLoopback: true})
		if a := c.Do(t.Context(), post(s.URL)); a.Status != status || a.Err != nil {
			t.Errorf("status %d: got %d, %v", status, a.Status, a.Err)
		}
		resp, err := c.HTTPClient().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if reached.Load() {
		t.Error("a redirect was followed")
	}
}

func TestNothingWasSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	tls := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(tls.Close)
	plain := server(t, func(http.ResponseWriter, *http.Request) { t.Error("reached") })
	for _, c := range []struct{ name, url string }{
		{"nobody listens", "http://" + closed.Addr().String()},
		{"certificate of nobody we know", tls.URL},
		{"TLS to a plain server", strings.Replace(plain.URL, "http:", "https:", 1)},
		{"no such name", "https://nobody.invalid/"},
		{"private address", "https://10.0.0.1/"},
		{"not a URL", "::"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
			defer stop()
			a := mustNew(t, Config{AllowLoopback: true}).Do(ctx, post(c.url))
			if a.Sent || a.Err == nil || a.Status != 0 || a.SentAt.IsZero() {
				t.Errorf("got %+v, want an error and nothing sent", a)
			}
			if _, is := errors.AsType[*url.Error](a.Err); is {
				t.Errorf("%v carries a URL", a.Err)
			}
		})
	}
}

func TestTLSOfAKnownAuthority(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	a := mustNew(t, Config{AllowLoopback: true, RootCAs: pool}).Do(t.Context(), post(s.URL))
	if string(a.Body.Reveal()) != "HTTP/1.1" || a.Err != nil {
		t.Errorf("got %q, %v", a.Body.Reveal(), a.Err)
	}
}

// A server that took the request and hangs may have executed it: that is not "not sent".
func TestHangEndsAtTheDeadline(t *testing.T) {
	release := make(chan struct{})
	s := server(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	a := mustNew(t, Config{AllowLoopback: true}).Do(ctx, post(s.URL))
	if !a.Sent || !errors.Is(a.Err, context.DeadlineExceeded) || a.Status != 0 {
		t.Errorf("got %+v, want sent, deadline exceeded", a)
	}
}

func TestBodyIsCapped(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		for range 64 {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	})
	c := mustNew(t, Config{AllowLoopback: true})
	if a := c.Do(t.Context(), post(s.URL)); len(a.Body.Reveal()) != MaxBody || !errors.Is(a.Err, ErrTooLarge) || !a.Cut {
		t.Errorf("got %d bytes, %v", len(a.Body.Reveal()), a.Err)
	}
	resp, err := c.HTTPClient().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err := io.ReadAll(resp.Body); len(b) != MaxBody || !errors.Is(err, ErrTooLarge) {
		t.Errorf("HTTPClient: got %d bytes, %v", len(b), err)
	}
}

// What arrived before the connection broke is all there will ever be of a rotated refresh token.
func TestBytesBeforeABreakAreKept(t *testing.T) {
	for _, c := range []struct {
		name, head string
		wantErr    bool
	}{
		{"length said", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", true},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n", true},
		{"no length: the end of the connection is the end", "HTTP/1.1 200 OK\r\n\r\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := mustNew(t, Config{AllowLoopback: true}).Do(t.Context(), post(raw(t, c.head+`{"refresh_token":"r2","acc`)))
			if got, want := string(a.Body.Reveal()), `{"refresh_token":"r2","acc`; got != want || !a.Cut || !a.Sent || a.Status != 200 {
				t.Errorf("got %q, %+v", got, a)
			}
			if (a.Err != nil) != c.wantErr {
				t.Errorf("err = %v, want one: %v", a.Err, c.wantErr)
			}
		})
	}
}

func TestConnectionDroppedBeforeAnAnswer(t *testing.T) {
	a := mustNew(t, Config{AllowLoopback: true}).Do(t.Context(), post(raw(t, "")))
	if !a.Sent || a.Err == nil || a.Status != 0 {
		t.Errorf("got %+v, want sent and an error", a)
	}
}

// net/http sends a request again on a connection that was closed while idle; a token call has a connection of its own.
func TestFreshConnectionsAreNotReused(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := mustNew(t, Config{AllowLoopback: true})
	for range 3 {
		c.Do(t.Context(), post(s.URL))
	}
	if got := conns.Load(); got != 3 {
		t.Errorf("3 fresh calls used %d connections", got)
	}
	for range 3 {
		c.Do(t.Context(), Request{Method: "GET", URL: s.URL})
	}
	if got := conns.Load(); got != 4 {
		t.Errorf("3 other calls used %d connections, want 1", got-3)
	}
}

func TestGzipIsNotOpened(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(`{"access_token":"a"}`))
	_ = z.Close()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b.Bytes())
	})
	if a := mustNew(t, Config{AllowLoopback: true}).Do(t.Context(), post(s.URL)); !bytes.Equal(a.Body.Reveal(), b.Bytes()) {
		t.Errorf("got %q, want the bytes as they were sent", a.Body.Reveal())
	}
}

func TestNoProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	s := server(t, func(http.ResponseWriter, *http.Request) {})
	if a := mustNew(t, Config{AllowLoopback: true}).Do(t.Context(), post(s.URL)); a.Status != 200 {
		t.Errorf("got %+v", a)
	}
}

// The operator's proxy may stand on a private address; what asks for that address by itself may not go there.
func TestOperatorsProxy(t *testing.T) {
	var asked atomic.Value
	p := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		w.WriteHeader(http.StatusBadGateway)
	})
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := mustNew(t, Config{Proxy: u})
	a := c.Do(t.Context(), post("https://provider.invalid/token"))
	if got := asked.Load(); got != "CONNECT provider.invalid:443" {
		t.Errorf("the proxy saw %v", got)
	}
	if a.Sent || a.Err == nil {
		t.Errorf("refused by the proxy: got %+v, want nothing sent", a)
	}
	if a := c.Do(t.Context(), post(p.URL)); a.Sent || !errors.Is(a.Err, ErrRefused) {
		t.Errorf("straight to the proxy: got %+v, want refused", a)
	}
}

// raw answers one request with these bytes and closes.
func raw(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}
