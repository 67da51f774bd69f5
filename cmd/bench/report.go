package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// The bars.
const (
	barClients = 32
	barRatio   = 0.5
	barP99     = 3.0
	barStartMS = 100
)

type report struct {
	Machine   string     `json:"machine"`
	Started   time.Time  `json:"started"`
	Databases []database `json:"databases,omitempty"`
	Renewals  []renewals `json:"renewals,omitempty"`
	Million   []million  `json:"million,omitempty"`
	Proxy     []proxied  `json:"proxy,omitempty"`
}

type database struct {
	Name     string  `json:"name"`
	Expired  expired `json:"expired"`
	Start    start   `json:"start"`
	Cells    []cell  `json:"cells"`
	MemoryMB float64 `json:"memory_mb"` // of the product, after the load
}

// expired is what many reads of one expired token did.
type expired struct {
	Reads         int           `json:"reads"`
	ProviderCalls int           `json:"provider_calls"` // by the provider's own ledger
	Tokens        int           `json:"tokens"`         // different ones that were answered
	Took          time.Duration `json:"took_ns"`
}

type start struct {
	MedianMS float64 `json:"median_ms"`
	WorstMS  float64 `json:"worst_ms"`
	MemoryMB float64 `json:"memory_mb"`
}

type cell struct {
	Clients  int     `json:"clients"`
	Product  side    `json:"product"`
	Ceiling  side    `json:"ceiling"`
	Ratio    float64 `json:"ratio"`     // of reads per second
	P99Ratio float64 `json:"p99_ratio"` // product to ceiling
}

type side struct {
	Reads float64 `json:"reads_per_second"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	CPU   float64 `json:"server_cpu_us"` // of the server's process, per read
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// medians takes each figure's median by itself.
func medians(rounds []round) side {
	return side{
		Reads: middle(rounds, func(r round) float64 { return r.rate }),
		P50:   middle(rounds, func(r round) float64 { return ms(r.p50) }),
		P99:   middle(rounds, func(r round) float64 { return ms(r.p99) }),
		CPU:   middle(rounds, func(r round) float64 { return float64(r.cpu.Nanoseconds()) / 1000 }),
	}
}

// middle is the median of a figure of some rounds.
func middle[R any](rounds []R, of func(R) float64) float64 {
	v := make([]float64, len(rounds))
	for i, r := range rounds {
		v[i] = of(r)
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// missed lists the bars that were not reached.
func (r report) missed() (out []string) {
	for _, d := range r.Databases {
		miss := func(format string, a ...any) { out = append(out, d.Name+": "+fmt.Sprintf(format, a...)) }
		if d.Expired.ProviderCalls != 1 || d.Expired.Tokens != 1 {
			miss("%d reads of an expired token made %d calls and answered %d tokens", d.Expired.Reads, d.Expired.ProviderCalls, d.Expired.Tokens)
		}
		if d.Name == "sqlite" && d.Start.MedianMS > barStartMS {
			miss("ready after %.0f ms, not %d", d.Start.MedianMS, barStartMS)
		}
		for _, c := range d.Cells {
			if c.Clients == barClients && c.Ratio < barRatio {
				miss("%.2f of the ceiling, not %.2f", c.Ratio, barRatio)
			}
			if c.Clients == barClients && c.P99Ratio > barP99 {
				miss("p99 %.1f times the ceiling's, not %.1f", c.P99Ratio, barP99)
			}
		}
	}
	for _, d := range r.Renewals {
		out = append(out, d.missed()...)
	}
	for _, d := range r.Million {
		out = append(out, d.missed()...)
	}
	for _, d := range r.Proxy {
		out = append(out, d.missed()...)
	}
	return out
}

func (r report) print(out io.Writer) {
	fmt.Fprintf(out, "%s, %s\n\n", r.Started.Format(time.RFC3339), r.Machine)
	if len(r.Databases) > 0 {
		r.printReads(out)
	}
	if len(r.Renewals) > 0 {
		printRenewals(out, r.Renewals)
	}
	for _, d := range r.Million {
		d.print(out)
	}
	if len(r.Proxy) > 0 {
		printProxied(out, r.Proxy)
	}
}

func (r report) printReads(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "database\tclients\treads/s\tp50 ms\tp99 ms\tCPU µs\tceiling/s\tp50 ms\tp99 ms\tCPU µs\tratio\tp99 ratio\t")
	for _, d := range r.Databases {
		for _, c := range d.Cells {
			fmt.Fprintf(t, "%s\t%d\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t\n", d.Name, c.Clients,
				c.Product.Reads, c.Product.P50, c.Product.P99, c.Product.CPU, c.Ceiling.Reads, c.Ceiling.P50, c.Ceiling.P99, c.Ceiling.CPU, c.Ratio, c.P99Ratio)
		}
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	fmt.Fprintln(out)
	for _, d := range r.Databases {
		fmt.Fprintf(out, "%s: %d reads at once of one expired token: %d provider call, %d token, %.0f ms; start to ready %.0f ms (worst %.0f) with %.0f MB; memory after the load %.0f MB\n",
			d.Name, d.Expired.Reads, d.Expired.ProviderCalls, d.Expired.Tokens, ms(d.Expired.Took), d.Start.MedianMS, d.Start.WorstMS, d.Start.MemoryMB, d.MemoryMB)
	}
}

// machine says what it was measured on.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}
