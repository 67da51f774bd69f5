package grant

import (
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/app"
)

// glances are apps that a renewal of the schedule has found in order a moment ago, so
// that the next one need not read and resolve them again. Nothing rests on them: what
// matters is looked at once more in the transaction that claims. They hold client
// secrets, and so are forgotten by themselves.
type glances struct {
	mu   sync.Mutex
	apps map[lanyard.AppID]glance
}

type glance struct {
	ready app.Ready
	at    time.Time
}

const glanceFor = time.Second

// at gives ready the app, if it was looked at just now.
func (s *glances) at(id lanyard.AppID, ready *app.Ready) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.apps[id]
	if ok = ok && time.Since(g.at) < glanceFor; ok {
		*ready = g.ready
	}
	return ok
}

// note remembers an app that was read after a moment.
func (s *glances) note(id lanyard.AppID, ready app.Ready, after time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps == nil {
		s.apps = map[lanyard.AppID]glance{}
	}
	if old, known := s.apps[id]; known && !old.at.Before(after) {
		return
	}
	s.apps[id] = glance{ready, after}
	time.AfterFunc(glanceFor, func() { s.forget(id, after) })
}

func (s *glances) forget(id lanyard.AppID, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apps[id].at.Equal(at) {
		delete(s.apps, id)
	}
}
