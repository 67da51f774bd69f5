package simtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/store"
)

// same says whether p is still the process that is alive: what another one still
// does, nobody hears.
func (w *world) same(p *process) bool { return p != nil && w.live() == p }

// read is the customer's backend that wants a token.
func (w *world) read(who *person) (took time.Duration, err error) {
	p := w.live()
	if p == nil || who.held() == "" {
		return 0, nil
	}
	began := time.Now()
	tok, err := p.conns.Token(context.Background(), who.us(), who.held(), connection.TokenRequest{})
	if !w.same(p) {
		return 0, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.counts["read: "+string(lanyard.CodeOf(err))]++
		return time.Since(began), err
	}
	w.counts["read"]++
	a := who.host.access[string(tok.Access.Reveal())]
	switch { // what a clock that is wrong by ten minutes says may be taken for true by one that is wrong the other way
	case a == nil || a.fam.sub != who.sub:
		w.problem("%s: got a token that was never given to it", who.sub)
	case time.Now().After(a.until.Add(20 * time.Minute)):
		w.problem("%s: got a token that expired at %s", who.sub, w.at(a.until))
	}
	return time.Since(began), nil
}

// consents is the part of a journey that happens in the browser: from the link to
// the address that the browser is sent to at the end.
func (w *world) consents(p *process, who *person, connectURL string) (url.Values, error) {
	ctx := context.Background()
	link := strings.TrimPrefix(connectURL, publicURL+"/connect/")
	inv, err := p.flows.Open(ctx, link)
	if err != nil {
		return nil, err
	}
	var text lanyard.ConsentText
	for _, one := range inv.Asked {
		text.Scopes = append(text.Scopes, lanyard.ScopeInWords{Scope: one.Scope, Words: one.Say})
	}
	gone, err := p.flows.Continue(ctx, link, flow.Shown{Text: text, Mark: p.flows.Mark(link, text)}, lanyard.Origin{}, "")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(gone.URL)
	if err != nil {
		return nil, err
	}
	time.Sleep(some(dice(w.seed, "thinks", who.sub, w.at(time.Now())), time.Second, time.Minute))
	if !w.same(p) {
		if p = w.live(); p == nil {
			return nil, errDown
		}
	}
	q := u.Query()
	w.mu.Lock()
	code := who.host.authorize(who.sub, q.Get("client_id"), q.Get("redirect_uri"), q.Get("code_challenge"), time.Now())
	w.mu.Unlock()
	back, err := p.flows.Callback(ctx, flow.CallbackRequest{App: who.row.ID, Params: url.Values{"state": {q.Get("state")}, "code": {code}},
		Cookie: func(name string) string {
			if name == gone.CookieName {
				return string(gone.CookieValue.Reveal())
			}
			return ""
		}})
	if err != nil {
		return nil, err
	}
	if u, err = url.Parse(back.RedirectURL); err != nil {
		return nil, err
	}
	return u.Query(), nil
}

var errDown = errors.New("the server is down")

// connect is somebody new.
func (w *world) connect(who *person) error {
	p, ctx := w.live(), context.Background()
	if p == nil {
		return errDown
	}
	in, err := p.flows.CreateSession(ctx, who.us(), flow.NewSession{App: who.row.ID, EndUser: connection.EndUser{ID: who.sub}, ReturnURL: returnURL, Label: who.sub})
	if err != nil {
		return err
	}
	q, err := w.consents(p, who, in.ConnectURL)
	if err != nil {
		return err
	}
	for range 5 {
		if p = w.live(); p == nil {
			time.Sleep(10 * time.Second)
			continue
		}
		var done flow.Completed
		if done, err = p.flows.Complete(ctx, who.us(), q.Get("lanyard_completion"), who.sub); err == nil {
			who.hold(done.ID)
			return nil
		}
		time.Sleep(5 * time.Second)
	}
	return err
}

// reconnect is the person of a connection who goes the way again.
func (w *world) reconnect(who *person) error {
	p, ctx := w.live(), context.Background()
	if p == nil {
		return errDown
	}
	in, err := p.flows.Reconnect(ctx, who.us(), who.held(), returnURL, "")
	if err != nil {
		return err
	}
	q, err := w.consents(p, who, in.ConnectURL)
	if err == nil && q.Has("lanyard_error") {
		err = lanyard.Errorf(lanyard.Code(q.Get("lanyard_error")), "")
	}
	return err
}

// leave is a customer who deletes a connection.
func (w *world) leave(who *person) {
	p := w.live()
	if p == nil || who.held() == "" {
		return
	}
	r, err := p.conns.Delete(context.Background(), who.us(), who.held())
	if !w.same(p) {
		return // what was stored, the judge sees
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	who.left = r.Outcome
	if err != nil {
		r.Outcome = string(lanyard.CodeOf(err))
	}
	w.counts["delete: "+r.Outcome]++
	w.tell(who.sub, "deleted: %s", r.Outcome)
}

// withdraw is a person who takes access away at the provider.
func (w *world) withdraw(who *person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := who.host.latest[who.sub]; f != nil {
		f.die("revoked", time.Now())
		w.tell(who.sub, "withdrawn")
	}
}

// edit is the customer's admin who changes an app.
func (w *world) edit(c *client, change app.Spec) error {
	for range 20 {
		p := w.live()
		if p == nil {
			time.Sleep(5 * time.Second)
			continue
		}
		_, err := p.apps.Update(context.Background(), c.us(), c.row.ID, change)
		if err == nil && w.same(p) {
			return nil
		}
		if errors.Is(err, lanyard.CodeInvalidRequest) {
			return err
		}
		time.Sleep(5 * time.Second)
	}
	return fmt.Errorf("app %s could not be changed", c.id)
}

// attempts adds what the database knows of the calls of the accounts that there are
// problems with.
func (w *world) attempts(p *process) {
	w.mu.Lock()
	guilty := slices.Collect(maps.Keys(w.guilty))
	w.mu.Unlock()
	for _, sub := range guilty {
		for _, who := range w.people {
			if who.sub != sub {
				continue
			}
			c, g, err := w.row(p, who.row.Project, who.held())
			if err != nil {
				continue
			}
			var all []lanyard.Attempt
			_ = p.db.View(context.Background(), func(q *store.Query) (err error) {
				all, _, err = q.Attempts(who.row.Project, c.Grant, lanyard.Page{Limit: 200})
				return err
			})
			w.mu.Lock()
			for _, a := range all {
				w.stories[sub] = append(w.stories[sub], moment{a.StartedAt, fmt.Sprintf("our attempt to %s gen %d, until %s: %s %s %d", a.Kind, a.Generation, w.at(a.EndedAt), a.Outcome, a.Error, a.Status)})
			}
			w.tell(sub, "grant gen %d %s %s, refreshed %s, again %s, rank %d, rejected %s, expires %s, used %s", g.Generation, g.Health, g.Reason, w.at(g.RefreshedAt), w.at(g.RefreshAt), g.Rank, w.at(g.RejectedAt), w.at(g.AccessExpires), w.at(g.UsedAt))
			w.mu.Unlock()
		}
	}
}
