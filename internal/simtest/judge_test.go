package simtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// sentAgain is called for each refresh token that arrives at its provider. With mu.
func (w *world) sentAgain(t *token, now time.Time) {
	class := t.fam.h.class
	if class == provider.ClassStatic {
		return
	}
	if t.next != nil && !t.next.arrived.IsZero() {
		w.about(t.fam.sub, "%s is sent again; the answer that replaced it arrived at %s", t.text, w.at(t.next.arrived))
	}
	if rotates := class != provider.ClassOverlap && class != provider.ClassGrace; rotates {
		for began := range t.running {
			if now.Sub(began) < provider.DefaultDeadline {
				w.about(t.fam.sub, "%s is sent again while a call of %s may still be answered", t.text, w.at(began))
			}
		}
	}
}

// judged are the events that are looked at: those of what a connection is worth, and
// what nobody here gives cause for.
var judged = []lanyard.EventType{lanyard.EventNeedsReauth, lanyard.EventRecovered, lanyard.EventConnectionReconnected, lanyard.EventDegraded,
	lanyard.EventResumed, lanyard.EventGrantedBeyond, lanyard.EventEndUserMismatch, lanyard.EventSubjectChanged, lanyard.EventTampered}

// verdicts reads what the customers were told since the last time: each needs_reauth must
// be true at this moment, and true in its reason, and there is one for each death.
func (w *world) verdicts(p *process) {
	for _, project := range w.projects() {
		w.verdictsOf(p, project)
	}
}

func (w *world) projects() (all []lanyard.ProjectID) {
	for _, c := range w.apps {
		if !slices.Contains(all, c.row.Project) {
			all = append(all, c.row.Project)
		}
	}
	return all
}

func (w *world) verdictsOf(p *process, project lanyard.ProjectID) {
	ctx := context.Background()
	var fresh []lanyard.Event
	for cursor := ""; ; {
		var page []lanyard.Event
		err := p.db.View(ctx, func(q *store.Query) (err error) {
			page, cursor, err = q.Events(project, lanyard.Page{Limit: 100, Cursor: cursor}, judged...)
			return err
		})
		if err != nil {
			w.t.Errorf("read events: %v", err)
			return
		}
		known := 0
		for _, e := range page {
			if w.heard[e.ID] {
				known++
				continue
			}
			w.heard[e.ID] = true
			fresh = append(fresh, e)
		}
		if known > 0 || cursor == "" {
			break
		}
	}
	slices.Reverse(fresh)
	for _, e := range fresh {
		switch e.Type {
		case lanyard.EventNeedsReauth:
			w.needsReauth(p, e)
		case lanyard.EventRecovered, lanyard.EventConnectionReconnected, lanyard.EventDegraded, lanyard.EventResumed:
			if e.Data["status"] != string(lanyard.StatusNeedsReauth) {
				delete(w.deadNow, e.Connection)
			}
		case lanyard.EventGrantedBeyond, lanyard.EventEndUserMismatch, lanyard.EventSubjectChanged, lanyard.EventTampered:
			w.mu.Lock()
			w.problem("a security alert: %s %v", e.Type, e.Data)
			w.mu.Unlock()
		}
		w.told[e.Type]++
	}
}

// subOf is the account of a connection. With mu.
func (w *world) subOf(id lanyard.ConnectionID) string {
	for _, who := range w.people {
		if who.held() == id {
			return who.sub
		}
	}
	return "nobody"
}

