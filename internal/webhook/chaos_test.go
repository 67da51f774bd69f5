package webhook_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/egress/egresstest"
	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
	"lanyard/internal/webhook"
)

// The world outside is 127.0.0.2 here, and 127.0.0.1 is the inside.
var outside = netip.MustParseAddr("127.0.0.2")

// serve starts a server with a certificate for example.com and what is below it.
func (w *world) serve(addr string, h http.Handler) (port string, srv *httptest.Server) {
	w.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", addr)
	w.must(err)
	srv = httptest.NewUnstartedServer(h)
	srv.Listener.Close()
	srv.Listener = l
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // what callers do wrong is what this is about
	srv.StartTLS()
	w.t.Cleanup(srv.Close)
	w.t.Cleanup(srv.CloseClientConnections)
	_, port, err = net.SplitHostPort(l.Addr().String())
	w.must(err)
	return port, srv
}

// broken are endpoints as they are found in the world, and what is noted of a try
// there: a status, an error, or nothing as long as it is under way.
func broken(inside string, hang <-chan struct{}) map[string]struct {
	answer http.HandlerFunc
	want   string
} {
	type kind = struct {
		answer http.HandlerFunc
		want   string
	}
	cut := func(rw http.ResponseWriter, what string) {
		c, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_, _ = c.Write([]byte(what))
			_ = c.Close()
		}
	}
	drip := func(rw http.ResponseWriter, what func(n int) string) {
		c, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		for n := 0; ; n++ {
			select {
			case <-hang:
				return
			case <-time.After(50 * time.Millisecond):
			}
			if _, err := c.Write([]byte(what(n))); err != nil {
				return
			}
		}
	}
	return map[string]kind{
		"fails":  {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }, "500"},
		"throws": {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(503) }, "503"},
		"silent": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, ""},
		"drips": {func(rw http.ResponseWriter, _ *http.Request) {
			drip(rw, func(n int) string { return "HTTP/1.1 200 OK\r\nX: "[n%16 : n%16+1] })
		}, ""},
		"headers": {func(rw http.ResponseWriter, _ *http.Request) {
			drip(rw, func(n int) string { return []string{"HTTP/1.1 200 OK\r\n", "X: y\r\n"}[min(n, 1)] })
		}, ""},
		"body": {func(rw http.ResponseWriter, _ *http.Request) {
			drip(rw, func(n int) string { return []string{"HTTP/1.1 500 No\r\n\r\n", "x"}[min(n, 1)] })
		}, ""},
		"redirect": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, inside, http.StatusTemporaryRedirect)
		}, "307"},
		"rebinds": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Connection", "close")
			rw.WriteHeader(500)
		}, "address_not_allowed"},
		"gone":    {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusGone) }, "410"},
		"closes":  {func(rw http.ResponseWriter, _ *http.Request) { cut(rw, "") }, "connection_lost"},
		"half":    {func(rw http.ResponseWriter, _ *http.Request) { cut(rw, "HTTP/1.1 200 OK\r\nContent-Le") }, "connection_lost"},
		"babbles": {func(rw http.ResponseWriter, _ *http.Request) { cut(rw, "SSH-2.0-OpenSSH_9.9\r\n") }, "connection_lost"},
		"endless": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(500)
			for err := error(nil); err == nil; _, err = rw.Write(make([]byte, 1<<16)) {
			}
		}, "500"},
		"inside":  {nil, "address_not_allowed"}, // resolves there from the beginning
		"nowhere": {nil, "name_not_found"},
		"refuses": {nil, "not_reachable"}, // nobody listens
		"plain":   {nil, "tls"},           // speaks http on the port
	}
}

