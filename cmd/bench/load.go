package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	warmUp       = 500 * time.Millisecond // of each round, not counted
	expiredReads = 500
)

// round is one measured stretch.
type round struct {
	rate     float64 // reads per second
	p50, p99 time.Duration
	cpu      time.Duration // of the server, per read
}

// round reads with n clients for the time of a round. Client i begins elsewhere
// than client j, and all go through every connection.
func (w *world) round(ctx context.Context, p *process, n int) (r round, err error) {
	clients, hangUp, err := w.clients(ctx, p.URL, w.ids, n)
	if err != nil {
		return r, err
	}
	defer hangUp()
	length := time.Duration(w.seconds * float64(time.Second))
	from := time.Now().Add(warmUp)
	until := from.Add(length)
	took := make([][]time.Duration, n)
	failures := make([]error, n)
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			mine := make([]time.Duration, 0, 1<<14)
			for next := i * len(w.ids) / n; ctx.Err() == nil; next++ {
				start := time.Now()
				if !start.Before(until) {
					break
				}
				if _, err := c.read(ctx, next%len(w.ids), false); err != nil {
					failures[i] = err
					return
				}
				if end := time.Now(); !start.Before(from) && end.Before(until) {
					mine = append(mine, end.Sub(start))
				}
			}
			took[i] = mine
		})
	}
	time.Sleep(time.Until(from))
	before, err := p.usage()
	all.Wait()
	after, err2 := p.usage()
	if err := errors.Join(append(failures, err, err2, ctx.Err())...); err != nil {
		return r, err
	}
	times := slices.Concat(took...)
	if len(times) == 0 {
		return r, errors.New("no read ended within the round")
	}
	slices.Sort(times)
	r.rate = float64(len(times)) / length.Seconds()
	r.p50, r.p99 = times[len(times)/2], times[len(times)*99/100]
	r.cpu = (after.CPU - before.CPU) / time.Duration(len(times))
	return r, nil
}

// cell measures both sides with n clients, in turn.
func (w *world) cell(ctx context.Context, n int, product, ceiling *process) (c cell, err error) {
	var a, b []round
	for range w.rounds {
		r, err := w.round(ctx, product, n)
		if err != nil {
			return c, fmt.Errorf("product: %w", err)
		}
		a = append(a, r)
		if r, err = w.round(ctx, ceiling, n); err != nil {
			return c, fmt.Errorf("ceiling: %w", err)
		}
		b = append(b, r)
	}
	c = cell{Clients: n, Product: medians(a), Ceiling: medians(b)}
	c.Ratio, c.P99Ratio = c.Product.Reads/c.Ceiling.Reads, c.Product.P99/c.Ceiling.P99
	return c, nil
}

// readAtOnce reads the original connection's token n times at the same moment.
func (w *world) readAtOnce(ctx context.Context, p *process, n int) (took time.Duration, tokens int, err error) {
	clients, hangUp, err := w.clients(ctx, p.URL, []string{w.original}, n)
	if err != nil {
		return 0, 0, err
	}
	defer hangUp()
	var all sync.WaitGroup
	answers, failures := make([]string, n), make([]error, n)
	start := time.Now()
	for i, c := range clients {
		all.Go(func() {
			var t struct {
				AccessToken string `json:"access_token"`
			}
			body, err := c.read(ctx, 0, true)
			if err == nil {
				err = json.Unmarshal(body, &t)
			}
			answers[i], failures[i] = t.AccessToken, err
		})
	}
	all.Wait()
	took = time.Since(start)
	slices.Sort(answers)
	return took, len(slices.Compact(answers)), errors.Join(failures...)
}
