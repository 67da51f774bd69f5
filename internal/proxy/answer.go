package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Why an answer is not passed on to its end.
var (
	errTooLarge = errors.New("larger than agreed")
	errEcho     = errors.New("the token is in a compressed answer")
	errEncoding = errors.New("an encoding that was not asked for")
)

// answer reads a provider's answer in pieces that may leave.
type answer struct {
	body  io.Reader
	unzip *gzip.Reader // of a compressed answer, which is looked through as it would be read
	taken *taken
	mask  *mask
	left  int64 // bytes that it may still have, as the caller will read it
	buf   []byte
}

// pieceSize is what is read at once. A gzip reader that is given as much returns all that
// it has made of what it has taken, which is what lets a piece go that was looked through.
const pieceSize = 64 << 10

func newAnswer(resp *http.Response, m *mask, limit int64) (*answer, error) {
	a := &answer{body: resp.Body, mask: m, left: limit, buf: make([]byte, pieceSize)}
	switch encoding := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ",")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		if resp.StatusCode == http.StatusPartialContent {
			return nil, errEncoding
		}
		a.taken = &taken{in: bufio.NewReader(resp.Body)}
	default:
		return nil, errEncoding
	}
	return a, nil
}

// next returns the next piece; io.EOF comes with or after the last.
func (a *answer) next() ([]byte, error) {
	read := a.plain
	if a.taken != nil {
		read = a.zipped
	}
	for {
		b, err := read()
		if len(b) > 0 || err != nil {
			return b, err
		}
	}
}

func (a *answer) plain() ([]byte, error) {
	n, err := a.body.Read(a.buf)
	if a.left -= int64(n); a.left < 0 {
		return nil, errTooLarge
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return a.mask.next(a.buf[:n], err == io.EOF), err
}

// zipped passes on what came, once what is in it was looked through. What is compressed
// cannot be blotted out: an answer with the token in it ends there.
func (a *answer) zipped() ([]byte, error) {
	if a.unzip == nil {
		if _, err := a.taken.in.Peek(1); err != nil { // to HEAD, or 304: there is nothing to unpack
			return nil, err
		}
		var err error
		if a.unzip, err = gzip.NewReader(a.taken); err != nil {
			return nil, err
		}
	}
	n, err := a.unzip.Read(a.buf)
	if a.left -= int64(n); a.left < 0 {
		return nil, errTooLarge
	}
	a.mask.next(a.buf[:n], false)
	switch {
	case a.mask.hidden > 0:
		return nil, errEcho
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case err == nil && !a.mask.quiet():
		return nil, nil
	}
	out := a.taken.out
	a.taken.out = nil
	if bytes.Contains(out, a.mask.what) { // in a name or a comment, beside what is compressed
		return nil, errEcho
	}
	return out, err
}

// taken keeps what a reader takes, byte by byte: no reader of package flate takes more
// than it needs from one of these.
type taken struct {
	in  *bufio.Reader
	out []byte
}

func (t *taken) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	t.out = append(t.out, p[:n]...)
	return n, err
}

func (t *taken) ReadByte() (byte, error) {
	b, err := t.in.ReadByte()
	if err == nil {
		t.out = append(t.out, b)
	}
	return b, err
}
