package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// barRenewals is how much of the ceiling renewals are to reach.
const barRenewals = 0.6

// renewals is what was measured on one database.
type renewals struct {
	Name  string      `json:"name"`
	Cells []renewCell `json:"cells"`
}

type renewCell struct {
	DelayMS float64   `json:"provider_ms"` // the provider answers after
	Flight  int       `json:"in_flight"`   // renewals at once, of both sides
	Product renewSide `json:"product"`
	Ceiling renewSide `json:"ceiling"`
	Ratio   float64   `json:"ratio"`
}

type renewSide struct {
	Renewals float64   `json:"renewals_per_second"`
	Rounds   []float64 `json:"rounds"`
	CPU      float64   `json:"cpu_us"` // of the process, per renewal
	MemoryMB float64   `json:"memory_mb"`
}

type renewRound struct {
	rate     float64
	cpu      time.Duration
	resident int64
}

func renewMedians(rounds []renewRound) (s renewSide) {
	s = renewSide{
		Renewals: middle(rounds, func(r renewRound) float64 { return r.rate }),
		CPU:      middle(rounds, func(r renewRound) float64 { return float64(r.cpu.Nanoseconds()) / 1000 }),
		MemoryMB: middle(rounds, func(r renewRound) float64 { return float64(r.resident) / (1 << 20) }),
	}
	for _, r := range rounds {
		s.Rounds = append(s.Rounds, r.rate)
	}
	return s
}

func (r renewals) missed() (out []string) {
	for _, c := range r.Cells {
		if c.Ratio < barRenewals {
			out = append(out, fmt.Sprintf("%s: renewals at a provider of %.0f ms: %.2f of the ceiling, not %.2f", r.Name, c.DelayMS, c.Ratio, barRenewals))
		}
	}
	return out
}

func printRenewals(out io.Writer, all []renewals) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "database\tprovider ms\tin flight\trenewals/s\tCPU µs\tMB\tceiling/s\tCPU µs\tratio\trounds\t")
	for _, r := range all {
		for _, c := range r.Cells {
			fmt.Fprintf(t, "%s\t%.0f\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.0f / %.0f\t\n", r.Name, c.DelayMS, c.Flight,
				c.Product.Renewals, c.Product.CPU, c.Product.MemoryMB, c.Ceiling.Renewals, c.Ceiling.CPU, c.Ratio, c.Product.Rounds, c.Ceiling.Rounds)
		}
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	fmt.Fprintln(out)
}
