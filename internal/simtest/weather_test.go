package simtest

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// dice are random numbers that depend on the seed and on what they are for, and not
// on what was drawn before.
func dice(seed uint64, what ...any) *rand.Rand {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	fmt.Fprint(h, what...)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// window is a time in which a provider, or the way to it, is out of order.
type window struct {
	from, until time.Time
	what        string // refused, blackhole, 503, throttle, slow, hang
}

// act is what a provider does with one call.
type act struct {
	name    string
	before  time.Duration // until it carries the request out
	execute bool
	after   time.Duration // from then until it answers
	status  int           // with another answer than that of what was carried out; 0: that
	body    string
	header  string // one more line
	cut     float64
	cutAt   string // the answer ends before this text
	hangUp  bool   // no byte of an answer
	drip    bool   // the answer comes in pieces
	loose   bool   // the answer ends with its connection
}

func some(r *rand.Rand, from, until time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(until-from)))
}

func fine(r *rand.Rand) act {
	return act{name: "fine", execute: true, before: some(r, 5*time.Millisecond, 100*time.Millisecond), after: some(r, 5*time.Millisecond, 100*time.Millisecond)}
}

// retryAfters are every way in which providers say how long to wait, and some that
// mean nothing.
func retryAfter(r *rand.Rand, now time.Time) string {
	at := now.Add(some(r, 2*time.Second, 90*time.Second)).UTC()
	return []string{
		"Retry-After: " + fmt.Sprint(1+r.IntN(60)), "Retry-After: 1.5", "Retry-After: 0", "Retry-After: -3", "Retry-After: soon",
		"Retry-After: " + at.Format("Mon, 02 Jan 2006 15:04:05 GMT"), "Retry-After: " + at.Format("2006-01-02T15:04:05Z"),
		"Retry-After: 99999999999999999999", "X-Rate-Limit-Reset: " + fmt.Sprint(at.Unix()), "X-Nothing: 1",
	}[r.IntN(10)]
}

// actFor is what happens to the n-th call of an account.
func (w *world) actFor(h *host, sub string, n int, t *token, now time.Time) act {
	r := dice(w.seed, h.id, sub, n)
	a := fine(r)
	if w.script != nil {
		if is, ok := w.script(h, sub, n); ok {
			return is
		}
	}
	if w.fair {
		return a
	}
	for _, win := range h.windows {
		if now.Before(win.from) || now.After(win.until) {
			continue
		}
		switch win.what {
		case "503":
			return act{name: win.what, before: a.before, status: 503, body: "<html>down for maintenance</html>"}
		case "throttle":
			return act{name: win.what, before: a.before, status: 429, body: `{"error":"rate_limited"}`, header: retryAfter(r, now)}
		case "slow":
			a.before, a.name = 11*time.Second, win.what
		case "hang":
			return act{name: win.what, before: 45 * time.Second, hangUp: true}
		}
	}
	if r.Float64() >= w.rough {
		return a
	}
	choices := []func() act{
		func() act { return act{name: "reset", hangUp: true, before: a.before} },
		func() act {
			return act{name: "5xx before", before: a.before, status: 500 + r.IntN(5), body: `{"error":"server_error"}`}
		},
		func() act {
			a.name, a.status, a.body = "5xx after", 502, "<html>bad gateway</html>"
			return a
		},
		func() act { return act{name: "hangs", before: some(r, 25*time.Second, time.Minute), hangUp: true} },
		func() act {
			a.name, a.after, a.hangUp = "hangs after", some(r, 25*time.Second, time.Minute), true
			return a
		},
		func() act { a.name, a.after, a.hangUp = "answer lost", time.Millisecond, true; return a },
		func() act { a.name, a.before = "late", some(r, 21*time.Second, 40*time.Second); return a },
		func() act { a.name, a.before = "slow", some(r, 5*time.Second, 15*time.Second); return a },
		func() act { a.name, a.cut = "cut", r.Float64(); return a },
		func() act { a.name, a.cut = "cut", 0.5+r.Float64()/2; return a },
		func() act { a.name, a.drip = "drip", true; return a },
		func() act { a.name, a.loose = "loose", true; return a },
		func() act {
			return act{name: "throttled", before: a.before, status: []int{429, 503}[r.IntN(2)], body: `{"error":"slow_down"}`, header: retryAfter(r, now)}
		},
		func() act {
			return act{name: "page", before: a.before, status: 200, body: "<html>We will be back soon</html>"}
		},
		func() act { return act{name: "empty", before: a.before, status: 200} },
		func() act {
			return act{name: "flaky", before: a.before, status: 400, body: `{"error":"invalid_grant"}`}
		},
		func() act {
			return act{name: "flaky", before: a.before, status: 400, body: `{"error":"invalid_grant"}`}
		},
	}
	is := choices[r.IntN(len(choices))]()
	// Who refuses the same token twice, a minute apart, cannot be told from one who means it.
	if is.name == "flaky" && (t == nil || t.refused > 0) {
		return fine(r)
	}
	return is
}
