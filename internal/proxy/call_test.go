package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/lanyardtest"
)

// do makes one call as an ordinary client does.
func (w *world) do(method, target string, body io.Reader, headers ...string) (*http.Response, string) {
	w.T.Helper()
	r, err := http.NewRequestWithContext(w.T.Context(), method, w.URL+w.path+target, body)
	if err != nil {
		w.T.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.Key)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	return resp, string(text)
}

// Each call is an entry, with what was asked and what came, and without query, body,
// addresses of people and token.
func TestEachCallIsOnTheLog(t *testing.T) {
	lanyardtest.Each(t, func(t *testing.T, lw *lanyardtest.World) {
		w := in(t, lw)
		w.do("POST", "/v2/users/ana%40example.com/meetings?secret=hidden", strings.NewReader(`{"topic":"private"}`), "Content-Type: application/json")
		e := w.entries("what=proxy.called")[0]
		for field, want := range map[string]string{"outcome": "ok", "connection_id": w.con, "app_id": w.app, "detail.provider": "zoom", "detail.method": "POST",
			"detail.path": "/v2/users/{address}/meetings", "detail.status": "200", "detail.sent": "19", "detail.bytes": "11"} {
			if got := e.Str(field); got != want {
				t.Errorf("%s: got %q, want %q", field, got, want)
			}
		}
		w.send(w.request(w.Key, "GET /v1/proxy/{CON}/../secret-path"))
		w.send(w.request(w.key(map[string]any{"methods": []string{"GET"}, "path": "/v2/users/me"}), "DELETE /v1/proxy/{CON}/v2/users/me"))
		list := w.entries("what=proxy.called&outcome=denied")
		if len(list) != 1 || list[0].Str("code") != "proxy_not_allowed" || list[0].Str("detail.path") != "/v2/users/me" || list[0].Str("detail.method") != "DELETE" {
			t.Errorf("got %v, want the call that no rule lets through", list)
		}
		if list := w.entries("what=proxy.called&outcome=failed"); len(list) != 1 || list[0].Str("code") != "proxy_refused" || list[0].Str("detail.path") != "" {
			t.Errorf("got %v, want the path that was refused, without it", list)
		}
		for _, secret := range []string{"hidden", "private", "secret-path", "ana%40example.com", w.api.take()[0].token()} {
			if table := w.Find(secret); table != "" {
				t.Errorf("%.20q is in the table %s", secret, table)
			}
		}
	})
}

// A body and an answer of many times what is kept in memory go through as they come, and
// an answer that is still on its way when its entry is written gets a second one.
func TestBodiesStreamBothWays(t *testing.T) {
	w := newWorld(t)
	step := make(chan struct{})
	w.api.does(func(_ heard, to net.Conn) {
		_, _ = io.WriteString(to, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\none 1\n\r\n")
		<-step
		_, _ = io.WriteString(to, "6\r\ntwo 2\n\r\n0\r\n\r\n")
	})
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+w.path+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.Key)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); line != "one 1\n" {
		t.Fatalf("got %q, %v, want the first event before the second is there", line, err)
	}
	first := w.entries("what=proxy.called")[0] // durable before the first byte left
	if first.Str("detail.status") != "200" || first.Str("detail.bytes") != "" {
		t.Errorf("got %v, want the status, and no number of bytes yet", first)
	}
	close(step)
	if line, err := lines.ReadString('\n'); line != "two 2\n" {
		t.Fatalf("got %q, %v, want the second event", line, err)
	}
	_ = resp.Body.Close()
	lanyardtest.Eventually(t, func() bool {
		list := w.entries("what=proxy.ended")
		return len(list) == 1 && list[0].Str("detail.call") == first.Str("id") && list[0].Str("detail.bytes") == "12" && list[0].Str("outcome") == "ok"
	}, "the end of the answer is on the log, with its bytes")

	// Up: the provider has the beginning while the caller still holds the end back.
	const size = 8 << 20
	got, begun := make(chan int64, 1), make(chan struct{})
	w.api.streams(func(body io.Reader) {
		one := make([]byte, 1<<20)
		n, _ := io.ReadFull(body, one)
		close(begun)
		rest, _ := io.Copy(io.Discard, body)
		got <- int64(n) + rest
	})
	from, to := io.Pipe()
	go func() {
		_, _ = to.Write(make([]byte, size/2))
		select {
		case <-begun:
		case <-time.After(10 * time.Second):
			t.Error("the provider has heard nothing while the body was on its way")
		}
		_, _ = to.Write(make([]byte, size/2))
		_ = to.Close()
	}()
	if resp, _ := w.do("PUT", "/upload", from); resp.StatusCode != 200 {
		t.Errorf("got %d, want 200", resp.StatusCode)
	}
	if n := <-got; n != size {
		t.Errorf("the provider has got %d bytes, want %d", n, size)
	}
}

