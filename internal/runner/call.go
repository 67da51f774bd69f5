package runner

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/egress"
)

const (
	callFor = 30 * time.Second
	most    = 1 << 20 // bytes of an answer
)

// Answer is what a runner answered, to be passed on as it is.
type Answer struct {
	Status int
	Header http.Header // Content-Type, Retry-After and what else is the caller's business
	Body   []byte
	Ref    string // what it calls the bot it has made
}

// OK says whether the runner did what it was asked for. 507 is MeetStream's word for a
// request that has succeeded before.
func (a Answer) OK() bool {
	return a.Status >= 200 && a.Status < 300 || a.Status == http.StatusInsufficientStorage
}

// Err is the answer as an error, for callers who do not speak the vendor's words; nil
// where it is OK.
func (a Answer) Err() error {
	switch {
	case a.OK():
		return nil
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return lanyard.Errorf(lanyard.CodeRunnerRefused, "the runner does not accept its key: it answered with status %d", a.Status)
	}
	err := lanyard.Errorf(lanyard.CodeRunnerRefused, "the runner answered with status %d", a.Status)
	err.RetryAfter = retryAfter(a.Header)
	return err
}

// passed are the headers of an answer that go on to the caller.
var passed = []string{"Content-Type", "Retry-After", "X-Request-Id", "Location", "Content-Disposition"}

// relayed are the headers of a caller's request that go on to the vendor.
var relayed = []string{"Content-Type", "Accept", "Idempotency-Key"}

// do makes one call to a vendor. Its errors say whether the call may have had an effect:
// runner_unreachable, it has not; runner_no_answer, it may.
func (s *Service) do(ctx context.Context, r lanyard.Runner, v vendor, c call) (Answer, error) {
	key, err := s.key(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	h := c.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	v.authorize(h, string(key.Reveal()))
	return s.send(ctx, callFor, egress.Request{Method: c.method, URL: r.URL + c.path, Header: h, Body: c.body})
}

func (s *Service) send(ctx context.Context, within time.Duration, r egress.Request) (Answer, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	r.Max, r.Fresh = most, r.Method != http.MethodGet // nothing below has a reason to send it twice
	got := s.Out.Do(ctx, r)
	a := Answer{Status: got.Status, Header: http.Header{}, Body: s.hide(got.Body.Reveal())}
	switch {
	case got.Err != nil && !got.Sent:
		return Answer{}, &lanyard.Error{Code: lanyard.CodeRunnerUnreachable, Err: got.Err}
	case got.Err != nil:
		return a, &lanyard.Error{Code: lanyard.CodeRunnerNoAnswer, Err: got.Err}
	}
	for _, name := range passed {
		if v := got.Header.Get(name); v != "" {
			a.Header.Set(name, v)
		}
	}
	return a, nil
}

// below is a path under another one. Nothing in it leads out again: what is no plain
// segment is refused, because a vendor might read it as another bot's.
func below(path string) (string, error) {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return "", nil
	}
	var out strings.Builder
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == "" && i == len(segments)-1 {
			out.WriteByte('/')
			break
		}
		if s == "" || strings.Trim(s, ".") == "" || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`\%?#;`, c) }) {
			return "", lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		out.WriteString("/" + url.PathEscape(s))
	}
	return out.String(), nil
}

// retryAfter reads a Retry-After in seconds; 0: not said.
func retryAfter(h http.Header) time.Duration {
	d, err := time.ParseDuration(h.Get("Retry-After") + "s")
	if err != nil || d < 0 || d > time.Hour {
		return 0
	}
	return d
}
