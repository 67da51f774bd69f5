package proxy_test

import (
	"strings"
	"testing"
)

// attack is what Mallory writes to the proxy, byte for byte. He has a key; he wants the
// token to go elsewhere, to call what is not below the API's base, to have the provider
// take one request for two, or to be taken for somebody else.
type attack struct {
	name    string
	line    string   // method and target
	headers []string // beside Host and Authorization
	body    string
	want    string // code of the problem, or status
	heard   string // method and target at the provider; "": it has heard nothing
	never   string // what must not be in what the provider has heard, letter case aside
	got     string // what the provider must have heard as the body
}

func path(name, target, want string) attack {
	return attack{name: name, line: "GET /v1/proxy/{CON}" + target, want: want}
}

func passed(name, target, heard string) attack {
	return attack{name: name, line: "GET /v1/proxy/{CON}" + target, want: "200", heard: "GET /base" + heard}
}

func header(name, line, never string) attack {
	return attack{name: name, line: "GET /v1/proxy/{CON}/x", headers: strings.Split(line, "\n"), want: "200", heard: "GET /base/x", never: never}
}

// framed is a POST whose framing is the attack.
func framed(name, headers, body, want, got string) attack {
	a := attack{name: name, line: "POST /v1/proxy/{CON}/x", headers: strings.Split(headers, "\n"), body: body, want: want, got: got}
	if want == "200" {
		a.heard = "POST /base/x"
	}
	return a
}

const no = "proxy_refused"

