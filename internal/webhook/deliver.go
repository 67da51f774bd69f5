package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

const (
	lookEvery = 400 * time.Millisecond
	handSome  = 200 // events in one transaction

	underWay     = 256              // tries from one process
	underWayEach = 8                // of them to one endpoint
	leaseFor     = 45 * time.Second // longer than a try takes; what a node that died had under way waits for it
	keepFor      = 30 * 24 * time.Hour
)

// Tasks are what delivering needs done in the background, by true time.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{
		{Name: "webhook.deliver", Every: lookEvery, Run: s.deliver},
		{Name: "webhook.purge", Every: time.Hour, Run: s.purge},
	}
}

// deliver works until ctx ends and its last try has.
func (s *Service) deliver(ctx context.Context) error {
	defer s.trying.Wait()
	failed := false
	pause := time.NewTicker(lookEvery)
	defer pause.Stop()
	for {
		err := s.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failed:
			s.Logger.LogAttrs(ctx, slog.LevelError, "events cannot be delivered; they wait", slog.String("error", err.Error()))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		case <-s.freed:
			if failed {
				<-pause.C
			}
		}
	}
}

// look hands new events out and begins as many tries as there is room for.
func (s *Service) look(ctx context.Context) error {
	if s.Hold() != nil {
		return nil
	}
	for {
		n, err := s.hand(ctx)
		if err != nil {
			return fmt.Errorf("hand events out: %w", err)
		}
		if n < handSome {
			break
		}
	}
	var due []lanyard.Endpoint
	err := s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err == nil {
			due, err = q.DueEndpoints(now)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("find what is due: %w", err)
	}
	slices.SortStableFunc(due, func(a, b lanyard.Endpoint) int { return s.load(a) - s.load(b) })
	for _, e := range due {
		if err := s.begin(ctx, e); err != nil {
			return fmt.Errorf("claim deliveries: %w", err)
		}
	}
	return nil
}

// hand makes deliveries of new events, and says how many events there were. An
// endpoint is told of what happened after it was made.
func (s *Service) hand(ctx context.Context) (int, error) {
	var events []lanyard.Event
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		events, err = q.WaitingEvents(handSome)
		return err
	})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return len(events), s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		endpoints := map[lanyard.ProjectID][]lanyard.Endpoint{}
		for _, ev := range events {
			mine, err := tx.HandEvent(ev.ID)
			if err != nil {
				return err
			}
			if !mine { // another node was faster
				continue
			}
			list, known := endpoints[ev.Project]
			if !known {
				if list, err = tx.EnabledEndpoints(ev.Project); err != nil {
					return err
				}
				endpoints[ev.Project] = list
			}
			hear, err := listeners(&tx.Query, ev, list)
			if err != nil {
				return err
			}
			for _, e := range hear {
				if ev.At.Before(e.CreatedAt) || !told(e, ev) {
					continue
				}
				if _, err := tx.AddDelivery(lanyard.Delivery{Project: ev.Project, Endpoint: e.ID, Event: ev.ID, Type: ev.Type}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// begin claims what is due at an endpoint, as far as there is room, and tries it. An
// endpoint that is failing gets one try at a time.
func (s *Service) begin(ctx context.Context, e lanyard.Endpoint) error {
	most := underWayEach
	if !e.FailingSince.IsZero() {
		most = 1
	}
	s.mu.Lock()
	room := min(most-s.busy[e.ID], underWay-s.all)
	s.mu.Unlock()
	if room <= 0 {
		return nil
	}
	var claimed []lanyard.Delivery
	err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
		claimed, err = tx.ClaimDeliveries(e.ID, tx.Now().Add(leaseFor), room)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range claimed {
		s.count(e.ID, 1)
		s.trying.Go(func() {
			defer s.count(e.ID, -1)
			defer s.caught(d)
			s.try(ctx, e, d)
		})
	}
	return nil
}

func (s *Service) load(e lanyard.Endpoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy[e.ID]
}

func (s *Service) count(id lanyard.EndpointID, n int) {
	s.mu.Lock()
	s.all += n
	if s.busy[id] += n; s.busy[id] == 0 {
		delete(s.busy, id)
	}
	s.mu.Unlock()
	if n < 0 {
		select {
		case s.freed <- struct{}{}:
		default:
		}
	}
}

// caught keeps a bug in one try from ending the process; the lease ends by itself.
func (s *Service) caught(d lanyard.Delivery) {
	v := recover()
	if v == nil {
		return
	}
	what := fmt.Sprintf("%T", v) // the value may be anything, a secret too
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	s.Logger.Error("panic in a delivery; it will be tried again", "delivery", d.ID, "panic", what)
}

// purge forgets deliveries of a month ago, and secrets whose time is over; and lets the
// endpoints of bots rest that are over.
func (s *Service) purge(ctx context.Context) error {
	for {
		n := 0
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
			if n, err = tx.PurgeDeliveries(tx.Now().Add(-keepFor), 1000); err != nil {
				return err
			}
			if err = tx.RestEndpoints(tx.Now().Add(-time.Hour)); err != nil {
				return err
			}
			return tx.DropOldSecrets()
		})
		if err != nil || n < 1000 {
			return err
		}
	}
}
