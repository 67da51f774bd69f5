package proxy

import (
	"bytes"
	"strings"

	"lanyard"
)

// mask finds the access token in an answer and blots it out, byte for byte, so that no
// length changes. A provider has no reason to answer with it; a page of its own that
// shows what it was sent does so all the same (T16).
type mask struct {
	what   []byte
	tail   []byte // the end of what came, which may be the beginning of the token
	gone   int    // how much of tail has been released already
	hidden int    // times the token was found
}

// few is how much of a possible beginning of the token is not held back: it gives
// nothing away, and an answer that comes line by line is not kept waiting.
const few = 8

// newMask looks for the longest piece of the token that no encoding changes, be it JSON's,
// HTML's or that of URLs.
func newMask(token lanyard.Secret) *mask {
	all := string(token.Reveal())
	best := ""
	for _, piece := range strings.FieldsFunc(all, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.~", r)
	}) {
		if len(piece) > len(best) {
			best = piece
		}
	}
	if len(best) < 16 {
		best = all
	}
	return &mask{what: []byte(best)}
}

// text is a text without the token.
func (m *mask) text(s string) string {
	if !strings.Contains(s, string(m.what)) {
		return s
	}
	m.hidden++
	return strings.ReplaceAll(s, string(m.what), strings.Repeat("*", len(m.what)))
}

// in says whether the token is in a name, whatever its letter case has become.
func (m *mask) in(name string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(string(m.what)))
}

// next takes what came and returns what may leave: all but what may turn out to be the
// beginning of the token. last says that nothing follows.
func (m *mask) next(b []byte, last bool) []byte {
	all := append(bytes.Clone(m.tail), b...)
	for at := 0; ; {
		i := bytes.Index(all[at:], m.what)
		if i < 0 {
			break
		}
		at += i
		for j := range m.what {
			all[at+j] = '*'
		}
		m.hidden++
	}
	keep := m.beginning(all)
	until := len(all) - keep
	if last || keep < few {
		until = len(all)
	}
	until = max(until, m.gone)
	out := all[m.gone:until]
	m.tail = bytes.Clone(all[len(all)-keep:])
	m.gone = until - (len(all) - keep)
	return out
}

// quiet says whether nothing that came last looks like the beginning of the token.
func (m *mask) quiet() bool { return len(m.tail) < few }

// beginning is the length of the longest end of b that the token begins with.
func (m *mask) beginning(b []byte) int {
	for n := min(len(m.what)-1, len(b)); n > 0; n-- {
		if b[len(b)-n] == m.what[0] && bytes.Equal(b[len(b)-n:], m.what[:n]) {
			return n
		}
	}
	return 0
}
