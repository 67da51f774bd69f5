package provider

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep an answer may nest; what is deeper is not looked at (T29).
const maxDepth = 16

// Fields are the members of a JSON object or form that arrived whole: string, json.Number, bool, nil, []any and Fields.
type Fields map[string]any

// body is what could be read of an answer's body.
type body struct {
	Fields
	whole bool // nothing is missing at the end
	odd   bool // usable, but not as it should be: a member twice, text behind the object
}

// readBody reads a JSON object or a form. Of a damaged JSON object it keeps the members that are complete, because a
// refresh token among them is the only one there will ever be; a value whose end did not arrive is never kept.
func readBody(b []byte, cut bool) body {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 {
		return body{}
	}
	if b[0] != '{' {
		return readForm(b, cut)
	}
	s := scanner{b: b}
	v, whole := s.object(1)
	if s.skip(); whole && s.i < len(s.b) {
		s.odd = true
	}
	return body{Fields: v, whole: whole, odd: s.odd}
}

// readForm reads key=value&key=value. Where the end of the body is not certain the last value is not either.
func readForm(b []byte, cut bool) body {
	text := strings.TrimRight(string(b), " \t\r\n")
	if strings.ContainsAny(text, "<> \t\r\n\"{}") || !strings.Contains(text, "=") {
		return body{}
	}
	out := body{Fields: Fields{}, whole: !cut}
	pairs := strings.Split(text, "&")
	if cut {
		pairs, out.odd = pairs[:len(pairs)-1], true
	}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		k, err1 := url.QueryUnescape(k)
		v, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil || !utf8.ValidString(v) {
			out.odd = true
			continue
		}
		if _, twice := out.Fields[k]; twice {
			out.odd = true
		}
		out.Fields[k] = v
	}
	return out
}

// scanner reads JSON and stops at the first thing that is cut or wrong, with what it has.
type scanner struct {
	b   []byte
	i   int
	odd bool
}

func (s *scanner) skip() {
	for s.i < len(s.b) && strings.IndexByte(" \t\r\n", s.b[s.i]) >= 0 {
		s.i++
	}
}

func (s *scanner) take(c byte) bool {
	if s.skip(); s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// object reads from "{"; false: it did not end well, and what is there is there.
func (s *scanner) object(depth int) (Fields, bool) {
	out := Fields{}
	if depth > maxDepth || !s.take('{') {
		return out, false
	}
	if s.take('}') {
		return out, true
	}
	for {
		s.skip()
		name, ok := s.str()
		if !ok || !s.take(':') {
			return out, false
		}
		v, ok := s.value(depth)
		if nested, isObject := v.(Fields); ok || isObject && len(nested) > 0 {
			_, twice := out[name]
			s.odd = s.odd || twice
			if !twice || v != nil && v != "" { // the last one counts, as in every common parser, unless it says nothing
				out[name] = v
			}
		}
		switch {
		case !ok:
			return out, false
		case s.take('}'):
			return out, true
		case !s.take(','):
			return out, false
		}
	}
}

func (s *scanner) value(depth int) (any, bool) {
	if s.skip(); s.i >= len(s.b) {
		return nil, false
	}
	switch c := s.b[s.i]; {
	case c == '"':
		v, ok := s.str()
		return v, ok
	case (c == '{' || c == '[') && depth >= maxDepth:
		return nil, s.over()
	case c == '{':
		v, ok := s.object(depth + 1)
		return v, ok
	case c == '[':
		v, ok := s.array(depth + 1)
		return v, ok
	}
	// A number or word has ended only when something follows it: 36 may be the beginning of 3600.
	end := s.i
	for end < len(s.b) && strings.IndexByte(" \t\r\n,}]", s.b[end]) < 0 {
		end++
	}
	if end == len(s.b) {
		return nil, false
	}
	word := s.b[s.i:end]
	s.i = end
	switch string(word) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null":
		return nil, true
	}
	var n json.Number
	if json.Unmarshal(word, &n) != nil {
		s.odd = true
		return nil, true // not JSON, but it has ended: what follows may be
	}
	return n, true
}

// over passes over what nests too deep to be looked at, to its closing bracket.
func (s *scanner) over() bool {
	s.odd = true
	for open := 0; s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			if _, ok := s.str(); !ok {
				return false
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
		}
		if s.i++; open == 0 {
			return true
		}
	}
	return false
}

func (s *scanner) array(depth int) ([]any, bool) {
	var out []any
	if depth > maxDepth || !s.take('[') {
		return out, false
	}
	if s.take(']') {
		return out, true
	}
	for {
		v, ok := s.value(depth)
		if !ok {
			return out, false
		}
		out = append(out, v)
		switch {
		case s.take(']'):
			return out, true
		case !s.take(','):
			return out, false
		}
	}
}

// str reads a string from its opening to its closing quote. One that is no valid
// string between them is empty, and bytes that are not UTF-8 become U+FFFD: other
// members may be fine.
func (s *scanner) str() (string, bool) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return "", false
	}
	for end := s.i + 1; end < len(s.b); end++ {
		switch s.b[end] {
		case '\\':
			end++
		case '"':
			literal := s.b[s.i : end+1]
			s.i = end + 1
			var v string
			s.odd = s.odd || !utf8.Valid(literal)
			if json.Unmarshal(literal, &v) != nil {
				s.odd = true
				return "", true
			}
			return v, true
		}
	}
	return "", false
}

// Text reads a path such as "team.id": a string, or a whole number as its digits; "" for anything else. "a|b" takes the
// first that is there; "a+b" joins both with a dot, and is "" unless both are there.
func (f Fields) Text(path string) string {
	if parts := strings.Split(path, "+"); len(parts) > 1 {
		for i, p := range parts {
			if parts[i] = f.Text(p); parts[i] == "" {
				return ""
			}
		}
		return strings.Join(parts, ".")
	}
	for p := range strings.SplitSeq(path, "|") {
		if v := f.one(p); v != "" {
			return v
		}
	}
	return ""
}

func (f Fields) one(path string) string {
	first, rest, more := strings.Cut(path, ".")
	if more {
		return f.Object(first).one(rest)
	}
	switch v := f[path].(type) {
	case string:
		return v
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE-") {
			return v.String()
		}
	}
	return ""
}

// Object returns a nested object; nil, which reads as empty, if there is none.
func (f Fields) Object(name string) Fields {
	o, _ := f[name].(Fields)
	return o
}
