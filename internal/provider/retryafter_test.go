package provider

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	received := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		h    http.Header
		want time.Duration
	}{
		{"not said", http.Header{}, 0},
		{"seconds", http.Header{"Retry-After": {"30"}}, 30 * time.Second},
		{"fractions", http.Header{"Retry-After": {"1.5"}}, 1500 * time.Millisecond},
		{"at once", http.Header{"Retry-After": {"0"}}, time.Second},
		{"negative", http.Header{"Retry-After": {"-5"}}, 0},
		{"for ever", http.Header{"Retry-After": {"99999999999999999999"}}, 15 * time.Minute},
		{"infinite", http.Header{"Retry-After": {"Inf"}}, 15 * time.Minute},
		{"not a number", http.Header{"Retry-After": {"NaN"}}, 0},
		{"HTTP date", http.Header{"Retry-After": {"Fri, 20 Nov 2026 12:00:40 GMT"}}, 40 * time.Second},
		{"HTTP date by the provider's own clock", http.Header{"Retry-After": {"Fri, 20 Nov 2026 13:00:40 GMT"}, "Date": {"Fri, 20 Nov 2026 13:00:00 GMT"}}, 40 * time.Second},
		{"date gone by", http.Header{"Retry-After": {"Fri, 20 Nov 2026 11:00:00 GMT"}}, time.Second},
		{"ISO 8601", http.Header{"Retry-After": {"2026-11-20T12:02:00Z"}}, 2 * time.Minute},
		{"ISO 8601 with an offset", http.Header{"Retry-After": {"2026-11-20T14:02:00+02:00"}}, 2 * time.Minute},
		{"ISO 8601 without a zone", http.Header{"Retry-After": {"2026-11-20T12:02:00"}}, 2 * time.Minute},
		{"ISO 8601 with milliseconds", http.Header{"Retry-After": {"2026-11-20T12:02:00.000Z"}}, 2 * time.Minute},
		{"the day after", http.Header{"Retry-After": {"2026-11-21T00:00:00Z"}}, 15 * time.Minute},
		{"words", http.Header{"Retry-After": {"in a minute"}}, 0},
		{"very long", http.Header{"Retry-After": {string(make([]byte, 1000))}}, 0},
		{"reset of a rate limit", http.Header{"X-Rate-Limit-Reset": {"1795176060"}}, time.Minute},
		{"reset in seconds is no moment", http.Header{"X-Rate-Limit-Reset": {"60"}}, 0},
	} {
		if got := retryAfter(c.h, received); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"5", "1e300", "2026-11-20T12:02:00Z", "Fri, 20 Nov 2026 12:00:40 GMT", "-0", "0x1p4", "٣"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, after, date, reset string) {
		got := retryAfter(http.Header{"Retry-After": {after}, "Date": {date}, "X-Rate-Limit-Reset": {reset}}, time.Unix(1795176000, 0))
		if got != 0 && (got < minRetry || got > maxRetry) {
			t.Errorf("got %v", got)
		}
	})
}
