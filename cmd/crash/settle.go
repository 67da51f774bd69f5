package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"lanyard"
	"lanyard/client"
	"lanyard/wire"
)

// standing is how a connection stands at the end.
type standing struct {
	hold     *hold
	id       string
	first    string // status once everything was up again, before anybody asked for anything
	passed   bool   // it has renewed since, and the provider takes the token
	family   string // passed: of that token
	status   string // at the end
	reason   string
	attempts []wire.Attempt // not passed: the newest
}

// settle gives everybody time to recover, and examines every connection: it must
// renew once more. It takes as long as one is undecided, and no longer than allowed.
func (w *world) settle(ctx context.Context) ([]*standing, error) {
	for _, n := range w.all {
		if !n.running() {
			if err := n.start(ctx); err != nil {
				return nil, err
			}
		}
	}
	w.note("", "everything is well again")
	pause(ctx, 2*time.Second)
	api, err := w.all[0].ask(w.key)
	if err != nil {
		return nil, err
	}
	var out []*standing
	for _, h := range w.holds {
		if h.id == "" {
			continue // never got as far
		}
		c, err := api.GetConnection(ctx, h.id)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", h.id, err)
		}
		out = append(out, &standing{hold: h, id: h.id, first: c.Status})
	}
	w.note("", "exam")
	begin := time.Now()
	var all sync.WaitGroup
	queue := make(chan *standing)
	for range 6 {
		all.Go(func() {
			for st := range queue {
				w.examine(ctx, api, st, begin, begin.Add(w.options.settle))
			}
		})
	}
	var waiting sync.WaitGroup
	for _, st := range out { // one that waits for its time must not keep others waiting
		waiting.Go(func() {
			for !st.over(w.options.settle, begin) && ctx.Err() == nil {
				queue <- st
				pause(ctx, time.Second)
			}
		})
	}
	waiting.Wait()
	close(queue)
	all.Wait()
	for _, st := range out {
		if !st.passed {
			if list, err := api.ListAttempts(ctx, st.id, client.Page{Limit: 12}); err == nil {
				st.attempts = list.Data
			}
		}
	}
	return out, ctx.Err()
}

func (st *standing) over(most time.Duration, begin time.Time) bool {
	st.hold.mu.Lock() // one worker has it at a time; this is for what it wrote
	defer st.hold.mu.Unlock()
	return st.passed || st.status == string(lanyard.StatusNeedsReauth) || time.Since(begin) > most
}

// examine asks once for a token that is younger than the exam.
func (w *world) examine(ctx context.Context, api *client.Client, st *standing, begin, until time.Time) {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	st.hold.mu.Lock()
	defer st.hold.mu.Unlock()
	t, err := api.GetToken(ctx, st.id, wire.TokenRequest{MinTTLSeconds: accessTTL - 1})
	if err == nil {
		if e, ok := w.book.issued(t.Fingerprint); ok && e.Time.After(begin) && w.works(ctx, st.hold.class, t.AccessToken) {
			st.passed, st.family = true, e.Family
		}
	}
	if c, err := api.GetConnection(ctx, st.id); err == nil {
		st.status, st.reason = c.Status, c.Reason
	}
	if st.passed || errors.Is(err, lanyard.Reconnect) || time.Now().After(until) {
		return
	}
}

// works says whether the provider takes an access token.
func (w *world) works(ctx context.Context, c class, token string) bool {
	i := slices.IndexFunc(w.providers, func(p *issuer) bool { return p.class == c })
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.providers[i].url+"/oidc/userinfo", nil)
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := plain.Do(r)
	return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}
