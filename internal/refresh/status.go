package refresh

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Status is what is due, and how it is going on this node.
type Status struct {
	Stop      Stop
	Nodes     int
	Rate      float64 // of an app whose provider says nothing, on all nodes
	Places    int
	InFlight  int
	Callers   int             // who wait for their turn
	Scheduled int             // calls that wait for theirs, and nobody for them
	Oldest    time.Time       // what has been due the longest, since then; zero: nothing
	Calls     map[Ended]int64 // since the start
	Apps      []AppStatus     // those with something due, or that have called lately; the longest due first
	Hosts     []HostStatus
}

// AppStatus is one app's.
type AppStatus struct {
	App         lanyard.AppID
	Project     lanyard.ProjectID
	Due         int       // up to MostCounted
	Since       time.Time // zero: nothing is due
	InFlight    int
	Callers     int
	Rate        float64   // calls per second now, on this node
	Full        float64   // and when all is well
	PausedUntil time.Time // by Retry-After; zero: it is not
	Host        string
	Breaker     lanyard.Breaker // the app's, in the database
	Last        lanyard.Outcome // of the last call on this node
	LastAt      time.Time
}

// HostStatus is a token host that does not answer.
type HostStatus struct {
	Host  string
	Row   int       // calls in a row without an answer
	Until time.Time // the next call is not made before
}

const (
	// MostCounted is how far what is due of an app is counted.
	MostCounted = 100_000
	mostApps    = 500
)

// Status looks at everything. Counting may take a moment.
func (s *Scheduler) Status(ctx context.Context) (Status, error) {
	out, apps := s.Gate.status()
	var err error
	if out.Stop, err = s.readStop(ctx); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		due, err := q.DueApps(now)
		if err != nil {
			return err
		}
		for _, d := range due {
			if out.Oldest.IsZero() || d.Since.Before(out.Oldest) {
				out.Oldest = d.Since
			}
			a := apps[d.App]
			a.App, a.Since = d.App, d.Since
			apps[d.App] = a
		}
		stopped, err := q.Breakers("")
		if err != nil {
			return err
		}
		for _, b := range stopped {
			a := apps[b.App]
			a.App, a.Project, a.Breaker = b.App, b.Project, b
			apps[b.App] = a
		}
		out.Apps = slices.SortedFunc(maps.Values(apps), func(a, b AppStatus) int {
			if a.Since.IsZero() != b.Since.IsZero() {
				return cmp.Compare(b.Since.Unix(), a.Since.Unix())
			}
			return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.App, b.App))
		})
		out.Apps = out.Apps[:min(len(out.Apps), mostApps)]
		for i := range out.Apps {
			a := &out.Apps[i]
			if a.Due, err = q.CountDue(a.App, now, MostCounted); err != nil {
				return err
			}
			if a.Project == "" {
				app, err := q.AppByID(a.App)
				if err != nil && !errors.Is(err, lanyard.NotFound) {
					return err
				}
				a.Project = app.Project
			}
		}
		return nil
	})
	return out, err
}

// status is what the gate knows.
func (g *Gate) status() (Status, map[lanyard.AppID]AppStatus) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	out := Status{Nodes: max(1, g.Nodes()), Rate: g.Rate, Places: g.places.all, InFlight: g.places.taken, Calls: maps.Clone(g.calls)}
	apps := map[lanyard.AppID]AppStatus{}
	for id, t := range g.taps {
		a := AppStatus{App: id, Project: t.project, InFlight: t.inFlight, Callers: t.queue[0].Len(), Full: g.rateOf(t), Last: t.last, LastAt: t.lastAt}
		a.Rate = a.Full * t.pace.part
		if t.pace.paused.After(now) {
			a.PausedUntil = t.pace.paused
		}
		if t.host != nil {
			a.Host = t.host.name
		}
		out.Callers += a.Callers
		out.Scheduled += t.waiting - a.Callers
		apps[id] = a
	}
	for name, h := range g.hosts {
		if h.open() {
			out.Hosts = append(out.Hosts, HostStatus{Host: name, Row: h.row, Until: h.until})
		}
	}
	slices.SortFunc(out.Hosts, func(a, b HostStatus) int { return cmp.Compare(a.Host, b.Host) })
	return out, apps
}

// Metrics are numbers without names, cheap to read.
type Metrics struct {
	InFlight  int
	Callers   int
	OpenHosts int
	Lag       time.Duration // how long the first of what is due has been waiting, as of the last look
	AppsDue   int
	Stopped   bool
	Calls     map[Ended]int64
}

// Metrics returns them.
func (s *Scheduler) Metrics() Metrics {
	var m Metrics
	s.Gate.mu.Lock()
	m.InFlight, m.Calls = s.Gate.places.taken, maps.Clone(s.Gate.calls)
	for _, t := range s.Gate.queued {
		m.Callers += t.queue[0].Len()
	}
	for _, h := range s.Gate.hosts {
		if h.open() {
			m.OpenHosts++
		}
	}
	s.Gate.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Stopped = s.stop.On()
	for _, l := range s.lanes {
		if l.due {
			m.AppsDue++
		}
	}
	if !s.oldest.IsZero() {
		m.Lag = max(0, s.Store.Clock().Sub(s.oldest))
	}
	return m
}
