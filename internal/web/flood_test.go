package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard"
	"lanyard/internal/web"
)

// T42: what others at its address do, does not concern a credential that is good.
func TestBadCredentialsAreSlowedAndGoodOnesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *web.Config) { c.Limits.FailedPerMinute = 20 })
		for i := range 20 {
			start := time.Now()
			if status, _, _ := w.do("POST", "/v1/notes/1", "bad", fine, nil); status != 401 || time.Since(start) != 0 {
				t.Fatalf("bad credential %d: got %d after %v, want 401 at once", i, status, time.Since(start))
			}
		}
		start := time.Now()
		status, h, body := w.do("POST", "/v1/notes/1", "bad", fine, nil)
		if status != 429 || h.Get("Retry-After") == "" || code(t, body) != "rate_limited" || time.Since(start) != time.Second {
			t.Errorf("got %d after %v, Retry-After %q; want 429, slowly", status, time.Since(start), h.Get("Retry-After"))
		}
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { w.do("POST", "/v1/notes/1", "bad", fine, nil) })
		}
		start = time.Now()
		if status, _, _ := w.do("POST", "/v1/notes/1", "good", fine, nil); status != 200 || time.Since(start) != 0 {
			t.Errorf("a good key from the same address: got %d after %v, want 200 at once", status, time.Since(start))
		}
		wg.Wait()
		if status, _, _ := w.do("POST", "/v1/notes/1", "bad", fine, http.Header{"X-Remote": {"127.0.0.2:1"}}); status != 401 {
			t.Errorf("got %d from another address, want its own count", status)
		}
		total := 0
		for _, f := range w.front.Failed() {
			if f.Origin == "127.0.0.1" {
				total += f.Count
			}
		}
		if total != 1021 {
			t.Errorf("got %d bad credentials counted, want 1021", total)
		}
		if n := len(w.door.denied); n != 0 {
			t.Errorf("got %d entries caused by callers whom we cannot name, want none", n)
		}
		time.Sleep(2 * time.Hour)
		if left := w.front.Failed(); len(left) != 0 {
			t.Errorf("got %v after two hours, want it forgotten", left)
		}
	})
}

// A key that was withdrawn is worth an entry, but a flood of them is not.
func TestWithdrawnKeysAreNotedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		for range 50 {
			if status, _, _ := w.do("POST", "/v1/notes/1", "revoked", fine, nil); status != 401 {
				t.Fatalf("got %d, want 401", status)
			}
		}
		if n := len(w.door.denied); n != 1 {
			t.Errorf("got %d entries, want 1", n)
		}
		time.Sleep(time.Minute)
		w.do("POST", "/v1/notes/1", "revoked", fine, nil)
		if n := len(w.door.denied); n != 2 {
			t.Errorf("got %d entries after a minute, want 2", n)
		}
	})
}

func TestKeysAndInvitationsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *web.Config) { c.Limits = web.Limits{KeyPerSecond: 5, OpensPerMinute: 2} })
		got := map[int]int{}
		for range 9 {
			status, _, _ := w.do("POST", "/v1/notes/1", "good", fine, nil)
			got[status]++
		}
		if got[200] != 5 || got[429] != 4 {
			t.Errorf("got %v, want 5 let through", got)
		}
		time.Sleep(time.Second)
		if status, _, _ := w.do("POST", "/v1/notes/1", "good", fine, nil); status != 200 {
			t.Errorf("got %d a second later, want 200", status)
		}
		for i := range 3 {
			if err := w.front.TakeOpen("cs_1"); (err == nil) != (i < 2) {
				t.Errorf("opening %d: got %v", i, err)
			}
		}
	})
}

// T37, through net/http: a body that is a bomb, and one that never ends.
func TestBombsAndSlowBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: w.h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	base := "http://" + l.Addr().String()

	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 10<<20))
	_ = z.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "POST", base+"/v1/notes/1", &bomb)
	r.Header.Set("Authorization", "Bearer good")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 415 {
		t.Fatalf("got %v %v, want 415", resp, err)
	}
	_ = resp.Body.Close()

	// A body that promises and does not come: the answer comes after ten seconds.
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	_, _ = io.WriteString(c, "POST /v1/notes/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, _ := io.ReadAll(c)
	if !bytes.Contains(got, []byte("HTTP/1.1 400")) || time.Since(start) > 15*time.Second {
		t.Errorf("got %.60q after %v, want 400 after ten seconds", got, time.Since(start))
	}
}

// The deadline of a body must go once the body is there: left in place it ends
// the connection under a long poll, after ten seconds.
func TestALongPollOutlivesTheDeadlineOfItsBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	web.JSON(w.front, web.Operation{Method: "POST", Path: "/v1/wait", ID: "wait", Summary: "Wait", Scope: web.Known},
		func(ctx context.Context, _ lanyard.Principal, _ *struct{ Body struct{} }) (*noteOut, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(11 * time.Second):
				return &noteOut{"waited"}, nil
			}
		})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: w.h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+l.Addr().String()+"/v1/wait", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer good")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
		t.Errorf("got %d %s, want it to wait", resp.StatusCode, b)
	}
}
