package egress

import (
	"io"
	"net/http"
)

// HTTPClient returns an http.Client with the same guard, for libraries that want one (keys of issuers) and for
// webhooks: no redirects, bodies capped at MaxBody (ErrTooLarge beyond), DefaultTimeout over all.
func (c *Client) HTTPClient() *http.Client {
	return &http.Client{Transport: &capped{&roundTripper{c, c.reuse}}, CheckRedirect: stay, Timeout: DefaultTimeout}
}

// roundTripper checks the URL of every request, also of those a library makes up.
type roundTripper struct {
	c    *Client
	next *http.Transport
}

func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.c.Hold(); err != nil {
		return nil, err
	}
	if err := t.c.checkURL(r.URL); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", t.c.cfg.UserAgent)
	}
	if r.Header.Get("Accept-Encoding") == "" {
		r.Header.Set("Accept-Encoding", "identity")
	}
	return t.next.RoundTrip(r)
}

type capped struct{ next http.RoundTripper }

func (t *capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &cappedBody{resp.Body, MaxBody}
	}
	return resp, err
}

type cappedBody struct {
	io.ReadCloser
	left int64
}

func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