// A token that the provider refuses is renewed once, and the call made again where its
// body is still there; elsewhere the provider's refusal is passed on.
func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		body  func() io.Reader
		calls int
		want  int
	}{
		{"without a body", func() io.Reader { return nil }, 2, 200},
		{"with a short one", func() io.Reader { return strings.NewReader(`{"topic":"x"}`) }, 2, 200},
		{"with one of unknown length", func() io.Reader { return io.MultiReader(strings.NewReader(`{"topic":"x"}`)) }, 1, 401},
		{"with a long one", func() io.Reader { return strings.NewReader(strings.Repeat("a", 300<<10)) }, 1, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.SQL(`UPDATE grants SET refreshed_at = $1`, time.Now().Add(-time.Hour).UnixMicro())
			old := ""
			w.api.does(func(h heard, to net.Conn) {
				if old == "" {
					old = h.token()
				}
				if h.token() == old {
					_, _ = io.WriteString(to, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nexpired")
					return
				}
				_, _ = io.WriteString(to, fine)
			})
			resp, body := w.do("POST", "/v2/meetings", c.body())
			calls := w.api.take()
			if resp.StatusCode != c.want || len(calls) != c.calls {
				t.Fatalf("got %d %s by %d calls, want %d by %d", resp.StatusCode, body, len(calls), c.want, c.calls)
			}
			if c.calls == 2 && (calls[0].body != calls[1].body || calls[0].token() == calls[1].token()) {
				t.Error("the second call is not the first with another token")
			}
			if n := lanyardtest.Renewals(w.World); n != 1 {
				t.Errorf("got %d renewals, want one", n)
			}
			if resp, _ := w.do("GET", "/v2/meetings", nil); resp.StatusCode != 200 { // a fresh token is there in any case
				t.Errorf("the next call: got %d, want 200", resp.StatusCode)
			}
		})
	}
	t.Run("and not for ever", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.SQL(`UPDATE grants SET refreshed_at = $1`, time.Now().Add(-time.Hour).UnixMicro())
		w.api.says("HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnone")
		for range 5 {
			if resp, body := w.do("GET", "/x", nil); resp.StatusCode != 401 || body != "none" || resp.Header.Get("Lanyard-Answer") != "provider" {
				t.Errorf("got %d %s, want the provider's refusal", resp.StatusCode, body)
			}
		}
		if n, calls := lanyardtest.Renewals(w.World), len(w.api.take()); n != 1 || calls != 6 {
			t.Errorf("got %d renewals and %d calls, want 1 and 6", n, calls)
		}
	})
}

func TestHeadOptionsAndRanges(t *testing.T) {
	w := newWorld(t)
	w.api.says("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nAccept-Ranges: bytes\r\n\r\n")
	if resp, body := w.do("HEAD", "/file", nil); resp.ContentLength != 12345 || body != "" {
		t.Errorf("HEAD: got length %d and %q, want the length and no body", resp.ContentLength, body)
	}
	w.api.says("HTTP/1.1 204 No Content\r\nAllow: GET, POST\r\n\r\n")
	if resp, _ := w.do("OPTIONS", "/file", nil); resp.StatusCode != 204 || resp.Header.Get("Allow") != "GET, POST" {
		t.Errorf("OPTIONS: got %d %v", resp.StatusCode, resp.Header)
	}
	w.api.says("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde")
	w.api.take()
	resp, body := w.do("GET", "/file", nil, "Range: bytes=2-4", "Accept-Encoding: gzip", "If-Range: \"a\"")
	h := w.api.take()[0].header
	if resp.StatusCode != 206 || body != "cde" || resp.Header.Get("Content-Range") != "bytes 2-4/9" {
		t.Errorf("a range: got %d %s %v", resp.StatusCode, body, resp.Header)
	}
	if h.Get("Range") != "bytes=2-4" || h.Get("If-Range") != `"a"` || h.Get("Accept-Encoding") != "identity" {
		t.Errorf("the provider has heard %v, want the range, and no compression of a piece", h)
	}
	w.api.says("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n")
	if resp, _ := w.do("GET", "/file", nil, "If-None-Match: \"a\""); resp.StatusCode != 304 || resp.Header.Get("ETag") != `"a"` {
		t.Errorf("not modified: got %d %v", resp.StatusCode, resp.Header)
	}
}

