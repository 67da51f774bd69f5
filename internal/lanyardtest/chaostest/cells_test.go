package chaostest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// cell is one way in which a renewal goes wrong.
type cell struct {
	name    string
	play    func(*call)
	lasting bool                           // it goes on until the provider is mended; else it strikes once
	want    string                         // the outcomes that the attempt may have; "": any but rejected and interaction
	later   bool                           // it recovers only when the server has forgotten what it holds in memory
	slow    bool                           // takes real seconds
	only    []string                       // classes; nil: all
	down    func(h *hostile) (mend func()) // instead of play: what is done to the whole host
	secure  bool                           // it speaks TLS, under a name of its own
	first   func(r *round)                 // something more to hold after the read with a token that lives
	check   func(r *round)                 // and after the read with one that has ended
}

// spends lets the provider do its work before the answer goes wrong.
func spends(play func(*call)) func(*call) {
	return func(k *call) {
		if !k.commit() {
			k.refuse()
			return
		}
		play(k)
	}
}

// says answers with these bytes and does no work.
func says(b []byte) func(*call) {
	return func(k *call) { write(k, b) }
}

// usable answers 200 with a body in which the new tokens are whole: {A} and {R}
// stand for them. At a static provider {R} is the token there was.
func usable(body string, header ...string) func(*call) {
	return spends(func(k *call) {
		k.arrives()
		write(k, plain(200, k.fill(body), header...))
	})
}

// useless does the work, and what goes out does not hold the new refresh token.
func useless(body string, header ...string) func(*call) {
	return spends(func(k *call) { write(k, plain(200, k.fill(body), header...)) })
}

func (k *call) fill(body string) string {
	return strings.NewReplacer("{A}", k.fresh.access, "{R}", k.fresh.refresh, "{OLD}", k.rt.value).Replace(body)
}

const (
	good = `{"access_token":"{A}","token_type":"Bearer","refresh_token":"{R}","expires_in":3600}`
	page = `<!DOCTYPE html><html><head><title>` + said + `</title></head><body><h1>` + said + `</h1></body></html>`
	html = "Content-Type: text/html; charset=utf-8"
)

// matrix is every cell. Each is played to a provider of each class.
func matrix() (all []cell) {
	all = append(all, statusCells()...)
	all = append(all, refusalCells()...)
	all = append(all, bodyCells()...)
	all = append(all, memberCells()...)
	all = append(all, retryAfterCells()...)
	all = append(all, wireCells()...)
	all = append(all, connectionCells()...)
	all = append(all, tlsCells()...)
	return append(all, dnsCells()...)
}

