package provider

import (
	"net/http"
	"strconv"
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
		{"reset in seconds", http.Header{"X-Rate-Limit-Reset": {"60"}}, time.Minute},
		{"reset, as ISO 8601", http.Header{"X-Ratelimit-Reset": {"2026-11-20T12:02Z"}}, 2 * time.Minute},
		{"reset, IETF draft", http.Header{"Ratelimit-Reset": {"50"}, "Ratelimit-Remaining": {"0"}}, 50 * time.Second},
		{"reset, but something remains", http.Header{"X-Ratelimit-Reset": {"1795176060"}, "X-Ratelimit-Remaining": {"17"}}, 0},
		{"asked to wait although something remains", http.Header{"Retry-After": {"7"}, "X-Ratelimit-Remaining": {"17"}}, 7 * time.Second},
		{"asked to wait, and a reset that is later", http.Header{"Retry-After": {"7"}, "X-Ratelimit-Reset": {"1795176060"}}, 7 * time.Second},
		{"twice: the longer", http.Header{"Retry-After": {"7", "30"}}, 30 * time.Second},
		{"twice in one line", http.Header{"Retry-After": {"7, 30"}}, 30 * time.Second},
		{"twice, one of no use", http.Header{"Retry-After": {"soon, 30"}}, 30 * time.Second},
		{"in quotes", http.Header{"Retry-After": {`"30"`}}, 30 * time.Second},
		{"with spaces", http.Header{"Retry-After": {" 30\t"}}, 30 * time.Second},
		{"with a unit", http.Header{"Retry-After": {"30s"}}, 30 * time.Second},
		{"with a unit in words", http.Header{"Retry-After": {"2 minutes"}}, 2 * time.Minute},
		{"with two units", http.Header{"Retry-After": {"1m30s"}}, 90 * time.Second},
		{"with a unit that is none", http.Header{"Retry-After": {"30 parsecs"}}, 0},
		{"in milliseconds", http.Header{"Retry-After": {"2500ms"}}, 2500 * time.Millisecond},
		{"in milliseconds, by the name", http.Header{"Retry-After-Ms": {"2500"}}, 2500 * time.Millisecond},
		{"in milliseconds, by Microsoft's name", http.Header{"X-Ms-Retry-After-Ms": {"5000"}}, 5 * time.Second},
		{"ISO 8601 duration", http.Header{"Retry-After": {"PT1M30S"}}, 90 * time.Second},
		{"ISO 8601 duration of a day", http.Header{"Retry-After": {"P1D"}}, 15 * time.Minute},
		{"ISO 8601 duration of nothing", http.Header{"Retry-After": {"PT0S"}}, 0},
		{"ISO 8601, basic", http.Header{"Retry-After": {"20261120T120200Z"}}, 2 * time.Minute},
		{"ISO 8601 without seconds", http.Header{"Retry-After": {"2026-11-20T12:02Z"}}, 2 * time.Minute},
		{"ISO 8601 with a space", http.Header{"Retry-After": {"2026-11-20 12:02:00 UTC"}}, 2 * time.Minute},
		{"ISO 8601 by the provider's own clock", http.Header{"Retry-After": {"2026-11-20T13:02:00Z"}, "Date": {"Fri, 20 Nov 2026 13:00:00 GMT"}}, 2 * time.Minute},
		{"seconds since 1970", http.Header{"Retry-After": {"1795176060"}}, time.Minute},
		{"milliseconds since 1970", http.Header{"Retry-After": {"1795176060000"}}, time.Minute},
		{"RFC 850 date", http.Header{"Retry-After": {"Friday, 20-Nov-26 12:00:40 GMT"}}, 40 * time.Second},
		{"asctime date", http.Header{"Retry-After": {"Fri Nov 20 12:00:40 2026"}}, 40 * time.Second},
		{"HTTP date with an offset", http.Header{"Retry-After": {"Fri, 20 Nov 2026 14:00:40 +0200"}}, 40 * time.Second},
		{"HTTP date in UTC", http.Header{"Retry-After": {"Fri, 20 Nov 2026 12:00:40 UTC"}}, 40 * time.Second},
		{"HTTP date without a weekday", http.Header{"Retry-After": {"20 Nov 2026 12:00:40 GMT"}}, 40 * time.Second},
		{"empty", http.Header{"Retry-After": {""}}, 0},
		{"a unit alone", http.Header{"Retry-After": {"s"}}, 0},
		{"digits that are not ASCII", http.Header{"Retry-After": {"٣٠"}}, 0},
	} {
		if got := retryAfter(c.h, received); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// FuzzRetryAfter: whatever is said, the wait is none or between a second and a quarter of an hour, and the
// same each time; a plain number of seconds is read as just that.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"5", "1e300", "2026-11-20T12:02:00Z", "Fri, 20 Nov 2026 12:00:40 GMT", "-0", "0x1p4", "٣", "PT1M30S", "7, 30", `"30"`, "1795176060000", "1m30s"} {
		f.Add(s, s, s, s)
	}
	f.Fuzz(func(t *testing.T, after, date, reset, ms string) {
		h := http.Header{"Retry-After": {after}, "Date": {date}, "X-Ratelimit-Reset": {reset}, "Retry-After-Ms": {ms}}
		got := retryAfter(h, time.Unix(1795176000, 0))
		if got != 0 && (got < minRetry || got > maxRetry) {
			t.Errorf("got %v", got)
		}
		if again := retryAfter(h, time.Unix(1795176000, 0)); again != got {
			t.Errorf("got %v and then %v", got, again)
		}
		if n, err := strconv.ParseUint(after, 10, 9); err == nil {
			if want := max(time.Duration(n)*time.Second, minRetry); retryValue(after, time.Unix(1795176000, 0)) != want {
				t.Errorf("%q: got %v, want %v", after, retryValue(after, time.Unix(1795176000, 0)), want)
			}
		}
	})
}