var attacks = []attack{
	// Out of the API's base.
	path("upwards", "/../admin", no),
	path("upwards at the end", "/x/..", no),
	path("upwards twice", "/x/../../admin", no),
	path("a dot", "/./x", no),
	path("encoded dots", "/%2e%2e/admin", no),
	path("encoded dots and slash", "/%2E%2E%2Fadmin", no),
	path("one dot encoded", "/.%2e/admin", no),
	path("encoded twice", "/%252e%252e/admin", no),
	path("encoded thrice", "/%25252e%25252e/admin", no),
	path("the encoding encoded digit by digit", "/%25%32%65%25%32%65/admin", no),
	path("encoded too often to tell", "/%252525252525252525x", no),
	path("dots with an encoded slash", "/..%2fadmin", no),
	path("with a slash encoded twice", "/..%252fadmin", no),
	path("with an encoded backslash", "/..%5cadmin", no),
	path("between backslashes", `/x%5c..%5cadmin`, no),
	path("a plain backslash", `/..\admin`, no),
	path("path parameters after dots", "/..;/admin", no),
	path("named ones", "/..;jsessionid=1/admin", no),
	path("encoded dots with parameters", "/%2e%2e;/admin", no),
	path("a NUL between dots", "/.%00./admin", no),
	path("a NUL at the end", "/x%00.json", no),
	path("overlong UTF-8", "/%c0%ae%c0%ae/admin", no),
	path("an overlong slash", "/..%c0%afadmin", no),
	path("no UTF-8", "/x%ff", no),
	path("full-width dots", "/%ef%bc%8e%ef%bc%8e/admin", no),
	path("a full-width slash", "/..%ef%bc%8fadmin", no),
	path("a division slash", "/..%e2%88%95admin", no),
	path("IIS's encoding", "/%u002e%u002e/admin", "400"),
	path("IIS's encoding, encoded", "/%25u002e%25u002e/admin", no),
	path("three dots", "/.../admin", no),
	path("a space after dots", "/..%20/admin", no),
	path("a space before", "/%20../admin", no),
	path("a doubled slash", "/x//y", no),
	path("a host after two slashes", "//evil.example/x", no),
	path("three slashes", "///evil.example", no),
	path("a whole address as the path", "/http://evil.example/x", no),
	path("no path", "", no),
	path("no path but a query", "?x=y", no),
	path("a line end", "/x%0d%0aHost:%20evil.example", no),
	path("a line feed", "/x%0aX-Evil:1", no),
	path("a line end, encoded twice", "/x%250d%250aHost:%20evil.example", no),
	path("a tab", "/x%09HTTP/1.1", no),
	path("a delete", "/x%7f", no),
	path("a fragment", "/x#@evil.example", no),
	path("bytes beyond ASCII", "/x\xc3\xa9", no),
	path("a bracket", "/x<script>", no),
	path("a quote", `/x"y`, no),
	path("half an encoding", "/x%2", "400"),
	path("none", "/x%zz", "400"),
	passed("an at sign is no user", "/@evil.example/x", "/@evil.example/x"),
	passed("nor is a colon", "/u:p@evil.example:80/x", "/u:p@evil.example:80/x"),
	passed("an address in one segment stays one", "/http:%2f%2fevil.example", "/http:%2F%2Fevil.example"),
	passed("an encoded slash stays encoded", "/a%2fb", "/a%2Fb"),
	passed("twice encoded too, as Zoom wants it", "/past_meetings/%252F1mA%253D%253D", "/past_meetings/%252F1mA%253D%253D"),
	passed("an encoded question mark starts no query", "/a%3fb=c", "/a%3Fb=c"),
	passed("an encoded number sign", "/a%23b", "/a%23b"),
	passed("what needs no encoding has none", "/%75sers/%6De", "/users/me"),
	passed("the root", "/", "/"),

	// The request line.
	{name: "absolute-form with another host", line: "GET http://evil.example/v1/proxy/{CON}/x", want: "200", heard: "GET /base/x", never: "evil.example"},
	{name: "with a user", line: "GET http://localhost@evil.example/v1/proxy/{CON}/x", want: "200", heard: "GET /base/x", never: "evil.example"},
	{name: "absolute-form and upwards", line: "GET http://evil.example/v1/proxy/{CON}/../x", want: no},
	{name: "before the prefix", line: "GET /v1/x/../proxy/{CON}/x", want: "not_found"},
	{name: "a doubled slash before it", line: "GET //v1/proxy/{CON}/x", want: "not_found"},
	{name: "another spelling of it", line: "GET /v1/%70roxy/{CON}/x", want: "not_found"},
	{name: "in capitals", line: "GET /v1/PROXY/{CON}/x", want: "not_found"},
	{name: "a connection that is none", line: "GET /v1/proxy/con_/x", want: "not_found"},
	{name: "upwards as the connection", line: "GET /v1/proxy/../x", want: "not_found"},
	{name: "an encoded connection", line: "GET /v1/proxy/{CON}%2fx", want: "not_found"},
	{name: "a space in the line", line: "GET /v1/proxy/{CON}/x y", want: "400"},
	{name: "TRACE would answer with the token", line: "TRACE /v1/proxy/{CON}/x", want: "method_not_allowed"},
	{name: "TRACK too", line: "TRACK /v1/proxy/{CON}/x", want: "method_not_allowed"},
	{name: "CONNECT", line: "CONNECT /v1/proxy/{CON}/x", want: "method_not_allowed"},
	{name: "CONNECT to a host", line: "CONNECT evil.example:443", want: "not_found"},
	{name: "a method of one's own", line: "PURGE /v1/proxy/{CON}/x", want: "method_not_allowed"},
	{name: "a method in small letters", line: "delete /v1/proxy/{CON}/x", want: "method_not_allowed"},

	// The query.
	passed("a query is passed on as it is", "/x?a=b&c=%20d", "/x?a=b&c=%20d"),
	passed("a line end in a value stays encoded", "/x?a=%0d%0aHost:%20evil.example", "/x?a=%0d%0aHost:%20evil.example"),
	path("a line end in a name", "/x?%0d%0aHost=evil.example", no),
	path("a fragment after it", "/x?a=b#c", no),
	path("a backslash in it", `/x?a=\`, no),
	path("an encoding that is none", "/x?a=%zz", no),
	path("another token", "/x?access_token=mine", no),
	path("in capitals", "/x?ACCESS_TOKEN=mine", no),
	path("encoded", "/x?%61ccess_token=mine", no),
	path("after a semicolon", "/x?a=1;access_token=mine", no),
	path("after a space", "/x?+access_token=mine", no),
	path("another method", "/x?_method=DELETE", no),
	path("Google's way", "/x?$httpMethod=DELETE", no),
	path("Google's way, encoded", "/x?%24httpHeaders=Authorization%3Ax", no),
	path("a header as a parameter", "/x?X-HTTP-Method-Override=PUT", no),

	// Headers.
	header("another host", "Host: evil.example", "evil.example"),
	{name: "two hosts", line: "GET /v1/proxy/{CON}/x", headers: []string{"Host: localhost", "Host: evil.example"}, want: "400"},
	header("another API host than there is, later refused", "X-Host: evil.example", "evil.example"),
	{name: "a host that is not the provider's", line: "GET /v1/proxy/{CON}/x", headers: []string{"Lanyard-Api-Host: evil.example"}, want: "invalid_request"},
	{name: "one that is in the catalogue, though this app has its own", line: "GET /v1/proxy/{CON}/x", headers: []string{"Lanyard-Api-Host: api.zoom.us"}, want: "invalid_request"},
	{name: "the inside as the host", line: "GET /v1/proxy/{CON}/x", headers: []string{"Lanyard-Api-Host: 169.254.169.254"}, want: "invalid_request"},
	header("forged origins", "X-Forwarded-For: 10.0.0.1\nX-Forwarded-Host: evil.example\nX-Forwarded-Proto: http\nForwarded: for=10.0.0.1;host=evil.example\nX-Real-IP: 10.0.0.1\nTrue-Client-IP: 10.0.0.1\nVia: 1.1 evil", "10.0.0.1"),
	header("with underscores", "X_Forwarded_For: 10.0.0.1", "10.0.0.1"),
	header("another path", "X-Original-URL: /admin\nX-Rewrite-URL: /admin", "/admin"),
	header("another method", "X-HTTP-Method-Override: DELETE\nX-HTTP-Method: DELETE\nX-Method-Override: DELETE", "delete"),
	header("cookies", "Cookie: session=mallory", "mallory"),
	header("other credentials", "X-Access-Token: mallory\nX-Api-Key: mallory\nProxy-Authorization: Basic mallory", "mallory"),
	{name: "two credentials", line: "GET /v1/proxy/{CON}/x", headers: []string{"Authorization: Bearer mallory"}, want: "credential_invalid"},
	header("hop-by-hop", "Keep-Alive: timeout=9\nTE: trailers\nProxy-Connection: keep-alive", "trailers"),
	header("named by Connection", "Connection: close, X-Secret\nX-Secret: mine", "x-secret"),
	header("our credential, named by Connection", "Connection: Authorization", "connection:"),
	header("a name in Connection with odd spaces", "Connection:  ,x-secret ,\nX-Secret: mine", "x-secret"),
	{name: "an upgrade", line: "GET /v1/proxy/{CON}/x", headers: []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13"}, want: no},
	{name: "to HTTP/2 in the clear", line: "GET /v1/proxy/{CON}/x", headers: []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"}, want: no},
	{name: "an expectation that there is none of", line: "GET /v1/proxy/{CON}/x", headers: []string{"Expect: the-moon"}, want: "417"},
	header("our own headers", "Lanyard-Anything: x", "lanyard-"),
	header("an origin", "Origin: https://evil.example\nReferer: https://evil.example/", "evil.example"),
	header("an encoding that cannot be looked through", "Accept-Encoding: br, zstd", "br, zstd"),
	header("a hop limit", "Max-Forwards: 0", "max-forwards"),
	{name: "a name with a space", line: "GET /v1/proxy/{CON}/x", headers: []string{"X-A : b"}, want: "400"},
	{name: "a folded line", line: "GET /v1/proxy/{CON}/x", headers: []string{"X-A: b", " X-Evil: c"}, want: "200", heard: "GET /base/x", never: "\nx-evil"},
	{name: "a bare carriage return", line: "GET /v1/proxy/{CON}/x", headers: []string{"X-A: b\rX-Evil: c"}, want: "400"},
	{name: "a NUL in a value", line: "GET /v1/proxy/{CON}/x", headers: []string{"X-A: b\x00c"}, want: "400"},
	{name: "endless headers", line: "GET /v1/proxy/{CON}/x", headers: []string{"X-A: " + strings.Repeat("a", 64<<10)}, want: "431"},

	// Framing.
	framed("both lengths", "Content-Length: 4\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\nGET /base/smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "200", "hello"),
	framed("both, the other way round", "Transfer-Encoding: chunked\nContent-Length: 60", "0\r\n\r\nGET /base/smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "200", ""),
	framed("two lengths", "Content-Length: 5\nContent-Length: 6", "hello!", "400", ""),
	framed("a list of lengths", "Content-Length: 5, 6", "hello!", "400", ""),
	framed("a length with a sign", "Content-Length: +5", "hello", "400", ""),
	framed("a negative length", "Content-Length: -1", "hello", "400", ""),
	framed("a length that overflows", "Content-Length: 18446744073709551621", "hello", "400", ""),
	framed("a coding that is none", "Transfer-Encoding: xchunked", "5\r\nhello\r\n0\r\n\r\n", "501", ""),
	framed("two codings", "Transfer-Encoding: chunked, identity", "5\r\nhello\r\n0\r\n\r\n", "501", ""),
	framed("chunked twice", "Transfer-Encoding: chunked\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "501", ""),
	framed("a space before the colon", "Transfer-Encoding : chunked", "5\r\nhello\r\n0\r\n\r\n", "400", ""),
	framed("a coding behind a control character", "Transfer-Encoding: \x0bchunked", "5\r\nhello\r\n0\r\n\r\n", "400", ""),
	framed("a request in a chunked body", "Transfer-Encoding: chunked", "2b\r\nGET /base/smuggled HTTP/1.1\r\nHost: evil\r\n\r\n\r\n0\r\n\r\n", "200", "GET /base/smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"),
	framed("a request behind the body", "Content-Length: 5", "helloGET /base/smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "200", "hello"),
	framed("a compressed body is the provider's to unpack", "Content-Encoding: gzip\nContent-Length: 5", "hello", "200", "hello"),
	framed("a body that waits to be asked for", "Expect: 100-continue\nContent-Length: 5", "hello", "200", "hello"),
	framed("chunk extensions", "Transfer-Encoding: chunked", "5;a=b\r\nhello\r\n0\r\n\r\n", "200", "hello"),
	framed("a chunk size that is none", "Transfer-Encoding: chunked", "z\r\nhello\r\n0\r\n\r\n", "invalid_request", ""),
	framed("a chunk longer than it says", "Transfer-Encoding: chunked", "3\r\nhello\r\n0\r\n\r\n", "invalid_request", ""),
	framed("trailers", "Transfer-Encoding: chunked\nTrailer: X-Evil", "5\r\nhello\r\n0\r\nX-Evil: mallory\r\n\r\n", "200", "hello"),
	framed("line feeds alone", "Transfer-Encoding: chunked", "5\nhello\n0\n\n", "invalid_request", ""),
}

// T28. A hundred and more ways to have a proxy send a request elsewhere than it looks.
func TestProxyAttacks(t *testing.T) {
	w := newWorld(t, tight)
	if len(attacks) < 100 {
		t.Errorf("got %d attacks, want at least 100", len(attacks))
	}
	where := strings.TrimSuffix(strings.TrimPrefix(w.api.url, "http://"), "/base")
	for _, a := range attacks {
		w.api.take()
		got := w.send(w.request(w.Key, a.line, a.headers...) + a.body)
		if code := got.code(); code != a.want && !(a.want == "400" && got.status == 400) {
			t.Errorf("%s: %s %v: got %s, want %s: %.300s", a.name, a.line, a.headers, code, a.want, got.raw)
		}
		all := w.api.take()
		var calls []heard
		for _, h := range all {
			if !h.broken { // a body that broke off, because the caller's did, is taken for whole by nobody
				calls = append(calls, h)
			}
		}
		switch {
		case a.heard == "" && len(calls) > 0:
			t.Errorf("%s: the provider has heard %q, want nothing", a.name, calls[0].head)
		case a.heard != "" && len(calls) != 1:
			t.Errorf("%s: the provider has heard %d requests, want one: %v", a.name, len(calls), calls)
		case a.heard != "":
			h := calls[0]
			if h.line != a.heard+" HTTP/1.1" {
				t.Errorf("%s: the provider has heard %q, want %q", a.name, h.line, a.heard)
			}
			if h.host != where {
				t.Errorf("%s: the provider was called %q, want %q", a.name, h.host, where)
			}
			if a.never != "" && strings.Contains(strings.ToLower(h.head), a.never) {
				t.Errorf("%s: the provider has heard %q in %q", a.name, a.never, h.head)
			}
			if len(h.header.Values("Authorization")) != 1 || h.token() == "" || strings.Contains(h.head, "lyk_") {
				t.Errorf("%s: the provider has heard the credentials %d times, or our own", a.name, len(h.header.Values("Authorization")))
			}
			if h.body != a.got {
				t.Errorf("%s: the provider has heard the body %q, want %q", a.name, h.body, a.got)
			}
		}
	}
	if s := w.Log.String(); strings.Contains(s, "evil.example") || strings.Contains(s, "smuggled") {
		t.Error("the log has what Mallory wrote")
	}
}
