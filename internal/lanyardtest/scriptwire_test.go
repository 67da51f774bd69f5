package lanyardtest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// send FILE [slowly] writes a request as it is in the file, lines ended as HTTP
// has them; slowly: a byte each 100 ms of what follows the first line. expect
// status, and seconds until the server had answered or hung up (status 0).
func cmdSend(p *play, ts *testscript.TestScript, _ bool, args []string) {
	raw := strings.ReplaceAll(os.Expand(ts.ReadFile(args[0]), ts.Getenv), "\n", "\r\n")
	raw = unfold(ts, raw)
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(p.w.URL, "http://"), 5*time.Second)
	ts.Check(err)
	defer func() { _ = c.Close() }()
	ts.Check(c.SetDeadline(time.Now().Add(30 * time.Second)))
	began := time.Now()
	gone := make(chan answer, 1)
	go func() {
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			gone <- answer{took: time.Since(began)}
			return
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		_ = resp.Body.Close()
		gone <- answer{status: resp.StatusCode, header: resp.Header, body: string(body), took: time.Since(began)}
	}()
	if len(args) == 1 {
		_, _ = io.WriteString(c, raw) // a server that hangs up halfway is what we look for
		p.note(<-gone)
		return
	}
	head, drip, _ := strings.Cut(strings.TrimSpace(raw), "<slowly>")
	_, err = io.WriteString(c, head)
	ts.Check(err)
	for i := 0; ; i++ {
		select {
		case a := <-gone:
			p.note(a)
			return
		case <-time.After(100 * time.Millisecond):
			_, _ = io.WriteString(c, drip[i%len(drip):i%len(drip)+1])
		}
	}
}

// trap NAME listens on this machine, as something inside would; $NAME is its
// host:port. trap NAME N says how often somebody has called.
type trap struct {
	listener net.Listener
	calls    atomic.Int64
}

func cmdTrap(p *play, ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 2 {
		want, err := strconv.ParseInt(args[1], 10, 64)
		ts.Check(err)
		if got := p.traps[args[0]].calls.Load(); (got == want) == neg {
			ts.Fatalf("%s was called %d times, want %d", args[0], got, want)
		}
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	t := &trap{listener: l}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"access_token":"inside","token_type":"bearer"}`)
	}), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			t.calls.Add(1)
		}
	}}
	go func() { _ = srv.Serve(l) }()
	ts.Defer(func() { _ = srv.Close() })
	if p.traps == nil {
		p.traps = map[string]*trap{}
	}
	p.traps[args[0]] = t
	ts.Setenv(args[0], l.Addr().String())
}
