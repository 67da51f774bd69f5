package proxy

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"lanyard"
)

// However an answer is cut into pieces, no more than seven characters of the token leave
// before it is known not to be one, no length changes, and nothing else is touched.
func TestTheTokenIsFoundWhereverAnAnswerIsCut(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWFuYQ"
	random := rand.New(rand.NewSource(7))
	text := `{"a":"eyJhbGciOiJIUzI1NiJ9.eyJ","b":"` + token + `","c":"` + token + token + `","d":"` + token[:40] + `"}`
	want := strings.ReplaceAll(text, token, strings.Repeat("*", len(token)))
	for range 2000 {
		m := newMask(lanyard.NewSecret(token))
		var out []byte
		for rest := text; rest != ""; {
			n := min(1+random.Intn(40), len(rest))
			out = append(out, m.next([]byte(rest[:n]), n == len(rest))...)
			rest = rest[n:]
		}
		// What had left already stays: up to few-1 characters of each.
		if len(out) != len(want) || m.hidden != 3 {
			t.Fatalf("got %d bytes and %d tokens, want %d and 3", len(out), m.hidden, len(want))
		}
		for i := range out {
			if out[i] != want[i] && (out[i] != text[i] || want[i] != '*') {
				t.Fatalf("byte %d: got %q, want %q", i, out[i], want[i])
			}
		}
		if bytes.Contains(out, []byte(token[few:])) {
			t.Fatal("the token is in what leaves")
		}
	}
}

// JSON, HTML and URLs write some characters of a token otherwise; what no encoding changes
// is looked for.
func TestAnEncodedTokenIsFound(t *testing.T) {
	const token = "0123456789abcdefghij/klm+nop=="
	for _, written := range []string{token, `0123456789abcdefghij\/klm+nop==`, "0123456789abcdefghij%2Fklm%2Bnop%3D%3D", "0123456789abcdefghij&#x2F;klm&#43;nop=="} {
		m := newMask(lanyard.NewSecret(token))
		if got := string(m.next([]byte("x"+written), true)); m.hidden != 1 || strings.Contains(got, "0123456789abcdefghij") {
			t.Errorf("%s: got %s", written, got)
		}
	}
}

// A compressed answer arrives byte for byte, however it came, as long as there is nothing
// in it; with the token in it, it ends before its last bytes have left.
func TestCompressedAnswersAreLookedThrough(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWFuYQ"
	zip := func(texts ...string) []byte {
		var b bytes.Buffer
		for _, text := range texts { // several members, as some servers send
			z := gzip.NewWriter(&b)
			_, _ = io.WriteString(z, text)
			_ = z.Close()
		}
		return b.Bytes()
	}
	noise := make([]byte, 300<<10)
	_, _ = rand.New(rand.NewSource(3)).Read(noise)
	read := func(body io.Reader, limit int64) (out []byte, err error) {
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(body)}
		a, err := newAnswer(resp, newMask(lanyard.NewSecret(token)), limit)
		for err == nil {
			var b []byte
			b, err = a.next()
			out = append(out, b...)
		}
		return out, err
	}
	for name, whole := range map[string][]byte{"short": zip("hello"), "empty": zip(""), "noise": zip(string(noise)), "members": zip("one", string(noise), "three"),
		"the beginning of the token": zip("x" + token[:30]), "what could begin it": zip(strings.Repeat("eyJhbGciOiJIUzI1Ni", 9000))} {
		for cut, body := range map[string]io.Reader{"at once": bytes.NewReader(whole), "byte by byte": iotest.OneByteReader(bytes.NewReader(whole))} {
			if out, err := read(body, 1<<20); !errors.Is(err, io.EOF) || !bytes.Equal(out, whole) {
				t.Errorf("%s, %s: got %d bytes and %v, want all %d", name, cut, len(out), err, len(whole))
			}
		}
		if out, err := read(bytes.NewReader(whole[:len(whole)-4]), 1<<20); errors.Is(err, io.EOF) && name != "members" {
			t.Errorf("%s, cut short: got %d bytes and the end, want an error", name, len(out))
		}
	}
	for name, whole := range map[string][]byte{"alone": zip(token), "in noise": zip(string(noise) + token + string(noise)), "in the second member": zip("x", token),
		"across members": zip(string(noise)+token[:30], token[30:]+string(noise))} {
		out, err := read(bytes.NewReader(whole), 1<<20)
		if !errors.Is(err, errEcho) {
			t.Errorf("%s: got %v, want the token found", name, err)
		}
		if z, err := gzip.NewReader(bytes.NewReader(out)); err == nil {
			if plain, _ := io.ReadAll(z); bytes.Contains(plain, []byte(token[:30])) {
				t.Errorf("%s: half the token has left", name)
			}
		}
	}
	if _, err := read(bytes.NewReader(zip(strings.Repeat("a", 10<<20))), 1<<20); !errors.Is(err, errTooLarge) {
		t.Errorf("a bomb: got %v, want it too large", err)
	}
}

// One project's calls do not take another's places.
func TestCallsUnderWayAreCounted(t *testing.T) {
	s := New(Config{InFlight: 2})
	one, ok1 := s.enter("a")
	_, ok2 := s.enter("a")
	_, ok3 := s.enter("a")
	_, other := s.enter("b")
	if !ok1 || !ok2 || ok3 || !other {
		t.Errorf("got %v %v %v, and %v for another project, want two places each", ok1, ok2, ok3, other)
	}
	one()
	if _, ok := s.enter("a"); !ok {
		t.Error("a call has ended, and its place is not free")
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"/v2/users/me?a=b", "/../x", "/%252e%252e", "/a;b/c", "/x%2f..", "//x", "/%u002e%u002e/", "/a?b=%zz"} {
		f.Add(s)
	}
	con := lanyard.NewID[string]("con_")
	f.Fuzz(func(t *testing.T, target string) {
		l, err := parseLine(Prefix + con + target)
		if err != nil {
			return
		}
		again, err := parseLine(Prefix + con + l.path)
		if err != nil || again.path != l.path {
			t.Fatalf("%q became %q, and that %q (%v)", target, l.path, again.path, err)
		}
		for _, segments := range l.readings {
			for _, s := range segments {
				if s == ".." || s == "." || strings.ContainsAny(s, "\r\n\x00") {
					t.Fatalf("%q is read as %v", target, segments)
				}
			}
		}
	})
}
