package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"lanyard"
	"lanyard/internal/sandbox"
	"lanyard/internal/store"
)

// barMinted is how much longer minting a join token may take than the provider's call and
// a durable append: the median, at a provider as far away as providers are.
const (
	barMinted      = 1.5
	barMintedDelay = 20 * time.Millisecond
)

// mintNumber is the meeting that tokens are minted for.
const mintNumber = "81234567890"

// minted is what was measured on one database.
type minted struct {
	Name  string       `json:"name"`
	Cells []mintedCell `json:"cells"`
}

type mintedCell struct {
	How     string      `json:"how"`         // "api": POST /v1/join-tokens; "url": a token URL
	DelayMS float64     `json:"provider_ms"` // the provider answers after
	Clients int         `json:"clients"`
	Product proxiedSide `json:"product"`
	Bare    proxiedSide `json:"bare"`
	Ratio   float64     `json:"ratio"` // of the medians
}

// minted measures what minting a join token costs.
func (w *world) minted(ctx context.Context, admin string, say func(string, ...any)) (out minted, err error) {
	out.Name = w.name()
	answer := []byte(`{"token":"bench_onbehalf_` + strings.Repeat("A1b2", 75) + `"}`)
	api, err := startCallee(ctx, answer, func(r *http.Request) bool { return r.URL.Query().Get("meeting_id") == mintNumber })
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
	o := w.productOrders()
	o.Settings["join_token_rate"] = "100000" // all are of one account
	product, err := startChild(ctx, o)
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
	address, err := w.tokenURL(ctx, product.URL)
	if err != nil {
		return out, err
	}
	body := fmt.Sprintf(`{"connection_id":%q,"meeting_number":%q,"types":["onbehalf"]}`, w.original, mintNumber)
	for _, how := range []mintCall{{"api", http.MethodPost, product.URL + "/v1/join-tokens", body}, {"url", http.MethodGet, address + "?meeting_number=" + mintNumber, ""}} {
		for _, delay := range []time.Duration{0, barMintedDelay} {
			api.delay.Store(int64(delay))
			for _, n := range []int{1, barClients} {
				if how.how == "url" && (n > 1 || delay == 0) {
					continue // one URL is let be called fifty times a second
				}
				say("%s, a provider that takes %s, %d clients, %d rounds of %g s for each side", how.how, delay, n, w.rounds, w.seconds)
				c, err := w.mintedCell(ctx, n, how, api.url, db)
				if err != nil {
					return out, err
				}
				c.DelayMS = ms(delay)
				out.Cells = append(out.Cells, c)
			}
		}
	}
	return out, nil
}

// tokenURL makes one on behalf of the original connection.
func (w *world) tokenURL(ctx context.Context, server string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/v1/token-urls",
		strings.NewReader(fmt.Sprintf(`{"types":["onbehalf"],"candidates":[{"connection_id":%q}]}`, w.original)))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var made struct {
		URL string `json:"url"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.URL == "" {
		return "", fmt.Errorf("make a token URL: %d %w", resp.StatusCode, err)
	}
	return made.URL, nil
}

// mintCall is a way to ask for a token.
type mintCall struct{ how, method, address, body string }

func (w *world) mintedCell(ctx context.Context, n int, how mintCall, api string, db *store.DB) (c mintedCell, err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	defer transport.CloseIdleConnections()
	call := func(method, address, body string) error {
		r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		if body == "" {
			r.Body, r.ContentLength = http.NoBody, 0
		}
		r.Header.Set("Authorization", "Bearer "+w.key) // to the API any will do
		r.Header.Set("Content-Type", "application/json")
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = answer(resp, false)
		return err
	}
	who := lanyard.Principal{Name: "bench", Project: lanyard.NewID[lanyard.ProjectID]("prj_"), Key: lanyard.NewID[lanyard.KeyID]("lyk_")}
	bare := func() error {
		if err := call(http.MethodGet, api+"/v2/users/me/token?type=onbehalf&meeting_id="+mintNumber, ""); err != nil {
			return err
		}
		e := lanyard.NewEntry(who, lanyard.ActJoinTokenMinted)
		e.Connection, e.Detail = lanyard.ConnectionID(w.original), map[string]string{"provider": "zoom", "type": "onbehalf", "meeting_number": mintNumber}
		return db.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil })
	}
	var a, b []proxiedSide
	for range w.rounds {
		r, err := w.timed(ctx, n, func() error { return call(how.method, how.address, how.body) })
		if err != nil {
			return c, fmt.Errorf("mint by %s: %w", how.how, err)
		}
		a = append(a, r)
		if r, err = w.timed(ctx, n, bare); err != nil {
			return c, fmt.Errorf("bare: %w", err)
		}
		b = append(b, r)
	}
	c = mintedCell{How: how.how, Clients: n, Product: middleSide(a), Bare: middleSide(b)}
	c.Ratio = c.Product.P50 / c.Bare.P50
	return c, nil
}

func (m minted) missed() (out []string) {
	for _, c := range m.Cells {
		if c.DelayMS >= ms(barMintedDelay) && c.Ratio > barMinted {
			out = append(out, fmt.Sprintf("%s: a join token by %s at a provider of %.0f ms, %d clients: %.2f times the provider's call and an append, not %.2f", m.Name, c.How, c.DelayMS, c.Clients, c.Ratio, barMinted))
		}
	}
	return out
}

func printMinted(out io.Writer, all []minted) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "database\thow\tprovider ms\tclients\tmint p50 ms\tp99 ms\ttokens/s\tbare p50 ms\tp99 ms\tcalls/s\tratio\t")
	for _, m := range all {
		for _, c := range m.Cells {
			fmt.Fprintf(t, "%s\t%s\t%.0f\t%d\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t\n", m.Name, c.How, c.DelayMS, c.Clients, c.Product.P50, c.Product.P99, c.Product.Rate,
				c.Bare.P50, c.Bare.P99, c.Bare.Rate, c.Ratio)
		}
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	fmt.Fprintln(out)
}
