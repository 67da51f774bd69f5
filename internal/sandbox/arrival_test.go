package sandbox_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"lanyard/internal/sandbox"
)

// arrivals starts a sandbox that follows its answers, with a grant at oidc, and returns its refresh token.
func arrivals(t *testing.T, class sandbox.Class) (w *world, refresh string) {
	t.Helper()
	s, err := sandbox.New(sandbox.Config{Crowd: 3, Clients: []sandbox.Client{app(sandbox.OIDC, func(c *sandbox.Client) { c.Class = class })}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(s.Handler())
	srv.Config.ConnContext = s.ConnContext
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	if err := s.SetBaseURL(srv.URL); err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w = &world{t, s, srv.URL, hc}
	return w, w.connect(sandbox.OIDC, "sandbox_person", "p2").str("refresh_token")
}

// ask sends a refresh over a connection of its own and leaves it open.
func ask(t *testing.T, w *world, refresh string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}.Encode()
	fmt.Fprintf(c, "POST /oidc/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		base64.StdEncoding.EncodeToString([]byte("oidc-app:s3cret")), len(form), form)
	return c
}

// last waits for what became of the answer to a refresh token.
func last(w *world, refresh string) sandbox.Entry {
	w.Helper()
	for range 1500 {
		for _, e := range w.Ledger(sandbox.Query{Kind: "answer"}) {
			if e.Parent == sandbox.Fingerprint(refresh) {
				return e
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.Fatal("the ledger does not say what became of the answer")
	return sandbox.Entry{}
}

func TestTheLedgerSaysWhetherAnAnswerArrived(t *testing.T) {
	w, refresh := arrivals(t, sandbox.Overlap)
	if got := w.waitFor(sandbox.Query{Kind: "answer"}, 1); len(got) != 1 || got[0].Event != "delivered" || got[0].Person != "p2" {
		t.Errorf("got %+v for the answer to the code, want it delivered", got)
	}
	c := ask(t, w, refresh)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v %v, want tokens", resp, err)
	}
	_ = resp.Body.Close()
	_ = c.Close()
	e := last(w, refresh)
	if e.Event != "delivered" || e.Generation != 2 || e.Peer != c.LocalAddr().String() || e.Connected.IsZero() {
		t.Errorf("got %+v, want generation 2 delivered to %s", e, c.LocalAddr())
	}
	if n := len(w.Ledger(sandbox.Query{Kind: "refresh", Event: "issued", Fingerprint: e.Fingerprint})); n != 1 {
		t.Errorf("the ledger has %d refresh tokens with the answer's fingerprint, want 1", n)
	}
}

func TestAnAnswerNobodyWasThereForIsUndelivered(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what was acknowledged is known on Linux only")
	}
	w, refresh := arrivals(t, sandbox.Strict)
	if _, err := w.AddFault(sandbox.Fault{Match: sandbox.Match{GrantType: "refresh_token"}, Action: "delay", DelayMS: 200, AfterCommit: true}); err != nil {
		t.Fatal(err)
	}
	c := ask(t, w, refresh)
	time.Sleep(50 * time.Millisecond)
	_ = c.(*net.TCPConn).SetLinger(0) // as when a process is killed with unread data
	_ = c.Close()
	if e := last(w, refresh); e.Event != "undelivered" {
		t.Errorf("got %+v, want undelivered", e)
	}
	if g := w.Grants()[0]; g.Generation != 2 {
		t.Errorf("got generation %d, want 2: the provider has done its work", g.Generation)
	}
}

func TestAFaultStrikesEachSoManieth(t *testing.T) {
	w, refresh := arrivals(t, sandbox.Static)
	if _, err := w.AddFault(sandbox.Fault{Match: sandbox.Match{GrantType: "refresh_token"}, Action: "drop_after_commit", Skip: 1, Every: 3}); err != nil {
		t.Fatal(err)
	}
	var dropped []int
	for i := range 8 {
		resp, err := http.ReadResponse(bufio.NewReader(ask(t, w, refresh)), nil)
		if err != nil {
			dropped = append(dropped, i+1)
			continue
		}
		_ = resp.Body.Close()
	}
	if fmt.Sprint(dropped) != "[4 7]" {
		t.Errorf("requests %v were dropped, want 4 and 7", dropped)
	}
	var lost int
	for _, e := range w.Ledger(sandbox.Query{Kind: "answer", Event: "undelivered"}) {
		if lost++; e.Detail != "not written" {
			t.Errorf("got %q, want that nothing was written", e.Detail)
		}
	}
	if lost != 2 {
		t.Errorf("the ledger has %d undelivered answers, want 2", lost)
	}
}
