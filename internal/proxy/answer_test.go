package proxy_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand"
	"net"
	"strings"
	"testing"
)

// zipped is a whole answer, compressed.
func zipped(body string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, body)
	_ = z.Close()
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String())
}

// ok is an answer with these headers and this body.
func ok(body string, headers ...string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", lines(headers), len(body), body)
}

func lines(headers []string) (out string) {
	for _, h := range headers {
		out += h + "\r\n"
	}
	return out
}

// What a provider, or who has taken its place, may answer. In none of it does the caller
// see the token, a cookie, or the answer to somebody else's request.
func TestWhatProvidersAnswer(t *testing.T) {
	w := newWorld(t, tight)
	noise := make([]byte, 2<<20)
	_, _ = rand.New(rand.NewSource(1)).Read(noise) // noise that no compression makes smaller
	for _, c := range []struct {
		name, says string
		want       string // code, or status
		has        string // in what the caller gets
		never      string // and what not
		cut        bool   // the answer may not look whole
	}{
		{"an ordinary answer", ok(`{"id":"me"}`, "Content-Type: application/json", "ETag: \"a\""), "200", `{"id":"me"}`, "", false},
		{"its refusal is passed on", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "404", "Lanyard-Answer: provider", "", false},
		{"throttled", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n", "429", "Retry-After: 17", "", false},
		{"throttled in Zoom's words", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2026-11-29T00:00:00Z\r\nContent-Length: 0\r\n\r\n", "429", "Retry-After: 2026-11-29T00:00:00Z", "", false},
		{"a cookie", ok("x", "Set-Cookie: a=b; Path=/", "Set-Cookie2: c=d"), "200", "", "a=b", false},
		{"a header named by Connection", ok("x", "Connection: X-Hop", "X-Hop: secret"), "200", "", "secret", false},
		{"policies for browsers", ok("x", "Strict-Transport-Security: max-age=0", "Content-Security-Policy: default-src *", "Access-Control-Allow-Origin: *", "Clear-Site-Data: \"*\"", "Alt-Svc: h2=\"evil:443\"", "Refresh: 0;url=https://evil"), "200", "default-src 'none'", "evil", false},
		{"another site may not read it", ok("x", "Access-Control-Allow-Origin: *"), "200", "", "Access-Control", false},
		{"kept by nobody", ok("x", "Cache-Control: public, max-age=99999"), "200", "Cache-Control: no-store", "99999", false},
		{"no type is guessed", ok("<html><script>alert(1)</script>"), "200", "nosniff", "text/html", false},
		{"a forged mark of ours", ok("x", "Lanyard-Answer: lanyard", "X-Request-Id: forged-by-the-provider"), "200", "Lanyard-Answer: provider", "forged", false},

		{"the token in the body", "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\nBearer {TOKEN}", "200", "", "{TOKEN}", false},
		{"the token in a header", ok("x", "X-Debug: Bearer {TOKEN}", "WWW-Authenticate: Bearer error=\"{TOKEN}\""), "200", "X-Debug: Bearer ***", "{TOKEN}", false},
		{"the token in a chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{CHUNKED}", "200", "before ***", "{TOKEN}", false},
		{"the token where a redirect leads", "HTTP/1.1 302 Found\r\nLocation: https://cdn.example/file?access_token={TOKEN}\r\nContent-Length: 0\r\n\r\n", "302", "Location: https://cdn.example/file?access_token=***", "{TOKEN}", false},

		{"a redirect elsewhere is not followed", "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://evil.example/x\r\nContent-Length: 0\r\n\r\n", "307", "Location: https://evil.example/x", "", false},
		{"to this machine neither", "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n", "302", "", "", false},
		{"within the API it leads through the proxy", "HTTP/1.1 301 Moved\r\nLocation: {BASE}/v2/other?page=2\r\nContent-Length: 0\r\n\r\n", "301", "Location: /v1/proxy/{CON}/v2/other?page=2", "", false},
		{"a relative one too", "HTTP/1.1 303 See Other\r\nLocation: other\r\nContent-Length: 0\r\n\r\n", "303", "Location: /v1/proxy/{CON}/other", "", false},
		{"beside the base it does not", "HTTP/1.1 301 Moved\r\nLocation: /admin\r\nContent-Length: 0\r\n\r\n", "301", "/admin", "Location: /v1/proxy", false},
		{"a script as an address", "HTTP/1.1 302 Found\r\nLocation: javascript:alert(1)\r\nContent-Length: 0\r\n\r\n", "302", "", "javascript", false},

		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "provider_answer_invalid", "", "websocket", false},
		{"hints before the answer", "HTTP/1.1 103 Early Hints\r\nLink: </evil>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n" + ok("x"), "200", "x", "evil", false},
		{"to go on, which nobody has asked", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok("fine"), "200", "fine", "", false},
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n1\r\nx\r\n0\r\nSet-Cookie: a=b\r\n\r\n", "200", "x", "a=b", false},
		{"more than its length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", "200", "hello", "poison", false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nhello", "provider_unavailable", "", "hello", false},
		{"both framings", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\npoison", "200", "hello", "poison", false},
		{"less than its length", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello", "provider_answer_invalid", "", "hello", false},
		{"no HTTP", "SSH-2.0-OpenSSH_9.9\r\n\r\n", "provider_unavailable", "", "SSH", false},
		{"nothing", "", "provider_unavailable", "", "", false},
		{"headers without end", "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 100<<10) + "\r\n\r\n", "provider_unavailable", "", "", false},
		{"larger than agreed, and it says so", "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\nhello", "proxy_answer_too_large", "", "hello", false},
		{"larger than agreed", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("a", 1<<20+1), "200", "", "", true},

		{"compressed", zipped("hello"), "200", "Content-Encoding: gzip", "", false},
		{"the token, compressed", "{ZIPPED}", "provider_answer_invalid", "", "gzip", false},
		{"small, and large once unpacked", zipped(strings.Repeat("a", 64<<20)), "proxy_answer_too_large", "", "", false},
		{"compressed noise, larger than agreed", zipped(string(noise)), "proxy_answer_too_large", "", "", false},
		{"not what it says", ok("hello", "Content-Encoding: gzip"), "provider_answer_invalid", "", "hello", false},
		{"compressed with what was not asked for", ok("hello", "Content-Encoding: br"), "provider_answer_invalid", "", "hello", false},
		{"compressed twice", ok("hello", "Content-Encoding: gzip", "Content-Encoding: gzip"), "provider_answer_invalid", "", "hello", false},
	} {
		w.api.does(func(h heard, to net.Conn) {
			says := strings.ReplaceAll(strings.ReplaceAll(c.says, "{BASE}", w.api.url), "{CHUNKED}", inHalves(h.token()))
			says = strings.ReplaceAll(says, "{LENGTH}", fmt.Sprint(len("Bearer "+h.token())))
			if says == "{ZIPPED}" {
				says = zipped("you sent " + h.token())
			}
			_, _ = io.WriteString(to, strings.ReplaceAll(says, "{TOKEN}", h.token()))
		})
		w.api.take()
		got := w.send(w.request(w.Key, "GET /v1/proxy/{CON}/x", "Accept-Encoding: gzip"))
		calls := w.api.take()
		if len(calls) != 1 {
			t.Fatalf("%s: the provider was called %d times, want once", c.name, len(calls))
		}
		if got.code() != c.want || got.cut != c.cut {
			t.Errorf("%s: got %s, cut %v, want %s, %v: %.200s", c.name, got.code(), got.cut, c.want, c.cut, got.raw)
		}
		has := strings.ReplaceAll(c.has, "{CON}", w.con)
		if !strings.Contains(got.raw, has) {
			t.Errorf("%s: got %.900q, want %q in it", c.name, got.raw, has)
		}
		if never := strings.ReplaceAll(c.never, "{TOKEN}", calls[0].token()); never != "" && strings.Contains(got.raw, never) {
			t.Errorf("%s: got %.900q, want no %.30q in it", c.name, got.raw, c.never)
		}
		if strings.Contains(got.raw, calls[0].token()) || strings.Contains(w.Log.String(), calls[0].token()) {
			t.Errorf("%s: the token is in the answer, or in the log", c.name)
		}
	}
}

// inHalves is a chunked body with the token, cut in two in its middle.
func inHalves(token string) string {
	first, second := "before "+token[:len(token)/2], token[len(token)/2:]+" after"
	return fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", len(first), first, len(second), second)
}
