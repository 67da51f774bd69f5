package server

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"lanyard"
	"lanyard/internal/spool"
	"lanyard/internal/web"
	"lanyard/wire"
)

// mountSpool registers what the operator may know of the answers on local disk,
// and adds it to /metrics.
func (s *Server) mountSpool(op func(method, path, id, summary string) web.Operation) {
	s.meters.watchSpool(s.spool)
	web.JSON(s.front, op("GET", "/spool", "spoolStatus", "How the answers on the local disk are"), s.spoolStatus)
	web.JSON(s.front, op("POST", "/spool/declare-lost", "declareLost", "Say that a node will not come back, and its disk neither"), s.declareLost)
}

func (s *Server) spoolStatus(context.Context, lanyard.Principal, *struct{}) (*wire.Spool, error) {
	st := s.spool.Status()
	out := &wire.Spool{Node: s.self.Node(), Dir: st.Dir, State: st.State, Why: st.Why, Segments: st.Segments, Bytes: st.Bytes, Receipts: st.Receipts,
		Pending: st.Pending, Rooms: st.Rooms, Damaged: st.Damaged, Marks: st.Marks, Free: st.Free, Floor: st.Floor}
	if !st.OldestPending.IsZero() {
		out.OldestPending = &st.OldestPending
	}
	return out, nil
}

type declareLost struct{ Body wire.DeclareLost }

// declareLost refuses a node that is alive: its calls have not ended, and what
// they bring would be missed by nobody and used by two.
func (s *Server) declareLost(ctx context.Context, p lanyard.Principal, in *declareLost) (*wire.LostNode, error) {
	st, err := s.self.Status(ctx)
	if err != nil {
		return nil, err
	}
	if st.Alive[in.Body.Node] {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "node %s is alive; stop it first, and if it comes to an orderly end there is nothing to declare", in.Body.Node)
	}
	closed, err := s.grants.DeclareLost(ctx, p, in.Body.Node)
	if err != nil {
		return nil, err
	}
	return &wire.LostNode{Node: in.Body.Node, Closed: closed}, nil
}

// spoolReady says how the spool is, for everybody, and whether requests should go
// elsewhere for it. Without room no call begins here, but tokens that live are
// handed out; a disk that does not write is another matter.
func (s *Server) spoolReady() (state string, ready bool) {
	st := s.spool.Status()
	return st.State, st.State != "broken" && st.State != "stalled"
}

// watchSpool adds the spool to /metrics.
func (m *meters) watchSpool(s *spool.Spool) {
	for name, g := range map[string]struct {
		help string
		get  func(spool.Status) float64
	}{
		"pending": {"Answers of providers on the local disk that the database is not known to have.", func(st spool.Status) float64 { return float64(st.Pending) }},
		"bytes":   {"What the segments on the local disk take.", func(st spool.Status) float64 { return float64(st.Bytes) }},
		"ok": {"1 where a call to a provider may begin; 0 where the local disk does not allow it.", func(st spool.Status) float64 {
			if st.State == "ok" {
				return 1
			}
			return 0
		}},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lanyard_spool_" + name, Help: g.help},
			func() float64 { return g.get(s.Status()) }))
	}
}
