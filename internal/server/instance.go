package server

import (
	"context"
	"sync/atomic"
	"time"

	"lanyard"
	"lanyard/internal/worker"
	"lanyard/wire"
)

func (s *Server) status(ctx context.Context, _ lanyard.Principal, _ *struct{}) (*wire.ServerStatus, error) {
	state, ok := s.readiness(ctx)
	st, err := s.self.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.ServerStatus{Version: Version(), PublicURL: s.settings.PublicURL, Database: s.db.Backend(), Instance: st.ID,
		MadeFor: st.MadeFor, DataDir: s.settings.DataDir, Ready: ok, Parts: state, Nodes: []wire.Node{}, Clock: s.clock(),
		FailedCredentials: []wire.FailedCredentials{}}
	if err := s.self.Hold(); err != nil {
		out.Hold = &wire.Hold{Code: string(lanyard.CodeOf(err)), Detail: err.Error()}
	}
	for _, n := range st.Nodes {
		w := wire.Node{ID: n.ID, Version: n.Version, StartedAt: n.StartedAt.UTC(), SeenAt: n.SeenAt.UTC(), Alive: st.Alive[n.ID], Self: n.ID == st.Self}
		if !n.LostAt.IsZero() {
			at := n.LostAt.UTC()
			w.LostAt = &at
		}
		out.Nodes = append(out.Nodes, w)
	}
	if !st.BackupAt.IsZero() {
		out.LastBackup = &st.BackupAt
	}
	for _, f := range s.front.Failed() {
		out.FailedCredentials = append(out.FailedCredentials, wire.FailedCredentials{Minute: f.Minute.UTC(), Origin: f.Origin, Count: f.Count})
	}
	return out, nil
}

func (s *Server) adopt(ctx context.Context, p lanyard.Principal, _ *struct{}) (*wire.Adopted, error) {
	was, err := s.self.Adopt(ctx, p)
	if err != nil {
		return nil, err
	}
	s.ready.forget()
	return &wire.Adopted{Was: was, PublicURL: s.settings.PublicURL}, nil
}

// skewAlarm is how wrong a clock may be. Access tokens are renewed minutes before
// they end, so what is less than this does no harm.
const skewAlarm = 30 * time.Second

func (s *Server) clock() wire.Clock {
	ahead, hosts := s.out.Skew()
	return wire.Clock{DatabaseSeconds: s.db.Skew().Seconds(), ProvidersSeconds: ahead.Seconds(), Providers: hosts}
}

// watchClock warns where this machine's clock is wrong (T40): once, and again an
// hour later.
func (s *Server) watchClock() worker.Task {
	var quiet atomic.Int64 // until then, counted from begun
	begun := time.Now()
	return worker.Task{Name: "server.clock", Every: 10 * time.Second, Run: func(context.Context) error {
		c := s.clock()
		if max(c.DatabaseSeconds, -c.DatabaseSeconds, c.ProvidersSeconds, -c.ProvidersSeconds) < skewAlarm.Seconds() {
			quiet.Store(0)
			return nil
		}
		if now := int64(time.Since(begun)); now >= quiet.Load() {
			quiet.Store(now + int64(time.Hour))
			s.log.Warn("this machine's clock is wrong, or those of others are: when tokens end is counted by it; is it kept by NTP?",
				"database_ahead_seconds", c.DatabaseSeconds, "providers_ahead_seconds", c.ProvidersSeconds, "providers", c.Providers)
		}
		return nil
	}}
}
