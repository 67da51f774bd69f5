package egress

import "net/http"

// Open makes one request and returns when the head of its answer is there. The body is
// the caller's to read, to bound and to close; the request's context ends the whole.
// Nothing is followed, and nothing is sent twice but what net/http may: a request of
// which no byte had left, or one that changes nothing, on a connection that had gone stale.
func (c *Client) Open(r *http.Request) (*http.Response, error) {
	return (&roundTripper{c, c.reuse}).RoundTrip(r)
}
