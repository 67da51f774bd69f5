package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

// tellFor is how long what is left over may take to be told: the lease of whoever
// died has to end first.
const tellFor = 3 * time.Minute

// killWhileTelling kills a node with a message under way: every second time before
// the customer's server has answered, else within a few milliseconds of its answer,
// when that may not be written down yet.
func killWhileTelling(ctx context.Context, w *world) error {
	dice := w.dice(5)
	making, enough := context.WithCancel(ctx)
	var maker sync.WaitGroup
	maker.Go(func() { w.makeEvents(making) })
	defer func() { enough(); maker.Wait() }()
	for i := range w.strikes {
		pause(ctx, between(dice, 0, 300*time.Millisecond))
		answer := w.inbox.next(ctx, 30*time.Second)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case answer == nil:
			return errors.New("no event was told for 30 seconds")
		case i%2 == 1:
			close(answer)
			pause(ctx, between(dice, 0, 4*time.Millisecond))
		}
		err := w.kill(ctx, w.all[0])
		if i%2 == 0 {
			close(answer)
		}
		if err != nil {
			return err
		}
		w.progress(i + 1)
	}
	return nil
}

// told is what the customer was told, for the report.
type told struct {
	Events   int `json:"events"`   // that there are
	Messages int `json:"messages"` // that came
	Again    int `json:"again"`    // of which a second time and more
	LastMS   int `json:"last_ms"`  // from the end of the load until the last event had come
	Promised int `json:"promised"` // events of which the API had said that they are
	wrong    []string
}

// allTold waits until every event has been told, and says what is wrong.
func (w *world) allTold(ctx context.Context) (*told, error) {
	b := w.inbox
	api, err := w.all[0].ask(w.key)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for {
		events, err := client.All(ctx, func(ctx context.Context, p client.Page) (*wire.List[wire.Event], error) {
			return api.ListEvents(ctx, "", p)
		})
		if err != nil {
			return nil, fmt.Errorf("read the events: %w", err)
		}
		t := b.compare(events)
		t.LastMS = int(time.Since(began).Milliseconds())
		if len(t.wrong) == 0 || time.Since(began) > tellFor || ctx.Err() != nil {
			return t, ctx.Err()
		}
		pause(ctx, time.Second)
	}
}

// compare holds what came against what happened.
func (b *inbox) compare(events []wire.Event) *told {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &told{Events: len(events), Promised: len(b.acked)}
	wrong := func(format string, args ...any) { t.wrong = append(t.wrong, fmt.Sprintf(format, args...)) }
	is, paused := map[string]bool{}, map[string]int{}
	for _, e := range events {
		is[e.ID] = true
		if e.Type == "connection.paused" || e.Data["status"] == string(lanyard.StatusPaused) {
			paused[e.ConnectionID]++
		}
		if b.letters[e.ID] == nil {
			wrong("the event %s (%s, of %s) never came", e.ID, e.Type, clock(e.At))
		}
	}
	for id, l := range b.letters {
		t.Messages += l.times
		t.Again += l.times - 1
		if !is[id] {
			wrong("a message came under the id %s, which is no event", id)
		}
		if l.other != "" {
			wrong("two messages have the id %s: %s and %s", id, l.body, l.other)
		}
	}
	for _, id := range b.acked {
		if !is[id] {
			wrong("the API answered with the event %s, which is not there", id)
		}
	}
	for id, n := range b.paused {
		if paused[id] < n {
			wrong("%s was paused %d times, and there are %d events of it", id, n, paused[id])
		}
	}
	for _, id := range b.forged {
		wrong("the message %s is not signed by our key", id)
	}
	slices.Sort(t.wrong)
	return t
}
