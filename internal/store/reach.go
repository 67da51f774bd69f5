package store

import (
	"errors"

	"lanyard"
)

// Reach says what a limited key may see in a list, for one page. What it has
// looked up it remembers.
type Reach struct {
	q           *Query
	p           lanyard.Principal
	connections map[lanyard.ConnectionID]bool
	apps        map[lanyard.AppID]bool
}

// NewReach returns a Reach that lives as long as q.
func NewReach(q *Query, p lanyard.Principal) *Reach {
	return &Reach{q: q, p: p, connections: map[lanyard.ConnectionID]bool{}, apps: map[lanyard.AppID]bool{}}
}

func (r *Reach) limited() bool { return len(r.p.Providers)+len(r.p.Labels) > 0 }

// Connection says whether the key reaches a connection. Without a connection, and
// where it is gone, a limited key does not.
func (r *Reach) Connection(id lanyard.ConnectionID) (bool, error) {
	if !r.limited() || id == "" {
		return !r.limited(), nil
	}
	if ok, known := r.connections[id]; known {
		return ok, nil
	}
	c, _, err := r.q.Connection(r.p.Project, id)
	if err != nil && !errors.Is(err, lanyard.NotFound) {
		return false, err
	}
	r.connections[id] = err == nil && r.p.Reaches(c.Provider, c.Label) == nil
	return r.connections[id], nil
}

// Entry says whether the key may see an entry of the log: what is about a
// connection that it reaches, or about an app at one of its providers and no
// connection, and what it has done itself.
func (r *Reach) Entry(e lanyard.Entry) (bool, error) {
	if !r.limited() || e.Key != "" && e.Key == r.p.Key {
		return true, nil
	}
	if e.Connection != "" || e.App == "" || len(r.p.Labels) > 0 {
		return r.Connection(e.Connection)
	}
	if ok, known := r.apps[e.App]; known {
		return ok, nil
	}
	a, err := r.q.App(r.p.Project, e.App)
	if err != nil && !errors.Is(err, lanyard.NotFound) {
		return false, err
	}
	r.apps[e.App] = err == nil && r.p.Reaches(a.Provider, "") == nil
	return r.apps[e.App], nil
}
