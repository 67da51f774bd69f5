package chaostest_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var everyCut = flag.Bool("chaos.cuts", false, "cut an answer at every byte for each class, and not for the classes in turn: three minutes more")

// cuts are where an answer is cut: at every byte, for those classes that lose what
// was in it and for those that do not, each taking its turn.
func cuts(class string) (from, step int) {
	if *everyCut {
		return 0, 1
	}
	switch class {
	case reuseKill:
		return 1, 2
	case strict:
		return 0, 2
	}
	return slices.Index([]string{static, overlap, grace}, class), 3
}

// framings are the ways to say where a body ends. In each the members come in
// another order.
var framings = []struct {
	name, body string
	frame      func(body string) string
}{
	{"length", `{"access_token":"{A}","refresh_token":"{R}","expires_in":3600}`, func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}},
	{"chunked", `{"expires_in":3600,"refresh_token":"{R}","scope":"calls.read","access_token":"{A}"}`, func(body string) string {
		var b strings.Builder
		b.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for len(body) > 0 {
			n := min(len(body), 39)
			fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		return b.String() + "0\r\n\r\n"
	}},
	{"close", `{"refresh_token":"{R}","access_token":"{A}","expires_in":3600}`, func(body string) string {
		return "HTTP/1.1 200 OK\r\n\r\n" + body
	}},
	{"form", `refresh_token={R}&access_token={A}&expires_in=3600`, func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}},
}

// whole says whether the part of an answer that went out holds the whole refresh
// token, and what shows that it is whole: the quote behind it, or the next member.
func whole(part, refresh string) bool {
	body := part
	if head, chunks, ok := strings.Cut(part, "\r\n\r\n"); ok {
		body = chunks
		if strings.Contains(head, "chunked") {
			body = ""
			for chunks != "" {
				size, rest, _ := strings.Cut(chunks, "\r\n")
				var n int
				if _, err := fmt.Sscanf(size, "%x", &n); err != nil {
					break
				}
				body += rest[:min(n, len(rest))]
				if len(rest) < n+2 {
					break
				}
				chunks = rest[n+2:]
			}
		}
	}
	return strings.Contains(body, `"`+refresh+`"`) || strings.Contains(body, "="+refresh+"&")
}

// An answer may end at any byte. Where the refresh token was in what arrived, the
// connection goes on; where it was not, that is said, and nothing worse.
func TestAnAnswerMayBeCutAtEveryByte(t *testing.T) {
	t.Parallel()
	c := newChaos(t)
	t.Run("cut", func(t *testing.T) {
		for _, f := range framings {
			for _, class := range classes {
				t.Run(f.name+"/"+class, func(t *testing.T) {
					t.Parallel()
					c.in(t).cutEverywhere(f.body, f.frame, class)
				})
			}
		}
	})
	c.quiet(t)
}

func (c *chaos) cutEverywhere(body string, frame func(string) string, class string) {
	h := newHostile(c.T, class)
	app := c.app(h)
	from, step := cuts(class)
	size := len(frame(strings.NewReplacer("{A}", newToken("a"), "{R}", newToken("r")).Replace(body)))
	var r *round
	lost := 0
	for at := from; at <= size && !c.T.Failed(); at += step {
		if r == nil {
			r = c.connect(h, app, newName("person"))
		}
		h.arm(1, spends(func(k *call) {
			out := frame(k.fill(body))
			out = out[:min(at, len(out))]
			if whole(out, k.fresh.refresh) {
				k.arrives()
			}
			write(k, []byte(out))
		}))
		r.end()
		before := h.count()
		first := r.read(1)[0]
		if n := h.count() - before; n != 1 && (n == 0 || class == strict || class == reuseKill) { // elsewhere it may be tried again at once
			c.T.Errorf("cut at byte %d: one read caused %d calls, want 1", at, n)
		}
		r.alive(fmt.Sprintf("cut at byte %d", at))
		r.recovers(class)
		if c.T.Failed() {
			c.T.Logf("cut at byte %d of %d; the first read got %d %v", at, size, first.status, first.body)
		}
		if !h.lives(r.person) {
			lost++
			r = nil
		}
	}
	for _, f := range h.faults() {
		c.T.Error(f)
	}
	if rotates := class == strict || class == reuseKill; (lost > 0) != rotates {
		c.T.Errorf("%d answers were lost for good at class %s", lost, class)
	}
}
