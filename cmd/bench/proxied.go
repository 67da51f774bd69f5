package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"lanyard"
	"lanyard/internal/sandbox"
	"lanyard/internal/store"
)

// barProxied is how much longer a call through the proxy may take than the bare call and
// a durable append: the median, at a provider as far away as providers are.
const (
	barProxied      = 1.3
	barProxiedDelay = 20 * time.Millisecond
)

// proxied is what was measured on one database.
type proxied struct {
	Name  string        `json:"name"`
	Cells []proxiedCell `json:"cells"`
}

type proxiedCell struct {
	DelayMS float64     `json:"provider_ms"` // the provider answers after
	Clients int         `json:"clients"`
	Product proxiedSide `json:"product"`
	Bare    proxiedSide `json:"bare"`
	Ratio   float64     `json:"ratio"` // of the medians
}

type proxiedSide struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	Rate float64 `json:"per_second"`
}

// proxied measures calls through the proxy.
func (w *world) proxied(ctx context.Context, admin string, say func(string, ...any)) (out proxied, err error) {
	out.Name = w.name()
	answer := make([]byte, 2000)
	for i := range answer {
		answer[i] = 'a' + byte(i%26)
	}
	api, err := startCallee(ctx, answer, func(*http.Request) bool { return true })
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, api.server.Close()) }()
	w.apiURL = api.url
	if err := w.withSandbox(ctx, func(base string, box *sandbox.Sandbox) error {
		_, err := w.first(ctx, base, box)
		return err
	}); err != nil {
		return out, err
	}
	product, err := w.startProduct(ctx)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, product.close()) }()
	other, err := w.beside(ctx, admin)
	if err != nil {
		return out, err
	}
	db, err := store.Open(ctx, store.Config{URL: other.databaseURL, DataDir: filepath.Join(other.dir, "data")})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, delay := range []time.Duration{0, barProxiedDelay} {
		api.delay.Store(int64(delay))
		for _, n := range []int{1, barClients} {
			say("a provider that takes %s, %d clients, %d rounds of %g s for each side", delay, n, w.rounds, w.seconds)
			c, err := w.proxiedCell(ctx, n, product.URL+"/v1/proxy/"+w.original+"/v2/users/me", api.url+"/v2/users/me", db)
			if err != nil {
				return out, err
			}
			c.DelayMS = ms(delay)
			out.Cells = append(out.Cells, c)
		}
	}
	return out, nil
}

func (w *world) proxiedCell(ctx context.Context, n int, through, direct string, db *store.DB) (c proxiedCell, err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	defer transport.CloseIdleConnections()
	get := func(url string) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+w.key) // to the API any will do
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = answer(resp, false)
		return err
	}
	who := lanyard.Principal{Name: "bench", Project: lanyard.NewID[lanyard.ProjectID]("prj_"), Key: lanyard.NewID[lanyard.KeyID]("lyk_")}
	bare := func() error {
		if err := get(direct); err != nil {
			return err
		}
		e := lanyard.NewEntry(who, lanyard.ActProxyCalled)
		e.Connection, e.Detail = lanyard.ConnectionID(w.original), map[string]string{"provider": "zoom", "method": "GET", "path": "/v2/users/me", "status": "200", "sent": "0", "bytes": "2000"}
		return db.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil })
	}
	var a, b []proxiedSide
	for range w.rounds {
		r, err := w.timed(ctx, n, func() error { return get(through) })
		if err != nil {
			return c, fmt.Errorf("through the proxy: %w", err)
		}
		a = append(a, r)
		if r, err = w.timed(ctx, n, bare); err != nil {
			return c, fmt.Errorf("bare: %w", err)
		}
		b = append(b, r)
	}
	c = proxiedCell{Clients: n, Product: middleSide(a), Bare: middleSide(b)}
	c.Ratio = c.Product.P50 / c.Bare.P50
	return c, nil
}

// timed has n callers do something again and again for the time of a round.
func (w *world) timed(ctx context.Context, n int, do func() error) (s proxiedSide, err error) {
	length := time.Duration(w.seconds * float64(time.Second))
	from := time.Now().Add(warmUp)
	until := from.Add(length)
	took, failures := make([][]time.Duration, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for start := time.Now(); start.Before(until) && ctx.Err() == nil; start = time.Now() {
				if failures[i] = do(); failures[i] != nil {
					return
				}
				if end := time.Now(); !start.Before(from) && end.Before(until) {
					took[i] = append(took[i], end.Sub(start))
				}
			}
		})
	}
	all.Wait()
	times := slices.Concat(took...)
	if err := errors.Join(append(failures, ctx.Err())...); err != nil {
		return s, err
	}
	if len(times) == 0 {
		return s, errors.New("no call ended within the round")
	}
	slices.Sort(times)
	return proxiedSide{P50: ms(times[len(times)/2]), P99: ms(times[len(times)*99/100]), Rate: float64(len(times)) / length.Seconds()}, nil
}

func middleSide(rounds []proxiedSide) proxiedSide {
	return proxiedSide{
		P50:  middle(rounds, func(s proxiedSide) float64 { return s.P50 }),
		P99:  middle(rounds, func(s proxiedSide) float64 { return s.P99 }),
		Rate: middle(rounds, func(s proxiedSide) float64 { return s.Rate }),
	}
}

func (p proxied) missed() (out []string) {
	for _, c := range p.Cells {
		if c.DelayMS >= ms(barProxiedDelay) && c.Ratio > barProxied {
			out = append(out, fmt.Sprintf("%s: a call through the proxy at a provider of %.0f ms, %d clients: %.2f times the bare one and an append, not %.2f", p.Name, c.DelayMS, c.Clients, c.Ratio, barProxied))
		}
	}
	return out
}

func printProxied(out io.Writer, all []proxied) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "database\tprovider ms\tclients\tproxy p50 ms\tp99 ms\tcalls/s\tbare p50 ms\tp99 ms\tcalls/s\tratio\t")
	for _, p := range all {
		for _, c := range p.Cells {
			fmt.Fprintf(t, "%s\t%.0f\t%d\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t\n", p.Name, c.DelayMS, c.Clients, c.Product.P50, c.Product.P99, c.Product.Rate,
				c.Bare.P50, c.Bare.P99, c.Bare.Rate, c.Ratio)
		}
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	fmt.Fprintln(out)
}