// statusCells: what was said in the status line only; with the work done, and without.
func statusCells() (out []cell) {
	for _, s := range []struct {
		status int
		body   string
		header []string
		want   string
	}{
		{204, "", nil, "unknown"},
		{301, "", []string{"Location: {THIEF}"}, "app_error"},
		{302, "", []string{"Location: {THIEF}"}, "app_error"},
		{303, "", []string{"Location: {THIEF}"}, "app_error"},
		{307, "", []string{"Location: {THIEF}"}, "app_error"},
		{308, page, []string{"Location: {THIEF}", html}, "app_error"},
		{304, "", nil, "app_error"},
		{400, "", nil, "app_error"},
		{400, page, []string{html}, "app_error"},
		{400, `{"error":`, nil, "app_error unknown"},
		{401, "", nil, "app_error"},
		{401, page, []string{html, `WWW-Authenticate: Basic realm="` + said + `"`}, "app_error"},
		{402, "", nil, "app_error"},
		{403, page, []string{html, "Server: cloudflare", "CF-RAY: 7d1"}, "app_error"},
		{404, page, []string{html}, "app_error"},
		{405, "", []string{"Allow: GET"}, "app_error"},
		{406, "", nil, "app_error"},
		{408, "", []string{"Connection: close"}, "unknown"},
		{409, "", nil, "unknown"},
		{410, "", nil, "app_error"},
		{413, page, []string{html}, "app_error"},
		{415, "", nil, "app_error"},
		{421, "", nil, "unknown"},
		{423, "", nil, "unknown"},
		{425, "", nil, "unknown"},
		{429, "", nil, "throttled"},
		{451, page, []string{html}, "app_error"},
		{500, "", nil, "unknown"},
		{500, page, []string{html}, "unknown"},
		{500, `{"error":"server_error"}`, nil, "unknown"},
		{500, `{"error":"invalid_grant"}`, nil, "unknown"},
		{501, "", nil, "unknown"},
		{502, page, []string{html}, "unknown"},
		{503, "", nil, "unknown"},
		{503, page, []string{html, "Retry-After: 7"}, "throttled"},
		{503, `{"error":"invalid_client"}`, nil, "unknown"},
		{504, page, []string{html}, "unknown"},
		{511, page, []string{html}, "unknown"},
		{520, page, []string{html}, "unknown"},
		{599, "", nil, "unknown"},
		{999, page, []string{html}, "unknown"},
	} {
		name := fmt.Sprintf("status %d", s.status)
		switch {
		case s.body == page:
			name += " with a page"
		case s.body != "":
			name += " " + s.body
		}
		if strings.Contains(strings.Join(s.header, " "), "Retry-After") {
			name += " and when to come again"
		}
		answer := func(k *call) { write(k, plain(s.status, s.body, theft(s.header)...)) }
		out = append(out, cell{name: name, play: answer, want: s.want})
		if s.status == 204 || s.status >= 500 || s.status == 408 {
			out = append(out, cell{name: name + ", work done", play: spends(answer), want: s.want})
		}
		if s.status == 403 || s.status == 404 || s.status == 429 || s.status == 502 {
			out = append(out, cell{name: name + ", for an hour", play: answer, want: s.want, lasting: true})
		}
	}
	for _, status := range []int{201, 202, 203, 206, 226} {
		out = append(out, cell{name: fmt.Sprintf("status %d, all well", status), want: "ok", play: spends(func(k *call) {
			k.arrives()
			write(k, plain(status, k.fill(good)))
		})})
	}
	for _, status := range []int{302, 307, 400, 401, 403, 429, 500, 502, 504} { // a gateway that changes the status
		out = append(out, cell{name: fmt.Sprintf("status %d with the tokens", status), want: "ok_partial", play: spends(func(k *call) {
			k.arrives()
			write(k, plain(status, k.fill(good), theft([]string{"Location: {THIEF}"})...))
		})})
	}
	return out
}

