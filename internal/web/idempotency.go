package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"

	"lanyard"
)

// Answer is what a call is answered with, before it leaves.
type Answer struct {
	Status  int
	Body    []byte
	Reached bool // the service has decided; false: it was not asked
}

// Once runs a call of p that may carry an Idempotency-Key, for a handler that does the
// rest itself: raw is its body. replayed says that the answer is the one that the first
// such call had; without the header run is run and nothing is kept.
//
// Errors: invalid_request for a header of another shape, idempotency_key_reused,
// idempotency_in_progress.
func (f *Front) Once(r *http.Request, p lanyard.Principal, raw []byte, run func() Answer) (a Answer, replayed bool, err error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || p.Project == "" {
		return run(), false, nil
	}
	return f.kept(r, p, r.Pattern, key, raw, run)
}

var idempotencyKeyShape = regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)

// kept runs a call, or finds the answer that it had before. What the service decided is
// kept, refusals too; what never reached it, and what may be otherwise the next time
// (5xx, 429, the key's own rights), is not.
func (f *Front) kept(r *http.Request, p lanyard.Principal, route, key string, raw []byte, run func() Answer) (a Answer, replayed bool, err error) {
	if !idempotencyKeyShape.MatchString(key) {
		return Answer{}, false, lanyard.Errorf(lanyard.CodeInvalidRequest, "Idempotency-Key: 1 to 255 visible ASCII characters")
	}
	sum := sha256.New()
	for _, part := range []string{r.URL.EscapedPath(), r.URL.RawQuery, string(raw)} {
		_, _ = io.WriteString(sum, part+"\x00")
	}
	claim, status, body, err := f.answers.Claim(r.Context(), p, route, key, sum.Sum(nil))
	if err != nil || status != 0 {
		return Answer{Status: status, Body: body, Reached: true}, status != 0, err
	}
	settled := false
	// The caller may hang up once the service has decided; the answer is kept all the same.
	background := context.WithoutCancel(r.Context())
	defer func() {
		if !settled { // a panic is on its way through
			f.settle(background, f.answers.Release(background, p, claim))
		}
	}()
	a = run()
	switch {
	case !a.Reached, a.Status >= 500, a.Status == http.StatusTooManyRequests,
		a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		f.settle(background, f.answers.Release(background, p, claim))
	default:
		err := f.answers.Keep(background, p, claim, a.Status, a.Body)
		if err != nil && a.Status >= 400 { // nothing was done, so it may be tried again
			err = errors.Join(err, f.answers.Release(background, p, claim))
		}
		f.settle(background, err)
	}
	settled = true
	return a, false, nil
}

// settle logs that an answer could not be kept or released. The caller gets its
// answer; the same key is answered "still running" until the claim lapses.
func (f *Front) settle(ctx context.Context, err error) {
	if err != nil {
		f.log.LogAttrs(ctx, slog.LevelError, "idempotency: answer not kept",
			slog.String("request_id", RequestOf(ctx).ID), slog.String("error", err.Error()))
	}
}