func (w *world) needsReauth(p *process, e lanyard.Event) {
	if w.deadNow[e.Connection] {
		w.mu.Lock()
		w.about(w.subOf(e.Connection), "connection %s: needs_reauth is told twice", e.Connection)
		w.mu.Unlock()
	}
	w.deadNow[e.Connection] = true
	c, g, err := w.row(p, e.Project, e.Connection)
	if err != nil || g.ID == "" {
		return // deleted meanwhile
	}
	t, h := w.tokenOf(p, c, g)
	if t == nil || g.Health != lanyard.Dead {
		return // connected again meanwhile
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost[lanyard.Code(e.Data["reason"])]++
	w.tell(c.Label, "told that it is dead, because of %s", e.Data["reason"])
	if h.accepts(t, time.Now()) == "" {
		w.about(t.fam.sub, "%s is called dead (%s) and is not", t.text, e.Data["reason"])
		return
	}
	w.cause(t, lanyard.Code(e.Data["reason"]))
}

// cause compares a reason with the truth. With mu.
func (w *world) cause(t *token, reason lanyard.Code) {
	lost := t.next != nil && t.next.arrived.IsZero() && t.fam.h.class != provider.ClassOverlap && t.fam.h.class != provider.ClassStatic
	why := t.fam.why
	switch {
	case reason == lanyard.CodeRestored:
		w.about(t.fam.sub, "%s: the reason is %q, and no database was put back", t.text, reason)
	case lost && reason != lanyard.CodeResponseLost:
		w.about(t.fam.sub, "%s: the reason is %q, and an answer was lost", t.text, reason)
	case reason == lanyard.CodeResponseLost && !lost && t.silent == 0 && !w.crashedSince(t.born):
		w.about(t.fam.sub, "%s: the reason is %q, and every answer arrived", t.text, reason)
	case reason == lanyard.CodeUserRevoked && why != "revoked", reason == "idle_expired" && why != "idle":
		w.about(t.fam.sub, "%s: the reason is %q, and the truth %q", t.text, reason, why)
	}
}

func (w *world) crashedSince(at time.Time) bool {
	return slices.ContainsFunc(w.crashes, func(c time.Time) bool { return c.After(at) })
}

func (w *world) row(p *process, project lanyard.ProjectID, id lanyard.ConnectionID) (c lanyard.Connection, g lanyard.Grant, err error) {
	err = p.db.View(context.Background(), func(q *store.Query) error {
		c, g, err = q.Connection(project, id)
		return err
	})
	return c, g, err
}

// tokenOf finds the refresh token of a grant in the ledger.
func (w *world) tokenOf(p *process, c lanyard.Connection, g lanyard.Grant) (*token, *host) {
	set, err := p.grants.Tokens(context.Background(), g)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.about(c.Label, "grant %s: its tokens cannot be opened: %v", g.ID, err)
		return nil, nil
	}
	for _, h := range w.hosts {
		if h.id == c.Provider {
			if set.Refresh.Empty() {
				w.counts["without a refresh token"]++
				return nil, h
			}
			t := h.refresh[string(set.Refresh.Reveal())]
			if t == nil || t.fam.sub != c.Label {
				w.about(c.Label, "grant %s of %s holds a token that was never given to it", g.ID, c.Label)
				return nil, h
			}
			return t, h
		}
	}
	return nil, nil
}

// tally is what became of everybody.
type tally struct {
	alive, dead    int
	lost           map[lanyard.Code]int // for whose connections a person is needed, by reason
	excused, wrong int
}