// refusalCells: what RFC 6749 §5.2 knows, and what nobody does.
func refusalCells() (out []cell) {
	for _, e := range []struct{ code, want string }{
		{"invalid_request", "app_error"}, {"invalid_client", "app_error"}, {"invalid_grant", "rejected"}, {"unauthorized_client", "app_error"},
		{"unsupported_grant_type", "app_error"}, {"invalid_scope", "app_error"}, {"temporarily_unavailable", "throttled"},
		{"slow_down", "throttled"}, {"server_error", "unknown"}, {said, "app_error"}, {"", "app_error"},
	} {
		for _, status := range []int{200, 400, 401} {
			want := e.want
			if status == 200 && e.code == "" {
				want = "unknown"
			}
			out = append(out, cell{name: fmt.Sprintf("status %d error %q", status, strings.Replace(e.code, said, "of no known word", 1)), want: want,
				play: says(plain(status, fmt.Sprintf(`{"error":%q,"error_description":%q}`, e.code, said)))})
		}
	}
	for name, body := range map[string]string{
		"form":           "error=invalid_grant&error_description=" + said,
		"nested":         `{"error":{"type":"invalid_grant","message":"` + said + `"}}`,
		"with the token": `{"error":"invalid_grant","refresh_token":"` + said + `"}`,
	} {
		out = append(out, cell{name: "one flaky invalid_grant, " + name, want: "rejected app_error", play: says(plain(400, body))})
	}
	out = append(out,
		cell{name: "invalid_grant, cut before its end", want: "unknown", play: func(k *call) {
			write(k, []byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 90\r\n\r\n"+`{"error":"invalid_grant"`))
		}},
		cell{name: "invalid_client for an hour", want: "app_error", lasting: true, play: says(plain(401, `{"error":"invalid_client"}`))},
		cell{name: "an error and tokens in one", want: "ok_partial", play: usable(`{"error":"invalid_grant","access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		cell{name: "an empty error beside tokens", want: "ok", play: usable(`{"error":"","access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		cell{name: "the token comes back in the words of an error", want: "app_error", play: func(k *call) {
			old := k.code
			if k.rt != nil {
				old = k.rt.value
			}
			write(k, plain(400, fmt.Sprintf(`{"error":"Refresh token %s is not valid","error_description":"%s","error_uri":"https://x.example/%s"}`, old, old, old),
				"WWW-Authenticate: Bearer error=\""+old+"\"", "X-Request-Id: "+old))
		}},
	)
	return out
}

// bodyCells: how the body is written down.
func bodyCells() []cell {
	zip := func(b string) string {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, _ = z.Write([]byte(b))
		_ = z.Close()
		return out.String()
	}
	wide := func(b string, order func(v uint16) (byte, byte)) string {
		var out []byte
		for _, v := range utf16.Encode([]rune(b)) {
			one, two := order(v)
			out = append(out, one, two)
		}
		return string(out)
	}
	little := func(v uint16) (byte, byte) { return byte(v), byte(v >> 8) }
	big := func(v uint16) (byte, byte) { return byte(v >> 8), byte(v) }
	encoded := func(f func(string) string, header ...string) func(*call) {
		return spends(func(k *call) {
			k.arrives()
			write(k, plain(200, f(k.fill(good)), header...))
		})
	}
	const okay = "ok ok_partial"
	return []cell{
		{name: "all well", want: "ok", play: usable(good)},
		{name: "empty body", want: "unknown", play: useless("")},
		{name: "a page instead", want: "unknown", play: useless(page, html)},
		{name: "a page, and the work was not done", want: "unknown", play: says(plain(200, page, html))},
		{name: "null", want: "unknown", play: useless("null")},
		{name: "an empty object", want: "unknown", play: useless("{}")},
		{name: "a list", want: "unknown", play: useless("[]")},
		{name: "a word", want: "unknown", play: useless("OK")},
		{name: "zeros", want: "unknown", play: useless(strings.Repeat("\x00", 500))},
		{name: "no JSON at all", want: "unknown", play: useless(`{access_token:`)},
		{name: "malformed behind the tokens", want: okay, play: usable(`{"access_token":"{A}","refresh_token":"{R}",!}`)},
		{name: "malformed before the tokens", want: "unknown", play: useless(`{"x":tru,"access_token":"`)},
		{name: "text behind the object", want: okay, play: usable(good + "<!-- " + said + " -->")},
		{name: "two objects", want: okay, play: usable(good + "\n" + `{"error":"invalid_grant"}`)},
		{name: "white space around", want: "ok", play: usable("\r\n\t " + good + " \r\n\r\n")},
		{name: "byte order mark", want: okay, play: usable("\ufeff" + good)},
		{name: "UTF-16 LE with its mark", want: okay, play: encoded(func(b string) string { return wide("\ufeff"+b, little) }, "Content-Type: application/json; charset=utf-16")},
		{name: "UTF-16 BE with its mark", want: okay, play: encoded(func(b string) string { return wide("\ufeff"+b, big) })},
		{name: "UTF-16 LE without", want: okay, play: encoded(func(b string) string { return wide(b, little) }, "Content-Type: application/json; charset=utf-16le")},
		{name: "UTF-16 BE without", want: okay, play: encoded(func(b string) string { return wide(b, big) })},
		{name: "not UTF-8 elsewhere", want: okay, play: usable("{\"access_token\":\"{A}\",\"refresh_token\":\"{R}\",\"expires_in\":3600,\"name\":\"Ren\xe9\"}")},
		{name: "not UTF-8 before the tokens", want: okay, play: usable("{\"name\":\"Ren\xe9\",\"access_token\":\"{A}\",\"refresh_token\":\"{R}\",\"expires_in\":3600}")},
		{name: "gzip nobody asked for", want: okay, play: encoded(zip, "Content-Encoding: gzip")},
		{name: "gzip, and it is not said", want: okay, play: encoded(zip)},
		{name: "gzip said, and it is not", want: okay, play: usable(good, "Content-Encoding: gzip")},
		{name: "an encoding of no known word", want: okay, play: usable(good, "Content-Encoding: "+said)},
		{name: "a form", want: okay, play: usable("access_token={A}&refresh_token={R}&expires_in=3600&token_type=Bearer", "Content-Type: application/x-www-form-urlencoded")},
		{name: "a form as plain text", want: okay, play: usable("access_token={A}&refresh_token={R}&expires_in=3600", "Content-Type: text/plain")},
		{name: "JSON as a page", want: "ok", play: usable(good, html)},
		{name: "JSON as an image", want: "ok", play: usable(good, "Content-Type: image/png")},
		{name: "deep nesting beside the tokens", want: okay, play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`)},
		{name: "deep nesting before the tokens", want: okay, play: usable(`{"x":` + strings.Repeat(`{"y":`, 200) + "1" + strings.Repeat("}", 200) + `,"access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		{name: "a thousand other members", want: "ok", play: usable(`{` + strings.Repeat(`"x":"`+said+`",`, 1) + members(1000) + `"access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		{name: "500 KB of another member first", want: "ok", play: usable(`{"x":"` + strings.Repeat("x", 500_000) + `","access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		{name: "escapes in names and values", want: "ok", play: spends(func(k *call) {
			k.arrives()
			esc := func(s string) (out string) {
				for _, c := range s {
					out += fmt.Sprintf(`\u%04x`, c)
				}
				return out
			}
			write(k, plain(200, fmt.Sprintf(`{"%s":"%s","%s":"%s","expires_in":3600}`, esc("access_token"), esc(k.fresh.access), esc("refresh_token"), esc(k.fresh.refresh))))
		})},
	}
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":%d,`, i, i)
	}
	return b.String()
}

// memberCells: what the members say.
func memberCells() (out []cell) {
	for _, life := range []string{`"3600"`, `3600.5`, `-1`, `0`, `1e99`, `-1e99`, `"3600s"`, `"3600 seconds"`, `"1h"`, `""`, `null`, `true`, `{}`, `[3600]`, `"soon"`, `99999999999999999999`, `"NaN"`, `3.6e3`, `1`} {
		out = append(out, cell{name: "expires_in " + life, want: "ok", first: notHammered,
			play: usable(`{"access_token":"{A}","token_type":"Bearer","expires_in":` + life + `,"refresh_token":"{R}"}`)})
	}
	for _, kind := range []string{`"bearer"`, `"BEARER"`, `" Bearer "`, `""`, `null`, `5`, `{}`} {
		out = append(out, cell{name: "token_type " + kind, want: "ok", play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"token_type":` + kind + `}`)})
	}
	for _, kind := range []string{`"mac"`, `"DPoP"`, `"N_A"`} { // tokens we cannot present (RFC 6749 §7.1); the refresh token beside it counts
		out = append(out, cell{name: "token_type " + kind, want: "ok_partial unknown", play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"token_type":` + kind + `}`)})
	}
	kept := func(body string) func(*call) { // the provider gives no new refresh token, and the old one stays
		return func(k *call) {
			if k.rt == nil {
				k.refuse()
				return
			}
			k.access()
			write(k, plain(200, k.fill(body)))
		}
	}
	const okay = "ok ok_partial"
	return append(out,
		cell{name: "no refresh token: the old one stays", want: "ok", play: kept(`{"access_token":"{A}","expires_in":3600}`)},
		cell{name: "refresh token null: the old one stays", want: "ok", play: kept(`{"access_token":"{A}","refresh_token":null,"expires_in":3600}`)},
		cell{name: "refresh token empty: the old one stays", want: "ok", play: kept(`{"access_token":"{A}","refresh_token":"","expires_in":3600}`)},
		cell{name: "the same refresh token again", want: "ok", play: kept(`{"access_token":"{A}","refresh_token":"{OLD}","expires_in":3600}`)},
		cell{name: "no expires_in", want: "ok", first: notHammered, play: usable(`{"access_token":"{A}","refresh_token":"{R}","token_type":"Bearer"}`)},
		cell{name: "access token only, though the old refresh token is spent", want: okay, only: []string{overlap, grace, strict, reuseKill}, play: useless(`{"access_token":"{A}","expires_in":3600}`)},
		cell{name: "refresh token only", want: "ok_partial", play: usable(`{"refresh_token":"{R}"}`), only: []string{overlap, grace, strict, reuseKill}},
		cell{name: "a member twice, alike", want: okay, play: usable(`{"access_token":"{A}","access_token":"{A}","refresh_token":"{R}","refresh_token":"{R}","expires_in":3600}`)},
		cell{name: "a member twice, the last is right", want: okay, play: usable(`{"refresh_token":"{OLD}","access_token":"x","access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		cell{name: "a member twice, the last is empty", want: okay, play: usable(`{"access_token":"{A}","refresh_token":"{R}","refresh_token":"","access_token":null,"expires_in":3600}`)},
		cell{name: "another user's subject in the id_token", want: okay, play: spends(func(k *call) {
			k.arrives()
			write(k, plain(200, k.fill(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"id_token":"`+idToken("https://calls.example", "somebody-else")+`"}`)))
		})},
		cell{name: "an id_token that is none", want: okay, play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"id_token":"` + said + `"}`)},
		cell{name: "an id_token that is an object", want: okay, play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"id_token":{"sub":"x"}}`)},
		cell{name: "scope as a list", want: "ok", play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"scope":["calls.read"]}`)},
		cell{name: "scope empty", want: "ok", play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"scope":""}`)},
		cell{name: "scope a number", want: "ok", play: usable(`{"access_token":"{A}","refresh_token":"{R}","expires_in":3600,"scope":5}`)},
		cell{name: "an access token with a line break", want: "ok_partial unknown", play: usable(`{"access_token":"{A}\r\nX: y","refresh_token":"{R}","expires_in":3600}`)},
		cell{name: "an access token of 40 KB", want: "ok", play: spends(func(k *call) {
			k.arrives()
			k.h.mu.Lock()
			long := k.fresh.access + strings.Repeat("x", 40_000)
			k.h.owner[long] = k.rt.family.person
			k.h.mu.Unlock()
			write(k, plain(200, fmt.Sprintf(`{"access_token":"%s","refresh_token":"%s","expires_in":3600}`, long, k.fresh.refresh)))
		})},
		cell{name: "other members in other letters", want: "ok", play: usable(`{"Access_Token":"x","REFRESH_TOKEN":"y","access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
		cell{name: "ok false beside tokens", want: okay, play: usable(`{"ok":false,"access_token":"{A}","refresh_token":"{R}","expires_in":3600}`)},
	)
}

// retryAfterCells: every shape of when to come again, with 429 and 503.
func retryAfterCells() (out []cell) {
	now := time.Now().UTC()
	soon := []string{"seconds", "zero", "negative", "a fraction", "a date gone by", "words", "empty", "twice", "two in one", "not a number"}
	for _, r := range []struct{ name, header string }{
		{"seconds", "Retry-After: 5"}, {"zero", "Retry-After: 0"}, {"negative", "Retry-After: -1"}, {"a fraction", "Retry-After: 1.5"},
		{"a day", "Retry-After: 86400"}, {"more than a number holds", "Retry-After: 99999999999999999999"}, {"exponent", "Retry-After: 1e9"},
		{"not a number", "Retry-After: NaN"}, {"infinite", "Retry-After: Inf"},
		{"a date", "Retry-After: " + now.Add(time.Minute).Format(http.TimeFormat)}, {"a date gone by", "Retry-After: " + now.Add(-time.Hour).Format(http.TimeFormat)},
		{"a date by a clock that is off", "Date: " + now.Add(-48*time.Hour).Format(http.TimeFormat) + "\r\nRetry-After: " + now.Add(-48*time.Hour+time.Minute).Format(http.TimeFormat)},
		{"RFC 850", "Retry-After: " + now.Add(time.Minute).Format(time.RFC850)}, {"asctime", "Retry-After: " + now.Add(time.Minute).Format(time.ANSIC)},
		{"ISO 8601", "Retry-After: " + now.Add(time.Minute).Format(time.RFC3339)}, {"ISO 8601 without zone", "Retry-After: " + now.Add(time.Minute).Format("2006-01-02T15:04:05")},
		{"a duration", "Retry-After: PT30S"}, {"words", "Retry-After: tomorrow"}, {"empty", "Retry-After:"}, {"with a unit", "Retry-After: 30s"},
		{"twice", "Retry-After: 2\r\nRetry-After: 3"}, {"two in one", "Retry-After: 2, 3"}, {"long", "Retry-After: " + strings.Repeat("9", 4000)},
		{"a reset header", "X-Rate-Limit-Reset: " + strconv.FormatInt(now.Add(time.Minute).Unix(), 10)},
	} {
		for _, status := range []int{429, 503} {
			want := "throttled"
			if status == 503 {
				want = "throttled unknown"
			}
			out = append(out, cell{name: fmt.Sprintf("status %d, Retry-After: %s", status, r.name), want: want, first: boundedWait, later: !slices.Contains(soon, r.name),
				play: says(plain(status, `{"error":"slow_down"}`, r.header))})
		}
	}
	return out
}

// theft puts an address into Location that nobody must ever be sent to.
func theft(header []string) (out []string) {
	for _, h := range header {
		out = append(out, strings.ReplaceAll(h, "{THIEF}", thiefURL+"/take?"+said))
	}
	return out
}

// wireCells: HTTP that is none, or hardly.
func wireCells() []cell {
	raw := func(b string) func(*call) { return spends(func(k *call) { write(k, []byte(k.fill(b))) }) }
	whole := func(f func(k *call, body string)) func(*call) {
		return spends(func(k *call) {
			k.arrives()
			f(k, k.fill(good))
		})
	}
	ends := func(k *call, head, body string) { write(k, []byte("HTTP/1.1 200 OK\r\n"+head+"\r\n"+body)) }
	return []cell{
		{name: "something else than HTTP", want: "unknown", play: raw("SSH-2.0-OpenSSH_9.9\r\n")},
		{name: "a body without a head", want: "unknown", play: raw(good)},
		{name: "a status line of zeros", want: "unknown", play: raw("HTTP/1.1 000 \r\n\r\n")},
		{name: "a status that is no number", want: "unknown", play: raw("HTTP/1.1 OK\r\n\r\n")},
		{name: "HTTP/2 nobody asked for", want: "unknown", play: raw("\x00\x00\x12\x04\x00\x00\x00\x00\x00")},
		{name: "other protocols", want: "unknown app_error", play: raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")},
		{name: "two lengths that differ", want: "unknown", play: raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\n{}")},
		{name: "a negative length", want: "unknown", play: raw("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")},
		{name: "a chunk too large to be true", want: "unknown", play: raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}")},
		{name: "HTTP/1.0", want: "ok ok_partial", play: whole(func(k *call, body string) {
			write(k, []byte("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"+body))
		})},
		{name: "the end of the connection is the end of the body", want: "ok ok_partial", play: whole(func(k *call, body string) { ends(k, "Connection: close\r\n", body) })},
		{name: "a length too long", want: "ok ok_partial", play: whole(func(k *call, body string) { ends(k, fmt.Sprintf("Content-Length: %d\r\n", len(body)+50), body) })},
		{name: "a length beyond all", want: "ok ok_partial", play: whole(func(k *call, body string) { ends(k, "Content-Length: 9223372036854775807\r\n", body) })},
		{name: "a length too short, behind the tokens", want: "ok ok_partial", play: whole(func(k *call, body string) { ends(k, fmt.Sprintf("Content-Length: %d\r\n", len(body)-3), body) })},
		{name: "chunk by chunk, one byte each", want: "ok", play: whole(func(k *call, body string) {
			var b strings.Builder
			for _, c := range []byte(body) {
				fmt.Fprintf(&b, "1;x=%s\r\n%c\r\n", said, c)
			}
			ends(k, "Transfer-Encoding: chunked\r\n", b.String()+"0\r\nX-Trailer: "+said+"\r\n\r\n")
		})},
		{name: "chunks without an end", want: "ok ok_partial", play: whole(func(k *call, body string) {
			ends(k, "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(body), body))
		})},
		{name: "length and chunks at once", want: "ok ok_partial", play: whole(func(k *call, body string) {
			ends(k, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body))
		})},
		{name: "early hints first", want: "ok", play: whole(func(k *call, body string) {
			write(k, []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"))
			write(k, plain(200, body))
		})},
		{name: "two answers to one request", want: "ok", play: whole(func(k *call, body string) {
			write(k, append(plain(200, body), plain(400, `{"error":"invalid_grant"}`)...))
		})},
		{name: "the answer, and then a reset", want: "ok ok_partial", play: whole(func(k *call, body string) {
			write(k, plain(200, body))
			k.wait(50 * time.Millisecond) // that it has read
			k.reset()
		})},
		{name: "a hundred headers and cookies", want: "ok", play: whole(func(k *call, body string) {
			var h []string
			for i := range 100 {
				h = append(h, fmt.Sprintf("Set-Cookie: c%d=%s", i, said), fmt.Sprintf("X-%d: %s", i, said))
			}
			write(k, plain(200, body, h...))
		})},
		{name: "slow drip, in time", want: "ok", slow: true, play: whole(func(k *call, body string) { k.drip(plain(200, body), 15*time.Millisecond) })},
		{name: "slow drip of the body, never done", want: "ok ok_partial", slow: true, play: whole(func(k *call, body string) {
			write(k, []byte("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"+body))
			k.drip([]byte(strings.Repeat(" ", 120)), 250*time.Millisecond)
		})},
		{name: "slow drip of the head, never done", want: "unknown", slow: true, play: spends(func(k *call) {
			k.drip([]byte("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100)), 250*time.Millisecond)
		})},
	}
}

// connectionCells: what happens below HTTP.
func connectionCells() []cell {
	hang := func(k *call) { k.wait(45 * time.Second) }
	return []cell{
		{name: "refused", want: "not_sent", lasting: true, down: func(h *hostile) func() {
			h.close()
			return h.listen
		}},
		{name: "reset before the request is read", want: "unknown not_sent", lasting: true, down: func(h *hostile) func() {
			h.refuseConnections(func(c net.Conn) bool { reset(c); return true })
			return h.mend
		}},
		{name: "closed before the request is read", want: "unknown not_sent", lasting: true, down: func(h *hostile) func() {
			h.refuseConnections(func(c net.Conn) bool { _ = c.Close(); return true })
			return h.mend
		}},
		{name: "reset after the request", want: "unknown", play: func(k *call) { k.reset() }},
		{name: "reset after the request, work done", want: "unknown", play: spends(func(k *call) { k.reset() })},
		{name: "closed after the request", want: "unknown", play: func(*call) {}},
		{name: "closed after the request, work done", want: "unknown", play: spends(func(*call) {})},
		{name: "hangs 45 s", want: "unknown", slow: true, check: oneCall, play: hang},
		{name: "hangs 45 s, work done", want: "unknown", slow: true, check: oneCall, play: spends(hang)},
		{name: "answers after 11 s", want: "ok", slow: true, check: oneCall, play: spends(func(k *call) {
			time.Sleep(11 * time.Second)
			k.arrives()
			write(k, plain(200, k.fill(good)))
		})},
		{name: "head at once, body after 45 s", want: "unknown", slow: true, check: oneCall, play: spends(func(k *call) {
			write(k, []byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))
			hang(k)
		})},
	}
}
