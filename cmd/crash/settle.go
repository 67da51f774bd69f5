package main

import (
	"context"
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
	refused  string         // why it was not renewed, the last time that it was asked
	attempts []wire.Attempt // newest first
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
				w.examine(ctx, api, st, begin)
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
	if err := w.deathNotices(ctx, api); err != nil {
		return nil, fmt.Errorf("read the events: %w", err)
	}
	for _, st := range out {
		list, err := client.All(ctx, func(ctx context.Context, p client.Page) (*wire.List[wire.Attempt], error) {
			return api.ListAttempts(ctx, st.id, p)
		})
		if err != nil {
			return nil, fmt.Errorf("list the attempts of %s: %w", st.id, err)
		}
		st.attempts = list
	}
	return out, ctx.Err()
}

// deathNotices adds the deaths that customers were told of and that were over before
// anybody looked.
func (w *world) deathNotices(ctx context.Context, api *client.Client) error {
	if w.scenario.name == "clock" {
		return nil // their times are wrong on purpose
	}
	events, err := client.All(ctx, func(ctx context.Context, p client.Page) (*wire.List[wire.Event], error) {
		return api.ListEvents(ctx, string(lanyard.EventNeedsReauth), p)
	})
	if err != nil {
		return err
	}
	for _, h := range w.holds {
		for _, e := range events {
			if e.ConnectionID == h.id && h.id != "" {
				h.deaths = append(h.deaths, death{e.At, e.Data["reason"], byEvent})
			}
		}
		slices.SortFunc(h.deaths, func(a, b death) int { return a.at.Compare(b.at) })
	}
	return nil
}

func (st *standing) over(most time.Duration, begin time.Time) bool {
	st.hold.mu.Lock() // one worker has it at a time; this is for what it wrote
	defer st.hold.mu.Unlock()
	return st.passed || st.status == string(lanyard.StatusNeedsReauth) || time.Since(begin) > most
}

// examine asks once for a token that is younger than the exam, and has the one that
// there is renewed.
func (w *world) examine(ctx context.Context, api *client.Client, st *standing, begin time.Time) {
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	st.hold.mu.Lock()
	defer st.hold.mu.Unlock()
	st.refused = w.renewed(ctx, api, st, begin)
	if c, err := api.GetConnection(ctx, st.id); err == nil {
		st.status, st.reason = c.Status, c.Reason
	}
}

// renewed says why a connection has not passed.
func (w *world) renewed(ctx context.Context, api *client.Client, st *standing, begin time.Time) (why string) {
	t, err := api.GetToken(ctx, st.id, wire.TokenRequest{MinTTLSeconds: w.ttl() - 1})
	if err != nil {
		return err.Error()
	}
	e, ok := w.book.issued(t.Fingerprint)
	switch {
	case ok && e.Time.After(begin) && w.works(ctx, st.hold.class, t.AccessToken):
		st.passed, st.family = true, e.Family
		return ""
	case t.Warning != "":
		return "the old token, with the warning " + t.Warning
	}
	if _, err = api.RefreshConnection(ctx, st.id, wire.ForcedRefresh{Fingerprint: t.Fingerprint}); err != nil {
		return err.Error()
	}
	return "renewed; the next look says"
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
