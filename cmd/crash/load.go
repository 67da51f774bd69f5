package main

import (
	"context"
	"errors"
	"math/rand/v2" //nolint:depguard // a run is repeated from its seed; nothing secret comes from it
	"sync"
	"time"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

// load is the customers, until end.
type load struct {
	w    *world
	stop context.CancelFunc
	all  sync.WaitGroup
}

// startLoad begins to ask for tokens, to report and to force renewals, to connect
// people and to mend what died.
func (w *world) startLoad(ctx context.Context) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{w: w, stop: stop}
	for i := range w.workers {
		dice := w.dice(uint64(100 + i))
		l.all.Go(func() {
			for ctx.Err() == nil {
				l.once(ctx, dice)
				pause(ctx, between(dice, time.Millisecond, 20*time.Millisecond))
			}
		})
	}
	if !w.scenario.settled {
		l.all.Go(func() { l.newcomers(ctx, w.dice(99)) })
	}
	return l
}

func (l *load) end() {
	l.stop()
	l.all.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// once asks one thing about one connection of one node.
func (l *load) once(ctx context.Context, dice *rand.Rand) {
	w := l.w
	w.mu.Lock()
	h := w.holds[dice.IntN(len(w.holds))]
	w.mu.Unlock()
	n := w.all[dice.IntN(len(w.all))]
	what := dice.IntN(100)
	api, err := n.ask(w.key)
	h.mu.Lock()
	id, token := h.id, h.token
	h.mu.Unlock()
	if err != nil || id == "" {
		return
	}
	ctx, stop := context.WithTimeout(ctx, 15*time.Second)
	defer stop()
	switch {
	case what < 60:
		err = w.read(ctx, api, h, id, w.ttl()-1)
	case what < 80:
		err = w.read(ctx, api, h, id, 0)
	case what < 88 && token != "":
		_, err = api.ReportToken(ctx, id, wire.TokenReport{Fingerprint: token, Status: 401})
	case what < 96 && token != "":
		_, err = api.RefreshConnection(ctx, id, wire.ForcedRefresh{Fingerprint: token})
	default:
		err = w.look(ctx, api, h, id)
	}
	if errors.Is(err, lanyard.Reconnect) {
		_ = w.look(ctx, api, h, id) // it may be unreachable by now; the next one sees it
	}
	if errors.Is(err, client.ErrUnreachable) {
		pause(ctx, 30*time.Millisecond)
	}
}

// read reads the access token of a connection.
func (w *world) read(ctx context.Context, api *client.Client, h *hold, id string, minTTL int) error {
	t, err := api.GetToken(ctx, id, wire.TokenRequest{MinTTLSeconds: minTTL})
	if err != nil {
		return err
	}
	w.book.hand(t.Fingerprint)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.token = t.Fingerprint
	return nil
}

// look reads a connection's status; one that is dead is noted, and its person
// connects again.
func (w *world) look(ctx context.Context, api *client.Client, h *hold, id string) error {
	asked := time.Now()
	c, err := api.GetConnection(ctx, id)
	if err != nil || c.Status != string(lanyard.StatusNeedsReauth) {
		return err
	}
	if !h.takes(asked, c.Reason) {
		return nil
	}
	defer h.release()
	w.note(h.person, "is dead: %s", c.Reason)
	if err = w.reconnect(ctx, api, h, id); err != nil {
		w.note(h.person, "connects again: %v", err)
	} else {
		w.note(h.person, "has connected again")
	}
	return err
}

// takes notes that a connection was dead at a moment, unless that is known, and says
// whether its person is free to mend it.
func (h *hold) takes(at time.Time, reason string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy || at.Before(h.mended) {
		return false
	}
	if !h.dead {
		h.dead = true
		h.deaths = append(h.deaths, death{at, reason, "seen"})
	}
	h.busy = true
	return true
}

func (h *hold) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = false
}

// newcomers connect under load, one after the other.
func (l *load) newcomers(ctx context.Context, dice *rand.Rand) {
	w := l.w
	for n := len(classes)*w.grants + 1; n <= len(classes)*w.grants+newcomers && ctx.Err() == nil; n++ {
		h := w.newHold(classes[dice.IntN(len(classes))], n)
		for ctx.Err() == nil {
			api, err := w.all[dice.IntN(len(w.all))].ask(w.key)
			if err == nil {
				one, stop := context.WithTimeout(ctx, 15*time.Second)
				err = w.connect(one, api, h)
				stop()
			}
			if err == nil {
				break
			}
			pause(ctx, 200*time.Millisecond)
		}
		pause(ctx, between(dice, time.Second, 3*time.Second))
	}
}