// A caller or a provider that says nothing more, or too much, ends the call in its time,
// and not the calls of others.
func TestSlowAndEndless(t *testing.T) {
	w := newWorld(t, tight)
	host := strings.TrimPrefix(w.URL, "http://")
	slow := func(name, head, want string) {
		start := time.Now()
		got := w.send(head)
		if took := time.Since(start); got.code() != want || took > 8*time.Second {
			t.Errorf("%s: got %s after %s, want %s: %.200s", name, got.code(), took, want, got.raw)
		}
	}
	post := "POST " + w.path + "/x HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + w.Key + "\r\n"
	slow("a body that does not come", post+"Content-Length: 10\r\n\r\nhello", "invalid_request")
	slow("chunks that do not come", post+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "invalid_request")
	slow("a body that is too long, and says so", post+"Content-Length: 99999999\r\n\r\n", "body_too_large")
	slow("and does not say so", post+"Transfer-Encoding: chunked\r\n\r\n200000\r\n"+strings.Repeat("a", 2<<20), "body_too_large")
	quiet := make(chan struct{})
	t.Cleanup(func() { close(quiet) })
	w.api.does(func(heard, net.Conn) { <-quiet })
	slow("a provider that says nothing", w.request(w.Key, "GET /v1/proxy/{CON}/x"), "provider_timeout")
	w.api.does(func(_ heard, to net.Conn) {
		_, _ = io.WriteString(to, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		<-quiet
	})
	start := time.Now()
	if got := w.send(w.request(w.Key, "GET /v1/proxy/{CON}/x")); !got.cut || time.Since(start) > 8*time.Second {
		t.Errorf("a provider that stops: cut %v after %s, want the answer cut", got.cut, time.Since(start))
	}
	lanyardtest.Eventually(t, func() bool {
		list := w.entries("what=proxy.ended")
		return len(list) == 1 && list[0].Str("outcome") == "failed" && list[0].Str("detail.why") == "too_slow" && list[0].Str("detail.bytes") == "5"
	}, "that the answer was cut is on the log")
	if got := w.entries("what=proxy.called&outcome=failed"); len(got) != 5 {
		t.Errorf("got %d entries of calls that failed, want 5", len(got))
	}
}

// streams has the next requests' bodies read as they come.
func (a *api) streams(read func(io.Reader)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var once sync.Once
	a.stream = func(r *http.Request) bool {
		done := false
		once.Do(func() { read(r.Body); done = true })
		return done
	}
}

// What another project's connection is, and one that nobody has, is the same; a key of
// another scope, label or provider does not get through either.
func TestWhoMayCall(t *testing.T) {
	w := newWorld(t)
	other := lanyardtest.Operator(t, w.World, "POST", "/v1/operator/projects", map[string]any{"name": "other"})
	theirs := lanyardtest.Operator(t, w.World, "POST", "/v1/operator/keys", map[string]any{"project": other.Str("id"), "scopes": []string{"proxy"}}).Str("credential")
	foreign, nobody := w.send(w.request(theirs, "GET "+w.path+"/x")), w.send(w.request(theirs, "GET /v1/proxy/con_00000000000000000000000000/x"))
	strip := func(s string) string {
		before, after, _ := strings.Cut(s, `"request_id"`)
		_, after, _ = strings.Cut(after, ",")
		return before + after
	}
	if foreign.status != 404 || strip(foreign.body) != strip(nobody.body) {
		t.Errorf("got %d %s and %d %s, want the same 404", foreign.status, foreign.body, nobody.status, nobody.body)
	}
	for code, key := range map[string]map[string]any{
		"scope_missing": {"scopes": []string{"token", "read", "admin"}},
		"key_limited":   {"scopes": []string{"proxy"}, "labels": []string{"sales"}},
	} {
		credential := w.OK("POST", "/v1/keys", key).Str("credential")
		if got := w.send(w.request(credential, "GET /v1/proxy/{CON}/x")); got.code() != code {
			t.Errorf("got %s, want %s", got.code(), code)
		}
	}
	w.OK("PATCH", "/v1/connections/"+w.con, map[string]any{"paused": true})
	if got := w.send(w.request(w.Key, "GET /v1/proxy/{CON}/x")); got.code() != "connection_paused" {
		t.Errorf("got %s, want connection_paused", got.code())
	}
	if calls := w.api.take(); len(calls) != 0 {
		t.Errorf("the provider has heard %v, want nothing", calls)
	}
}

// A key with rules calls what they say, and nothing that a server might take for more.
func TestRulesOfAKey(t *testing.T) {
	w := newWorld(t, tight)
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	key := w.key(
		map[string]any{"methods": []string{"GET"}, "path": "/v2/meetings/*"},
		map[string]any{"methods": []string{"GET"}, "path": "/v2/users/me/events", "query": map[string]any{
			"from": map[string]any{"from": "today", "to": "today+7d", "required": true}, "to": map[string]any{"from": "today", "to": "today+7d", "required": true},
			"size": map[string]any{"from": "1", "to": "50"}, "type": map[string]any{"values": []string{"a", "b"}}}},
		map[string]any{"methods": []string{"POST"}, "path": "/v2/notes/**", "headers": []string{"X-Version"}, "max_answer": 10},
	)
	week := "from=" + day(0) + "&to=" + day(7)
	for _, c := range []struct{ line, want string }{
		{"GET /v2/meetings/1", "200"},
		{"GET /v2/meetings/1%2frecordings", "proxy_not_allowed"},
		{"GET /v2/meetings/1%252frecordings", "proxy_not_allowed"},
		{"GET /v2/meetings/1%5crecordings", "proxy_not_allowed"},
		{"GET /v2/meetings/", "proxy_not_allowed"},
		{"GET /v2/meetings/..%2fusers", "proxy_refused"},
		{"DELETE /v2/meetings/1", "proxy_not_allowed"},
		{"GET /v2/meetings/1?_method=DELETE", "proxy_refused"},
		{"GET /v2/users/me/events?" + week, "200"},
		{"GET /v2/users/me/events?" + week + "&size=50&type=b", "200"},
		{"GET /v2/users/me/events", "proxy_not_allowed"},
		{"GET /v2/users/me/events?from=" + day(-2) + "&to=" + day(7), "proxy_not_allowed"},
		{"GET /v2/users/me/events?from=" + day(0) + "&to=" + day(9), "proxy_not_allowed"},
		{"GET /v2/users/me/events?" + week + "&size=51", "proxy_not_allowed"},
		{"GET /v2/users/me/events?" + week + "&more=1", "proxy_not_allowed"},
		{"GET /v2/users/me/events?" + week + "&to=" + day(99), "proxy_not_allowed"},
		{"GET /v2/users/me/events?" + week + ";to=" + day(99), "proxy_not_allowed"},
		{"GET /v2/users/me/events?" + week + "&t%6f=" + day(99), "proxy_not_allowed"},
		{"POST /v2/notes/a/b", "proxy_answer_too_large"},
		{"GET /v2/notes/a/b", "proxy_not_allowed"},
	} {
		method, target, _ := strings.Cut(c.line, " ")
		got := w.send(w.request(key, method+" /v1/proxy/{CON}"+target))
		if got.code() != c.want {
			t.Errorf("%s: got %s, want %s", c.line, got.code(), c.want)
		}
	}
	w.api.take()
	w.send(w.request(key, "POST /v1/proxy/{CON}/v2/notes/a", "X-Version: 3", "X-Http-Method-Override: DELETE", "X-Anything: y", "Accept: application/json"))
	h := w.api.take()[0].header
	if h.Get("X-Version") != "3" || h.Get("Accept") == "" || h.Get("X-Anything") != "" || h.Get("X-Http-Method-Override") != "" {
		t.Errorf("got the headers %v, want the usual ones and the one of the rule", h)
	}
	// And it makes no key that may more.
	admin := w.OK("POST", "/v1/keys", map[string]any{"scopes": []string{"proxy", "admin"}, "rules": []any{map[string]any{"methods": []string{"GET"}, "path": "/v2/meetings/*"}}}).Str("credential")
	rule := func(path string) []any { return []any{map[string]any{"methods": []string{"GET"}, "path": path}} }
	for name, rules := range map[string]any{"none": []any{}, "another": rule("/v2/**")} {
		if status, out := w.Call(admin, "POST", "/v1/keys", map[string]any{"scopes": []string{"proxy"}, "rules": rules}); out.Str("code") != "key_too_strong" {
			t.Errorf("%s: got %d %v, want key_too_strong", name, status, out)
		}
	}
	if status, out := w.Call(admin, "POST", "/v1/keys", map[string]any{"scopes": []string{"proxy"}, "rules": rule("/v2/meetings/*")}); status != 201 {
		t.Errorf("the same rule: got %d %v, want a key", status, out)
	}
}

// A caller who hangs up, or takes nothing, is noticed, and what was done is on record.
func TestACallerWhoLeaves(t *testing.T) {
	w := newWorld(t)
	asked := make(chan struct{})
	w.api.does(func(_ heard, to net.Conn) {
		close(asked)
		one := make([]byte, 1)
		_, _ = to.Read(one) // until the server hangs up, too
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprint(conn, w.request(w.Key, "POST /v1/proxy/{CON}/x", "Content-Length: 0"))
	<-asked
	_ = conn.Close()
	lanyardtest.Eventually(t, func() bool {
		list := w.entries("what=proxy.called")
		return len(list) == 1 && list[0].Str("outcome") == "failed" && list[0].Str("detail.why") == "caller_left" && list[0].Str("detail.method") == "POST"
	}, "a call whose caller has left is on the log")
}
