package provider

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A provider cannot make us hurry or wait for ever: what it asks is brought between these.
const (
	minRetry = time.Second
	maxRetry = 15 * time.Minute
)

// retryAfter reads how long to wait, however it is said:
//
//	Retry-After          seconds or an HTTP-date (RFC 9110 §10.2.3); an ISO-8601 time (Zoom's daily
//	                     limits) or duration; a number with a unit; seconds or milliseconds since 1970
//	Retry-After-Ms       milliseconds (Azure's gateways; X-Ms-Retry-After-Ms too)
//	RateLimit-Reset      seconds (IETF draft "RateLimit header fields", 06)
//	X-RateLimit-Reset    seconds, or a moment in one of the forms above (Okta, GitHub, Atlassian)
//
// A reset speaks of the time when nothing remains; where something does, it is not asked for. Of several
// values the longest holds. A moment is counted from the answer's own Date where it has one, so that the two
// clocks need not agree. 0: not said, or nothing we understand.
func retryAfter(h http.Header, received time.Time) (wait time.Duration) {
	now := received
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		now = d
	}
	for _, v := range h.Values("Retry-After") {
		wait = max(wait, retryValue(v, now))
	}
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if n, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64); err == nil && len(h.Get(name)) <= maxRetryValue {
			wait = max(wait, waitOf(n/1000))
		}
	}
	if wait > 0 || remains(h) {
		return wait
	}
	for _, name := range []string{"Ratelimit-Reset", "X-Ratelimit-Reset", "X-Rate-Limit-Reset"} {
		for _, v := range h.Values(name) {
			wait = max(wait, retryValue(v, now))
		}
	}
	return wait
}

// remains says whether the provider counts calls and some are left.
func remains(h http.Header) bool {
	for _, name := range []string{"Ratelimit-Remaining", "X-Ratelimit-Remaining", "X-Rate-Limit-Remaining"} {
		if n, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64); err == nil && n > 0 {
			return true
		}
	}
	return false
}

const maxRetryValue = 64 // bytes; the longest form has half of that

// retryValue reads one value; a list of several is read as its longest.
func retryValue(v string, now time.Time) time.Duration {
	if v = strings.Trim(v, " \t\""); v == "" || len(v) > maxRetryValue {
		return 0
	}
	if d, ok := retryOne(v, now); ok {
		return d
	}
	var longest time.Duration
	for one := range strings.SplitSeq(v, ",") { // the same header twice, put together on the way
		if d, ok := retryOne(strings.Trim(one, " \t\""), now); ok {
			longest = max(longest, d)
		}
	}
	return longest
}

func retryOne(v string, now time.Time) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case n > 1e12 && n < 1e14: // milliseconds since 1970
			return clampRetry(time.UnixMilli(int64(n)).Sub(now)), true
		case n > 1e9 && n < 1e11: // seconds since 1970
			return clampRetry(time.Unix(int64(n), 0).Sub(now)), true
		}
		return waitOf(n), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return clampRetry(t.Sub(now)), true
	}
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, v); err == nil {
			return clampRetry(t.Sub(now)), true
		}
	}
	return duration(v)
}

// momentLayouts are the moments beside those of RFC 9110; without a zone they are UTC.
var momentLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02",
	"20060102T150405Z0700", time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 MST",
}

type retryUnit struct {
	names []string
	is    time.Duration
}

// retryUnits are those of a number: in words, and as ISO 8601 has them.
var retryUnits = []retryUnit{
	{[]string{"ms", "msec", "millis", "millisecond", "milliseconds"}, time.Millisecond},
	{[]string{"s", "sec", "secs", "second", "seconds"}, time.Second},
	{[]string{"m", "min", "mins", "minute", "minutes"}, time.Minute},
	{[]string{"h", "hr", "hrs", "hour", "hours"}, time.Hour},
	{[]string{"d", "day", "days"}, 24 * time.Hour},
}

// duration reads numbers with units: "30s", "1 minute", "1m30s", "PT1M30S", "P1D".
func duration(v string) (time.Duration, bool) {
	v = strings.ToLower(v)
	if iso, ok := strings.CutPrefix(v, "p"); ok {
		v = strings.Replace(iso, "t", "", 1)
	}
	total := 0.0
	for v != "" {
		end := strings.IndexFunc(v, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 {
			return 0, false
		}
		n, err := strconv.ParseFloat(v[:end], 64)
		if err != nil {
			return 0, false
		}
		v = strings.TrimLeft(v[end:], " ")
		end = strings.IndexFunc(v, func(r rune) bool { return r < 'a' || r > 'z' })
		if end < 0 {
			end = len(v)
		}
		at := slices.IndexFunc(retryUnits, func(u retryUnit) bool { return slices.Contains(u.names, v[:end]) })
		if at < 0 {
			return 0, false
		}
		total += n * retryUnits[at].is.Seconds()
		v = strings.TrimLeft(v[end:], " ")
	}
	return waitOf(total), total > 0
}

// waitOf is so many seconds; 0 where the number is no time to wait.
func waitOf(n float64) time.Duration {
	if math.IsNaN(n) || n < 0 {
		return 0
	}
	return clampRetry(time.Duration(min(n, maxRetry.Seconds()) * float64(time.Second)))
}

func clampRetry(d time.Duration) time.Duration { return min(max(d, minRetry), maxRetry) }
