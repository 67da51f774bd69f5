package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lanyard"
	"lanyard/internal/refresh"
	"lanyard/internal/store"
	"lanyard/internal/web"
	"lanyard/wire"
)

// gateway is what every call to a token endpoint passes.
func (s *Server) gateway() *refresh.Gate {
	return refresh.NewGate(refresh.GateConfig{Rate: s.settings.RefreshRate, InFlight: s.settings.RefreshInFlight, Nodes: s.self.Live})
}

// schedule has renewed what is due.
func (s *Server) schedule() *refresh.Scheduler {
	return refresh.New(refresh.Config{Gate: s.gate, Grants: s.grants, Store: s.db, Part: s.self.Place, Every: s.scaled(time.Second),
		Settle:  12 * time.Second, // they look every ten seconds
		Stopped: s.settings.RefreshStop, Hold: s.self.Hold, Logger: s.log})
}

func (s *Server) mountRefresh() {
	op := func(method, path, id, summary, description string) web.Operation {
		return web.Operation{Method: method, Path: "/v1/operator/refresh" + path, ID: id, Tag: "Operator", Scope: web.OperatorOnly,
			Summary: summary, Description: description}
	}
	web.JSON(s.front, op("GET", "", "refreshStatus", "What is due, and how renewing it goes", "On the node that answers; what is due and breakers are everybody's."), s.refreshStatus)
	web.JSON(s.front, op("POST", "/stop", "stopRefresh", "Renew nothing by the schedule",
		"On all nodes, within seconds, until it is started again. Callers whose token has expired still have it renewed, unless they are stopped too. What is under way goes on."), s.stopRefresh)
	web.JSON(s.front, op("POST", "/start", "startRefresh", "Renew by the schedule again", ""), s.startRefresh)
}

type stopRefresh struct{ Body wire.StopRefresh }

func (s *Server) stopRefresh(ctx context.Context, p lanyard.Principal, in *stopRefresh) (*wire.Refresh, error) {
	if _, err := s.refresh.Stop(ctx, p, in.Body.Callers); err != nil {
		return nil, err
	}
	return s.refreshStatus(ctx, p, nil)
}

func (s *Server) startRefresh(ctx context.Context, p lanyard.Principal, _ *struct{}) (*wire.Refresh, error) {
	if _, err := s.refresh.Start(ctx, p); err != nil {
		return nil, err
	}
	return s.refreshStatus(ctx, p, nil)
}

func (s *Server) refreshStatus(ctx context.Context, _ lanyard.Principal, _ *struct{}) (*wire.Refresh, error) {
	st, err := s.refresh.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.Refresh{Nodes: st.Nodes, Rate: st.Rate, InFlight: st.InFlight, Places: st.Places, Callers: st.Callers,
		OldestDue: moment(st.Oldest), Calls: map[string]int64{}, Apps: []wire.RefreshApp{}, Hosts: []wire.RefreshHost{}}
	switch {
	case st.Stop.By != "":
		out.Stopped = &wire.RefreshStop{By: st.Stop.By, At: moment(st.Stop.At), Callers: st.Stop.Callers}
	case st.Stop.Setting:
		out.Stopped = &wire.RefreshStop{By: "refresh_stop"}
	}
	for c, n := range st.Calls {
		out.Calls[string(c.Outcome)] += n
	}
	for _, a := range st.Apps {
		w := wire.RefreshApp{App: string(a.App), Project: string(a.Project), Due: a.Due, Since: moment(a.Since), InFlight: a.InFlight,
			Callers: a.Callers, Rate: a.Rate, FullRate: a.Full, PausedUntil: moment(a.PausedUntil), Host: a.Host,
			LastOutcome: string(a.Last), LastAt: moment(a.LastAt)}
		if b := a.Breaker; b.State != lanyard.BreakerClosed {
			w.Breaker = &wire.AppBreaker{State: string(b.State), Reason: string(b.Reason), Error: b.Error, OpenedAt: b.OpenedAt.UTC(),
				ProbeAt: b.ProbeAt.UTC(), Probes: b.Probes}
		}
		out.Apps = append(out.Apps, w)
	}
	for _, h := range st.Hosts {
		out.Hosts = append(out.Hosts, wire.RefreshHost{Host: h.Host, Row: h.Row, Until: h.Until.UTC()})
	}
	return out, nil
}

// moment is a time as it travels; nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// renewals are the numbers about renewing. They are read when somebody asks for
// them, and no label holds an id.
type renewals struct {
	s *Server

	calls, inFlight, callers, apps, lag, hosts, stopped, breakers *prometheus.Desc
}

func newRenewals(s *Server) *renewals {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("lanyard_"+name, help, labels, nil)
	}
	return &renewals{s: s,
		calls:    desc("refresh_total", "Calls of this node that send a refresh token, by class of the provider and outcome.", "class", "outcome"),
		inFlight: desc("refresh_inflight", "Renewals under way on this node, from the call until they are stored."),
		callers:  desc("refresh_callers_waiting", "Callers on this node who wait for their turn at a provider."),
		apps:     desc("refresh_apps_due", "Apps with grants that are due."),
		lag:      desc("refresh_lag_seconds", "How long the first of what is due has been waiting."),
		hosts:    desc("refresh_hosts_unreachable", "Token hosts that do not answer this node."),
		stopped:  desc("refresh_stopped", "1 while the schedule renews nothing."),
		breakers: desc("breaker_state", "Apps that are stopped or watched as a whole, by state.", "state"),
	}
}

// Describe implements prometheus.Collector.
func (r *renewals) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(r, ch) }

// Collect implements prometheus.Collector. What the database does not tell at the
// moment is left out.
func (r *renewals) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	m := r.s.refresh.Metrics()
	for c, n := range m.Calls {
		ch <- prometheus.MustNewConstMetric(r.calls, prometheus.CounterValue, float64(n), c.Class, string(c.Outcome))
	}
	gauge(r.inFlight, float64(m.InFlight))
	gauge(r.callers, float64(m.Callers))
	gauge(r.apps, float64(m.AppsDue))
	gauge(r.lag, m.Lag.Seconds())
	gauge(r.hosts, float64(m.OpenHosts))
	stopped := 0.0
	if m.Stopped {
		stopped = 1
	}
	gauge(r.stopped, stopped)

	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	by := map[lanyard.BreakerState]int{lanyard.BreakerOpen: 0, lanyard.BreakerStorm: 0, lanyard.BreakerWary: 0}
	err := r.s.db.View(ctx, func(q *store.Query) error {
		all, err := q.Breakers("")
		for _, b := range all {
			by[b.State]++
		}
		return err
	})
	if err != nil {
		return
	}
	for state, n := range by {
		gauge(r.breakers, float64(n), string(state))
	}
}
