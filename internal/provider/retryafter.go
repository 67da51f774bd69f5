package provider

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A provider cannot make us hurry or wait for ever: what it asks is brought between these.
const (
	minRetry = time.Second
	maxRetry = 15 * time.Minute
)

// retryAfter reads how long to wait: seconds or an HTTP-date (RFC 9110 §10.2.3), an ISO-8601 time (Zoom's daily limits), or a
// reset header with seconds since 1970 (Okta). A moment is counted from the answer's own Date where it has one, so
// that the two clocks need not agree. 0: not said, or nothing we understand.
func retryAfter(h http.Header, received time.Time) time.Duration {
	now := received
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d
	}
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		return retryValue(v, now)
	}
	for _, k := range []string{"X-Rate-Limit-Reset", "X-Ratelimit-Reset"} {
		if n, err := strconv.ParseInt(strings.TrimSpace(h.Get(k)), 10, 64); err == nil && n > 1e9 && n < 1e11 {
			return clampRetry(time.Unix(n, 0).Sub(now))
		}
	}
	return 0
}

func retryValue(v string, now time.Time) time.Duration {
	if len(v) > 64 {
		return 0
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if math.IsNaN(s) || s < 0 {
			return 0
		}
		return clampRetry(time.Duration(min(s, maxRetry.Seconds()) * float64(time.Second)))
	}
	if t, err := http.ParseTime(v); err == nil {
		return clampRetry(t.Sub(now))
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, v); err == nil {
			return clampRetry(t.Sub(now))
		}
	}
	return 0
}

func clampRetry(d time.Duration) time.Duration { return min(max(d, minRetry), maxRetry) }
