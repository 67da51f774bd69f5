package proxy

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"lanyard"
)

// keptBody is the longest body that is read whole before the call, and so can be sent again.
const keptBody = 256 << 10

const (
	tooLarge   = "the body is larger than a call through the proxy may have"
	notArrived = "the body did not arrive in full, or not in time"
)

// incoming is the body of a call on its way out. Each read has a time of its own, so that
// a long upload may take long, and a caller who sends nothing does not.
type incoming struct {
	in   io.ReadCloser
	rc   *http.ResponseController
	idle time.Duration
	left int64
	sent atomic.Int64
	bad  atomic.Pointer[lanyard.Error] // what was wrong with it
}

func (b *incoming) Read(p []byte) (int, error) {
	_ = b.rc.SetReadDeadline(time.Now().Add(b.idle)) // not every transport has deadlines; those have no slow callers either
	n, err := b.in.Read(p)
	b.sent.Add(int64(n))
	switch {
	case b.sent.Load() > b.left:
		b.bad.Store(lanyard.Errorf(lanyard.CodeBodyTooLarge, tooLarge))
		return 0, b.bad.Load()
	case err == io.EOF:
		_ = b.rc.SetReadDeadline(time.Time{}) // left in place it would end the call
	case err != nil:
		b.bad.Store(lanyard.Errorf(lanyard.CodeInvalidRequest, notArrived))
		return n, b.bad.Load()
	}
	return n, err
}

func (b *incoming) Close() error { return b.in.Close() }

// outgoing is a body for one call, or for two.
type outgoing struct {
	*incoming
	kept   []byte // the whole of it, where again
	length int64  // -1: not said
	again  bool   // it can be sent once more
}

// takeBody reads a short body whole; a longer one is left to be sent as it comes.
func (s *Service) takeBody(r *http.Request, rc *http.ResponseController) (*outgoing, error) {
	o := &outgoing{incoming: &incoming{in: r.Body, rc: rc, idle: s.Idle, left: s.MaxBytes}, length: r.ContentLength}
	switch {
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		o.incoming.in, o.length, o.again = http.NoBody, 0, true
	case r.ContentLength > s.MaxBytes:
		return o, lanyard.Errorf(lanyard.CodeBodyTooLarge, tooLarge)
	case r.ContentLength > 0 && r.ContentLength <= keptBody:
		_ = rc.SetReadDeadline(time.Now().Add(s.Idle))
		o.kept = make([]byte, r.ContentLength)
		if n, err := io.ReadFull(r.Body, o.kept); err != nil {
			o.sent.Store(int64(n))
			return o, lanyard.Errorf(lanyard.CodeInvalidRequest, notArrived)
		}
		_ = rc.SetReadDeadline(time.Time{})
		o.sent.Store(r.ContentLength)
		o.again = true
	}
	return o, nil
}

// reader is the body for the next call; nil for none.
func (o *outgoing) reader() io.Reader {
	switch {
	case o.length == 0:
		return nil
	case o.again:
		return bytes.NewReader(o.kept)
	}
	return o.incoming
}
