//go:build faults

package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// On says whether this build can fail on purpose.
const On = true

// armed is what is to happen. It is the state of the process, and there is none
// without the build tag.
var armed struct {
	mu    sync.Mutex
	read  bool // LANYARD_FAULT
	rules []rule
	hits  map[Point]int
}

type rule struct {
	point       Point
	kind        Kind
	from, until int
	err         error
	delay       time.Duration
}

// Failure is the error that a point gives. It Is whatever error it was told to be.
type Failure struct {
	Point Point
	Err   error
}

func (f *Failure) Error() string { return fmt.Sprintf("fault at %s: %v", f.Point, f.Err) }
func (f *Failure) Unwrap() error { return f.Err }

// At is the place p. If it is to fail there, it does; an error is returned, the
// rest happens to the caller.
func At(ctx context.Context, p Point) error {
	r, n, strikes := next(p)
	if !strikes {
		return nil
	}
	fmt.Fprintf(os.Stderr, "fault: %s %s, time %d\n", p, r.kind, n)
	switch r.kind {
	case Kill:
		die()
	case Stop:
		halt()
	case Panic:
		panic(fmt.Sprintf("fault at %s", p))
	case Delay:
		select {
		case <-time.After(r.delay):
		case <-ctx.Done():
		}
	case Error:
		return &Failure{p, r.err}
	}
	return nil
}

// next counts that somebody is at p, and finds what is to happen.
func next(p Point) (rule, int, bool) {
	armed.mu.Lock()
	defer armed.mu.Unlock()
	if !armed.read {
		armed.read, armed.hits = true, map[Point]int{}
		rules, err := parse(os.Getenv("LANYARD_FAULT"))
		if err != nil {
			panic("LANYARD_FAULT: " + err.Error()) // a test that fails nothing proves nothing
		}
		armed.rules = append(armed.rules, rules...)
	}
	armed.hits[p]++
	n := armed.hits[p]
	for _, r := range armed.rules {
		if r.point == p && n >= r.from && n <= r.until {
			return r, n, true
		}
	}
	return rule{}, n, false
}

// Set arms what the list says, in the words of LANYARD_FAULT, instead of what
// was armed, and counts from the beginning. Undo puts back what was.
func Set(list string) (undo func(), err error) {
	rules, err := parse(list)
	if err != nil {
		return nil, err
	}
	armed.mu.Lock()
	defer armed.mu.Unlock()
	was, hits, read := armed.rules, armed.hits, armed.read
	armed.rules, armed.hits, armed.read = rules, map[Point]int{}, true
	return func() {
		armed.mu.Lock()
		defer armed.mu.Unlock()
		armed.rules, armed.hits, armed.read = was, hits, read
	}, nil
}

// Hits is how often somebody has been at p since Set, or since the start. A loop
// that fails the Nth time ends when there is no Nth time.
func Hits(p Point) int {
	armed.mu.Lock()
	defer armed.mu.Unlock()
	return armed.hits[p]
}

func parse(list string) (rules []rule, err error) {
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		r, err := parseRule(strings.Split(item, ":"))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", item, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func parseRule(f []string) (r rule, err error) {
	if len(f) < 2 || len(f) > 4 {
		return r, errors.New("want point:kind[:N[:parameter]]")
	}
	r = rule{point: Point(f[0]), kind: Kind(f[1]), from: 1, until: 1, delay: time.Second, err: errors.New("on purpose")}
	if !possible(r.point, r.kind) {
		return r, errors.New("docs/fault-points.md has no such point, or it does not fail that way")
	}
	if len(f) > 2 && f[2] != "" {
		n, open := strings.CutSuffix(f[2], "+")
		if r.from, err = strconv.Atoi(n); err != nil || r.from < 1 {
			return r, errors.New("the time it strikes is a number from 1 on")
		}
		if r.until = r.from; open {
			r.until = int(^uint(0) >> 1)
		}
	}
	if len(f) == 4 {
		switch r.kind {
		case Delay:
			r.delay, err = time.ParseDuration(f[3])
		case Error:
			r.err, err = errno(f[3])
		default:
			err = errors.New("this kind has no parameter")
		}
	}
	return r, err
}

func possible(p Point, k Kind) bool {
	for _, s := range Table() {
		if s.Point != p {
			continue
		}
		for _, is := range s.Kinds {
			if is == k {
				return true
			}
		}
	}
	return false
}

// errno is the error of the system with this name.
func errno(name string) (error, error) {
	for _, e := range []struct {
		name string
		err  syscall.Errno
	}{
		{"EIO", syscall.EIO}, {"ENOSPC", syscall.ENOSPC}, {"EROFS", syscall.EROFS}, {"EACCES", syscall.EACCES},
		{"EMFILE", syscall.EMFILE}, {"ECONNRESET", syscall.ECONNRESET}, {"ETIMEDOUT", syscall.ETIMEDOUT},
	} {
		if e.name == name {
			return e.err, nil
		}
	}
	return nil, fmt.Errorf("no error is called %q here", name)
}