// Endpoints that are broken in every way there is delay nobody: the healthy ones get
// everything at once, and nothing of it reaches inside.
func TestEndpointChaos(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("127.0.0.2 is there on Linux only")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.pace = 20
		hang := make(chan struct{})
		var reached atomic.Int64 // requests that came inside
		trap, _ := w.serve("127.0.0.1:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
		free, _ := w.serve("127.0.0.2:0", nil)
		// The rebinding endpoint listens outside on the port on which the trap does inside.
		kinds := broken("https://127.0.0.1:"+trap+"/", hang)
		_, srv := w.serve("127.0.0.2:"+trap, kinds["rebinds"].answer)
		w.way = egress.Config{AllowNetworks: []netip.Prefix{netip.PrefixFrom(outside, 32)}, RootCAs: x509.NewCertPool(),
			Resolver: egresstest.Resolver(func(name string, before int) []netip.Addr {
				switch {
				case name == "nowhere.example.com":
					return nil
				case name == "inside.example.com", name == "rebinds.example.com" && before > 0:
					return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
				}
				return []netip.Addr{outside}
			})}
		w.way.RootCAs.AddCert(srv.Certificate())
		w.s = w.service()

		made := map[lanyard.EndpointID]string{} // what is to be noted of a try there
		endpoint := func(name, host, port, want string) {
			e, _ := w.create("https://"+host+":"+port+"/hook", lanyard.EventAppRecovered)
			made[e.ID] = name + ": " + want
		}
		for name, k := range kinds {
			port := trap
			switch name {
			case "rebinds", "inside", "nowhere":
			case "refuses":
				port = "9"
			case "plain":
				l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
				w.must(err)
				p := httptest.NewUnstartedServer(http.NotFoundHandler())
				p.Listener.Close()
				p.Listener = l
				p.Start()
				t.Cleanup(p.Close)
				_, port, _ = net.SplitHostPort(l.Addr().String())
			default:
				port, _ = w.serve("127.0.0.2:0", k.answer)
			}
			endpoint(name, name+".example.com", port, k.want)
		}
		endpoint("certificate", "hooks.example.org", free, "tls")
		t.Cleanup(func() { close(hang) }) // before the servers are closed: they wait for it
		var healthy []*receiver
		for i := range 6 {
			r := &receiver{}
			port, _ := w.serve("127.0.0.2:0", r)
			w.create(fmt.Sprintf("https://well%d.example.com:%s/hook", i, port), lanyard.EventAppRecovered)
			healthy = append(healthy, r)
		}

		w.node()
		happened := map[lanyard.EventID]time.Time{}
		for range 60 {
			at := time.Now()
			for _, id := range w.happens(lanyard.Event{}, lanyard.Event{}) {
				happened[id] = at
			}
			time.Sleep(30 * time.Millisecond)
		}
		w.until("the healthy ones", func() bool {
			return !slices.ContainsFunc(healthy, func(r *receiver) bool { return len(r.all()) < len(happened) })
		})
		var took []time.Duration
		for _, r := range healthy {
			for _, g := range r.all() {
				at, ok := happened[g.id]
				if !ok || len(r.all()) != len(happened) {
					t.Fatalf("got %d messages of %d events, %s among them", len(r.all()), len(happened), g.id)
				}
				took = append(took, g.at.Sub(at))
			}
		}
		slices.Sort(took)
		t.Logf("healthy endpoints: %d messages, half of them within %v, 95 %% within %v, all within %v", len(took), took[len(took)/2], took[len(took)*95/100], took[len(took)-1])

		// Meanwhile each broken one fails as it does, and has not had one event told.
		for id, want := range made {
			w.until(want, func() bool {
				return slices.ContainsFunc(w.deliveries(store.DeliveryFilter{Endpoint: id}), func(d webhook.Sent) bool {
					return strings.HasSuffix(want, ": "+noted(d))
				})
			})
			if n := len(w.deliveries(store.DeliveryFilter{Endpoint: id, State: lanyard.DeliveryDelivered})); n > 0 {
				t.Errorf("%s: %d deliveries", want, n)
			}
		}
		if n := reached.Load(); n > 0 {
			t.Errorf("%d requests came inside", n)
		}
	})
}

// noted is what a delivery says of its last try.
func noted(d webhook.Sent) string {
	if d.Status != 0 {
		return strconv.FormatInt(d.Status, 10)
	}
	return d.Error
}
