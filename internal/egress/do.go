package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"lanyard"
	"lanyard/internal/fault"
)

// Request is one call. It is sent once.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
	Fresh  bool  // on a connection of its own, so that no layer below has a reason to send it again
	Max    int64 // bytes of the answer that are read; 0: MaxBody
}

// Answer is what became of a call.
type Answer struct {
	Sent   bool      // a connection was there, so bytes may have left; false: certainly nothing did
	SentAt time.Time // taken before dialling: expiry is counted from here (T40)
	Status int       // 0: no status line arrived
	Header http.Header
	Body   lanyard.Secret // what arrived, also when Err is set
	Cut    bool           // the body may be incomplete: an error, the cap, or no length by which to know
	Err    error          // holds no URL
}

// Do makes one request and reads the answer. The context's end is the deadline. Nothing is followed or retried.
func (c *Client) Do(ctx context.Context, r Request) Answer {
	a := Answer{SentAt: c.Now()}
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" {
		a.Err = errors.New("egress: not a URL") // the parser's own words would repeat it
		return a
	}
	if a.Err = c.checkURL(u); a.Err != nil {
		return a
	}
	var got atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// Before a connection is given to the request nothing of it can have been written; afterwards we cannot know.
		GotConn: func(httptrace.GotConnInfo) {
			got.Store(true)
			_ = fault.At(ctx, fault.CallTLS)
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { _ = fault.At(ctx, fault.CallWritten) },
	})
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		a.Err = errors.New("egress: not a request")
		return a
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	transport := c.reuse
	if r.Fresh {
		transport = c.fresh
	}
	resp, err := (&http.Client{Transport: &roundTripper{c, transport}, CheckRedirect: stay}).Do(req)
	a.Sent = got.Load()
	if err != nil {
		a.Err, a.Cut = withoutURL(err), true
		return a
	}
	defer func() { _ = resp.Body.Close() }()
	if err := fault.At(ctx, fault.CallHeaders); err != nil {
		a.Err, a.Cut = err, true
		return a
	}
	a.Status, a.Header = resp.StatusCode, resp.Header
	if r.Method == http.MethodPost { // what answers a POST is the provider and no cache on the way
		c.skews.note(u.Host, a.SentAt, c.Now(), resp.Header.Get("Date"))
	}
	var body []byte
	body, a.Err = readUpTo(resp.Body, r.Max)
	if err := fault.At(ctx, fault.CallBody); err != nil {
		a.Err = err
	}
	a.Body = lanyard.SecretBytes(body)
	// A body that ends with its connection cannot be told from one that was cut.
	a.Cut = a.Err != nil || resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
	a.Err = withoutURL(a.Err)
	return a
}

// readUpTo is io.ReadAll with a cap, and keeps what was read when an error follows.
func readUpTo(r io.Reader, max int64) ([]byte, error) {
	if max <= 0 {
		max = MaxBody
	}
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if int64(len(b)) > max {
		return b[:max], ErrTooLarge
	}
	return b, err
}

// stay keeps a redirect as the answer: 307 and 308 would re-send a secret and a refresh token elsewhere.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
