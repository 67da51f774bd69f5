package server

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lanyard"
	"lanyard/internal/mail"
	"lanyard/internal/notice"
	"lanyard/internal/store"
)

// meters are what /metrics shows. It is served on the operator's socket, and on
// the address of metrics_listen; never on the public one. No label holds an id,
// an address or anything a caller sent: routes are patterns.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	dead     *prometheus.CounterVec
}

func newMeters(db *store.DB) *meters {
	m := &meters{registry: prometheus.NewRegistry(), requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "lanyard_http_request_seconds", Help: "Requests by method, route and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
	}, []string{"method", "route", "status"}), dead: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lanyard_grants_lost_total", Help: "Grants that this node has called dead, by cause.",
	}, []string{"cause"})}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "lanyard_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": Version(), "database": db.Backend()}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.dead, info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for name, get := range map[string]func(store.Stats) int64{
		"commits": func(s store.Stats) int64 { return s.Commits },
		"changes": func(s store.Stats) int64 { return s.Changes },
		"entries": func(s store.Stats) int64 { return s.Entries },
		"failed":  func(s store.Stats) int64 { return s.Failed },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "lanyard_store_" + name + "_total", Help: "Of the database, since the start: " + name + ".",
		}, func() float64 { return float64(get(db.Stats())) }))
	}
	return m
}

func (m *meters) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// lost counts a grant that was called dead: the cause is a code of ours.
func (m *meters) lost(cause lanyard.Code) { m.dead.WithLabelValues(string(cause)).Inc() }

// watchNotices adds what providers have told us to /metrics.
func (m *meters) watchNotices(s *notice.Service) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lanyard_notices_waiting",
		Help: "Notices of providers on the local disk that were not acted on yet."}, func() float64 { return float64(s.Waiting()) }))
}

// watchMails adds what waits to be sent to /metrics; -1 where that cannot be read.
func (m *meters) watchMails(s *mail.Service) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lanyard_mails_waiting",
		Help: "E-mails to one address each that the mail server has not taken yet, on all nodes."}, func() float64 {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		n, err := s.Waiting(ctx)
		if err != nil {
			return -1
		}
		return float64(n)
	}))
}

// withMetrics serves /metrics in front of h.
func (s *Server) withMetrics(h http.Handler) http.Handler {
	page := promhttp.HandlerFor(s.meters.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" && r.Method == http.MethodGet {
			page.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// quietLog is for net/http, whose messages hold callers' addresses and are
// caused by callers: they are counted by nobody and shown at debug level only,
// without their text.
func quietLog(l *slog.Logger) *log.Logger {
	return log.New(writerFunc(func(p []byte) (int, error) {
		l.Debug("net/http reported a connection that failed")
		return len(p), nil
	}), "", 0)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// NewLogger writes JSON lines at this level (debug, info, warn, error) and above.
func NewLogger(w io.Writer, level string) (*slog.Logger, error) {
	l, err := Settings{LogLevel: level}.level()
	if err != nil {
		return nil, err
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})), nil
}
