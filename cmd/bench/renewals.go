package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"lanyard/internal/sandbox"
)

// renewing is the world of one side: a database and its own provider.
type renewing struct {
	name     string
	world    *world // of the product, or of its twin
	provider *renewProvider
	start    func(ctx context.Context, flight int) (*process, error)
}

// renewals measures both sides on one database, in turn.
func (w *world) renewals(ctx context.Context, admin string, say func(string, ...any)) (out renewals, err error) {
	out.Name = w.name()
	sides, err := w.renewingSides(ctx, admin, say)
	if err != nil {
		return out, err
	}
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.provider.close())
		}
	}()
	for _, delay := range slices.Sorted(maps.Keys(w.flights)) {
		flight := w.flights[delay]
		say("a provider that takes %s, %d renewals at once, %d rounds of %g s for each side", delay, flight, w.rounds, w.seconds)
		c := renewCell{DelayMS: ms(delay), Flight: flight}
		var rounds [2][]renewRound
		for range w.rounds {
			for i, s := range sides {
				s.provider.delay.Store(int64(delay))
				r, err := w.renewRound(ctx, s, flight)
				if err != nil {
					return out, fmt.Errorf("%s: %w", s.name, err)
				}
				rounds[i] = append(rounds[i], r)
			}
		}
		c.Product, c.Ceiling = renewMedians(rounds[0]), renewMedians(rounds[1])
		c.Ratio = c.Product.Renewals / c.Ceiling.Renewals
		out.Cells = append(out.Cells, c)
	}
	return out, nil
}

// renewingSides makes the database, its grants, and the twin.
func (w *world) renewingSides(ctx context.Context, admin string, say func(string, ...any)) ([]*renewing, error) {
	say("one connection by the whole journey, and %d grants that can be renewed", w.grants)
	if err := w.journey(ctx); err != nil {
		return nil, err
	}
	mine, err := startRenewProvider(ctx, w.grants)
	if err != nil {
		return nil, err
	}
	if err := w.ownFor(ctx, mine.url, w.grants); err != nil {
		return nil, err
	}
	theirs, err := startRenewProvider(ctx, w.grants)
	if err != nil {
		return nil, err
	}
	twin := *w
	if twin.databaseURL, twin.sqlite, err = w.twin(ctx, admin); err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the program instead
	return []*renewing{
		{"product", w, mine, func(ctx context.Context, flight int) (*process, error) {
			if err := w.allDue(ctx); err != nil {
				return nil, fmt.Errorf("make all due: %w", err)
			}
			return w.startRenewing(ctx, flight)
		}},
		{"ceiling", &twin, theirs, func(ctx context.Context, flight int) (*process, error) {
			return startChild(ctx, orders{Role: "renewals", DatabaseURL: twin.databaseURL, SQLite: twin.sqlite, Key: key, TokenURL: theirs.url,
				Flight: flight, Dir: w.dir, App: string(w.app), Besides: string(w.grant), FreshCalls: true})
		}},
	}, nil
}

// journey makes the original on the empty database.
func (w *world) journey(ctx context.Context) error {
	return w.withSandbox(ctx, func(base string, box *sandbox.Sandbox) error {
		_, err := w.first(ctx, base, box)
		return err
	})
}

// startRenewing starts the product with a schedule that waits for nothing but the
// number of renewals at once. One app gets a quarter of refresh_in_flight.
func (w *world) startRenewing(ctx context.Context, flight int) (*process, error) {
	o := w.productOrders()
	o.Settings["refresh_rate"] = "20000"
	o.Settings["refresh_in_flight"] = strconv.Itoa(4 * flight)
	if w.profile != "" {
		o.Profile = filepath.Join(w.profile, "renewals-"+w.name()+"-"+strconv.Itoa(flight))
	}
	return startChild(ctx, o)
}

// renewRound is one measured stretch of one side, from the start of its process to
// its planned stop. What the provider has answered must then be in the database.
func (w *world) renewRound(ctx context.Context, s *renewing, flight int) (r renewRound, err error) {
	p, err := s.start(ctx, flight)
	if err != nil {
		return r, err
	}
	open := true
	defer func() {
		if open {
			err = errors.Join(err, p.close())
		}
	}()
	begun := s.provider.answered.Load()
	for waited := time.Duration(0); s.provider.answered.Load() < begun+int64(flight); waited += time.Millisecond {
		if waited > 20*time.Second {
			return r, errors.New("nothing was renewed within 20 s")
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * warmUp)
	before, err := p.usage()
	if err != nil {
		return r, err
	}
	from, at := s.provider.answered.Load(), time.Now()
	time.Sleep(time.Duration(w.seconds * float64(time.Second)))
	n, took := s.provider.answered.Load()-from, time.Since(at)
	after, err := p.usage()
	if err != nil {
		return r, err
	}
	open = false
	if err := p.close(); err != nil {
		return r, err
	}
	if n == 0 {
		return r, errors.New("nothing was renewed in this round")
	}
	if refused := s.provider.refused.Load(); refused > 0 {
		return r, fmt.Errorf("%d refresh tokens were not the newest", refused)
	}
	if s.name == "product" && s.provider.answered.Load()-begun > int64(w.grants)*9/10 {
		return r, errors.New("the round took almost all grants; give it more with -grants")
	}
	stored, err := s.world.generations(ctx)
	if err == nil && stored != s.provider.answered.Load() {
		err = fmt.Errorf("the provider has renewed %d times, the database knows of %d", s.provider.answered.Load(), stored)
	}
	return renewRound{rate: float64(n) / took.Seconds(), cpu: (after.CPU - before.CPU) / time.Duration(n), resident: after.Resident}, err
}
