package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// diskFloor is how much must be free in the data directory.
const diskFloor = 64 << 20

// readiness remembers the last answer for a second: anybody may ask, and must
// not be able to make us busy with it.
type readiness struct {
	mu    sync.Mutex
	at    time.Time
	state map[string]string
	ok    bool
}

// forget makes the next answer a new one.
func (r *readiness) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = nil
}

// mountHealth registers /healthz: the process answers; and /readyz: it can do
// its work, and if not, which part it is. Both are for everybody, so they name
// the part and no more; of providers, why none is called, as a code.
func (s *Server) mountHealth() {
	s.front.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	}))
	s.front.Handle("GET /readyz", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, ok := s.readiness(r.Context())
		status := http.StatusOK
		if !ok {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, state)
	}))
}

func (s *Server) readiness(ctx context.Context) (map[string]string, bool) {
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	if s.draining.Load() {
		return map[string]string{"status": "stopping"}, false
	}
	if s.ready.state != nil && time.Since(s.ready.at) < time.Second {
		return s.ready.state, s.ready.ok
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer stop()
	state, ok := map[string]string{"status": "ready"}, true
	check := func(part string, fine bool) {
		state[part] = "ok"
		if !fine {
			state[part], state["status"], ok = "failed", "not ready", false
		}
	}
	check("database", s.db.Ping(ctx) == nil)
	check("keys", s.keysOpen(ctx))
	free, err := freeBytes(s.settings.DataDir)
	check("disk", err == nil && free >= diskFloor)
	spool, fine := s.spoolReady()
	if state["spool"] = spool; !fine {
		state["status"], ok = "not ready", false
	}
	// Under another URL than the database was made for we are ready for what we do
	// then. Where two share a name, the other is the one to ask.
	state["providers"] = "ok"
	if err := s.self.Hold(); err != nil {
		state["providers"] = string(lanyard.CodeOf(err))
		if !errors.Is(err, lanyard.CodeInstanceNotAdopted) {
			state["status"], ok = "not ready", false
		}
	}
	s.ready.at, s.ready.state, s.ready.ok = time.Now(), state, ok
	return state, ok
}

func answer(w http.ResponseWriter, status int, v map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone
}

// keysOpen says whether something could be sealed now: with the keyset of the
// first project, or, where there is none yet, that the vault was opened.
func (s *Server) keysOpen(ctx context.Context) bool {
	var first []lanyard.Project
	err := s.db.View(ctx, func(q *store.Query) (err error) {
		first, _, err = q.Projects(lanyard.Page{Limit: 1})
		return err
	})
	if err != nil || len(first) == 0 {
		return err == nil
	}
	_, err = s.vault.Sealer(ctx, vault.ProjectKey(first[0].ID))
	return err == nil
}