// judge compares the database with the ledgers. Everything was repaired some time ago.
func (w *world) judge(p *process) (out tally) {
	out.lost = map[lanyard.Code]int{}
	ctx := context.Background()
	now := time.Now()
	w.verdicts(p)
	held := map[string]bool{} // families
	w.everybody(p, func(h store.Held) {
		if h.Connection.State != lanyard.Revoked {
			w.judgeOne(p, h, now, &out, held)
		}
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hosts {
		for sub, f := range h.latest {
			name := fmt.Sprintf("%s %s %d", h.id, sub, f.n)
			if first := f.everyone[0]; f.alive() && !held[name] && !first.arrived.IsZero() && !w.crashedSince(f.born) && !w.goneWell(sub) {
				w.about(sub, "%s: its tokens arrived at %s, it is alive, and nobody has it", name, w.at(first.arrived))
			}
		}
	}
	var open []lanyard.Attempt
	var stopped []lanyard.Breaker
	w.must(p.db.View(ctx, func(q *store.Query) (err error) {
		if open, err = q.OpenAttempts("n1"); err == nil {
			stopped, err = q.Breakers("")
		}
		return err
	}))
	for _, a := range open {
		w.problem("attempt %s of %s is open since %s", a.ID, a.Grant, w.at(a.StartedAt))
	}
	for _, b := range stopped {
		if b.State != lanyard.BreakerWary {
			w.problem("app %s is still stopped: %s %s", b.App, b.State, b.Error)
		}
	}
	if n := p.spool.Status().Pending; n > 0 {
		w.problem("%d receipts are still pending", n)
	}
	return out
}

// everybody calls f with every connection there is.
func (w *world) everybody(p *process, f func(store.Held)) {
	w.t.Helper()
	for _, project := range w.projects() {
		for cursor := ""; ; {
			var page []store.Held
			err := p.db.View(context.Background(), func(q *store.Query) (err error) {
				page, cursor, err = q.Connections(project, lanyard.ConnectionFilter{}, lanyard.Page{Limit: 200, Cursor: cursor})
				return err
			})
			w.must(err)
			for _, h := range page {
				f(h)
			}
			if cursor == "" {
				break
			}
		}
	}
}

// goneWell says whether an account is expected to be alive at its provider though
// nobody here has it: where the revocation did not get through. With mu.
func (w *world) goneWell(sub string) bool {
	for _, who := range w.people {
		if who.sub == sub {
			return who.gone && who.left != "revoked"
		}
	}
	return true
}

func (w *world) judgeOne(p *process, h store.Held, now time.Time, out *tally, held map[string]bool) {
	c, g := h.Connection, h.Grant
	t, at := w.tokenOf(p, c, g)
	if t == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	held[fmt.Sprintf("%s %s %d", at.id, c.Label, t.fam.n)] = true
	why := at.accepts(t, now)
	state := fmt.Sprintf("%s: health %q, reason %q, family %s", t.text, g.Health, g.Reason, why)
	switch {
	case why == "" && g.Health == lanyard.Healthy:
		out.alive++
	case why == "" && g.Health == lanyard.Dead:
		w.about(c.Label, "called dead, and the provider takes its token. %s", state)
	case why == "":
		w.about(c.Label, "not healthy, though all was repaired. %s, again at %s", state, w.at(g.RetryAt))
	case g.Health != lanyard.Dead:
		w.about(c.Label, "shown %s while it is dead. %s; refreshed %s, again at %s", g.Health, state, w.at(g.RefreshedAt), w.at(g.RefreshAt))
	default:
		out.dead++
		out.lost[g.Reason]++
		w.cause(t, g.Reason)
	}
	if why != "" {
		w.excuse(t, why, out)
	}
	if g.Health != lanyard.Dead && (g.RefreshAt.IsZero() || g.RefreshAt.Before(now.Add(-5*time.Minute))) {
		w.about(c.Label, "not renewed when it was due. %s, at %s", state, w.at(g.RefreshAt))
	}
	if g.Lease.Owner != "" {
		w.about(c.Label, "leased to %s until %s. %s", g.Lease.Owner, w.at(g.Lease.Until), state)
	}
}

// tried says whether a lost answer was asked for again while the provider's grace lasted,
// or could not be: nobody was there, or could get there. With mu.
func (w *world) tried(t *token) bool {
	within := func(all []time.Time) (n int) {
		for _, at := range all {
			if !at.Before(t.spent.Add(-t.fam.h.grace)) && at.Before(t.spent.Add(t.fam.h.grace)) {
				n++
			}
		}
		return n
	}
	least := 2 // the one that was lost, and another
	if t.fam.h.grace > 5*time.Minute {
		least = 4
	}
	return within(t.came)+within(t.fam.h.failed) >= least || within(w.starts) > 0
}

// excuse asks whether a loss could have been prevented. With mu.
func (w *world) excuse(t *token, why string, out *tally) {
	at := t
	if why == "reuse" {
		at = t.fam.reused
	}
	switch {
	case why == "revoked", why == "replaced":
		return // the person did it
	case why == "reuse" && at.next != nil && t.fam.came.Before(at.next.arrived):
		out.excused++ // a call that we had given up on was carried out after all, when its token had been replaced
	case (why == "spent" || why == "reuse") && at.next != nil && at.next.arrived.IsZero():
		out.excused++ // the answer was lost on the way
		if t.fam.h.class == provider.ClassGrace && !w.tried(at) {
			w.about(t.fam.sub, "%s was lost, and not tried again while it was good for %s more", at.text, t.fam.h.grace)
		}
	default:
		out.wrong++
		w.about(t.fam.sub, "%s was lost (%s), and need not have been", t.text, why)
	}
}
