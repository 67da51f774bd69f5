package main

import (
	"fmt"
	"io"
)

// The bars for very many grants.
const (
	barPickMS   = 5
	barMemoryMB = 300
	barReadyMS  = 3000
	barSlower   = 1.2 // p99 of token reads, of that on a small database
)

// million is a database of very many grants.
type million struct {
	Name       string  `json:"name"`
	Grants     int     `json:"grants"`
	MadeIn     float64 `json:"made_in_s"`
	DatabaseMB float64 `json:"database_mb"`
	Pick       float64 `json:"pick_median_ms"` // which apps are due, and what of one of them
	PickWorst  float64 `json:"pick_worst_ms"`
	Start      start   `json:"start"`
	MemoryMB   float64 `json:"memory_mb"` // of the product, after the load
	Many       side    `json:"reads"`
	Few        side    `json:"reads_of_a_small_database"`
	P99Ratio   float64 `json:"p99_ratio"`
}

func (m million) missed() (out []string) {
	miss := func(format string, a ...any) {
		out = append(out, fmt.Sprintf("%s, %d grants: ", m.Name, m.Grants)+fmt.Sprintf(format, a...))
	}
	if m.Pick > barPickMS {
		miss("a pick of what is due takes %.1f ms, not %d", m.Pick, barPickMS)
	}
	if most := max(m.MemoryMB, m.Start.MemoryMB); most > barMemoryMB {
		miss("%.0f MB of memory, not %d", most, barMemoryMB)
	}
	if m.Start.MedianMS > barReadyMS {
		miss("ready after %.0f ms, not %d", m.Start.MedianMS, barReadyMS)
	}
	if m.P99Ratio > barSlower {
		miss("p99 of reads is %.2f of that of a small database, not %.2f", m.P99Ratio, barSlower)
	}
	return out
}

func (m million) print(out io.Writer) {
	fmt.Fprintf(out, "%s with %d grants (%.0f MB, made in %.0f s): a pick of what is due %.2f ms (worst %.2f); start to ready %.0f ms (worst %.0f) with %.0f MB; memory after the load %.0f MB; "+
		"reads %.0f/s, p50 %.2f ms, p99 %.2f ms; of a small database %.0f/s, p50 %.2f ms, p99 %.2f ms; p99 ratio %.2f\n", m.Name, m.Grants, m.DatabaseMB, m.MadeIn, m.Pick, m.PickWorst,
		m.Start.MedianMS, m.Start.WorstMS, m.Start.MemoryMB, m.MemoryMB, m.Many.Reads, m.Many.P50, m.Many.P99, m.Few.Reads, m.Few.P50, m.Few.P99, m.P99Ratio)
}
