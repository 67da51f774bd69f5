package grant

import (
	"fmt"

	"lanyard"
	"lanyard/internal/provider"
)

// The provider, the person, and the network between.

// carryOut is the provider at work: what it answers, and the token in it. A refresh
// token of the class grace works for a while after its first use, and each use brings a
// token of its own.
func (m *model) carryOut(w *world, tok int8) (lanyard.Outcome, int8) {
	t := &w.tokens[tok]
	switch {
	case w.storm || !w.alive[t.fam]:
		w.cried = w.cried || m.good(w, tok)
		return lanyard.OutcomeRejected, nothing
	case m.class == provider.ClassStatic:
		t.expires = tokenLasts
		return lanyard.OutcomeOK, tok
	case m.class == provider.ClassReuseKill && t.used != none:
		w.alive[t.fam] = false
		return lanyard.OutcomeRejected, nothing
	case !m.good(w, tok):
		return lanyard.OutcomeRejected, nothing
	}
	if t.used == none {
		t.used = 0
	}
	fresh := m.issue(w, t.fam, tok)
	if m.jealous {
		for i := range w.tokens[:w.n] {
			if c := &w.tokens[i]; c.parent == tok && int8(i) != fresh {
				c.used = longAgo
			}
		}
	}
	return lanyard.OutcomeOK, fresh
}

func (m *model) issue(w *world, fam, parent int8) int8 {
	m.issued++
	m.called[w.n] = m.issued
	w.tokens[w.n] = token{used: none, expires: tokenLasts, unknown: none, held: none, fam: fam, parent: parent}
	w.n++
	return w.n - 1
}

// good says whether the provider takes a refresh token, but for a storm.
func (m *model) good(w *world, tok int8) bool {
	t := &w.tokens[tok]
	switch {
	case !w.alive[t.fam]:
		return false
	case !m.class.Rotates():
		return true
	case m.class == provider.ClassGrace && t.used != none:
		return t.used+m.grace > 0
	}
	return t.used == none
}

// accessGood says whether it takes the access token that came with it.
func (m *model) accessGood(w *world, tok int8) bool {
	t := &w.tokens[tok]
	return w.alive[t.fam] && !(m.kills && t.used != none)
}

// answer is a request that comes to its end, one way or another.
func (m *model) answer(w *world, i int, how uint8) string {
	n := &w.nodes[i]
	tok := n.seen.tok
	o, fresh := lanyard.OutcomeUnknown, nothing
	switch how {
	case stepAnswer, faultLost:
		was := w.alive[w.tokens[tok].fam]
		o, fresh = m.carryOut(w, tok)
		if m.say != nil {
			m.tell("the provider answers %s: %s%s", name(i), o, m.brings(fresh))
		}
		if was && !w.alive[w.tokens[tok].fam] {
			if broken := m.killed(w, tok, n.hasty); broken != "" {
				return broken
			}
		}
		if how == faultLost {
			m.lose(w, fresh, tok)
			o, fresh = lanyard.OutcomeUnknown, nothing
			m.tell("FAULT: the answer is lost")
		}
	case faultLie:
		if o = lanyard.OutcomeRejected; m.good(w, tok) {
			w.lies++
		}
		m.tell("FAULT: the provider refuses the token of %s for no reason", name(i))
	case faultUnknown:
		m.tell("FAULT: the provider answers %s with an error 5xx, and has done nothing", name(i))
	case faultDelay:
		w.add(orphan{tok: tok, until: forever, delayed: true, again: w.tokens[tok].used != none, on: true})
		m.tell("FAULT: %s gets no answer; its request may be carried out later", name(i))
	case faultApp:
		o = lanyard.OutcomeAppError
		m.tell("FAULT: the provider refuses the client secret of %s", name(i))
	}
	n.outcome, n.fresh, n.got = index(outcomes, o), fresh, true
	if n.power == running {
		m.read(w, i)
	}
	return ""
}

func (m *model) brings(tok int8) string {
	if tok == nothing {
		return ""
	}
	return ", " + m.rt(tok).String()
}

// rt is what a refresh token is called.
type rt int8

func (r rt) String() string { return fmt.Sprintf("RT%d", int8(r)) }

func (m *model) rt(tok int8) rt { return rt(m.called[tok]) }

func (w *world) add(o orphan) {
	for i := range w.orphans {
		if !w.orphans[i].on {
			w.orphans[i] = o
			return
		}
	}
	panic("too many requests")
}

// lose notes that the answer to a use of a token came nowhere.
func (m *model) lose(w *world, fresh, of int8) {
	if fresh != nothing && fresh != of {
		w.tokens[fresh].flags |= lost
		w.tokens[of].flags |= heirless
	}
}

// orphan is a request that is carried out although nobody waits for it.
func (m *model) orphan(w *world, i int) string {
	o := w.orphans[i]
	w.orphans[i] = orphan{}
	was := w.alive[w.tokens[o.tok].fam]
	out, fresh := m.carryOut(w, o.tok)
	m.lose(w, fresh, o.tok)
	if o.delayed {
		w.tokens[o.tok].flags |= late
	}
	m.tell("the provider carries out a request that nobody waits for, with %s: %s", m.rt(o.tok), out)
	if was && !w.alive[w.tokens[o.tok].fam] {
		return m.killedByOrphan(w, o)
	}
	return ""
}

// consent is a new one, as Prepare and Commit of exchange.go store it.
func (m *model) consent(w *world) {
	if m.class.Rotates() { // one grant for each person
		w.alive[w.fam] = false
	}
	w.fam++
	tok := m.issue(w, w.fam, nothing)
	g := renewed(w.db.row.grant(), -1)
	g.Family, g.AccessExpires, g.UsedAt = name(w.fam), at(tokenLasts), at(0)
	m.put(w, PlanAt(m.target, g, 0, at(0)), tok)
	m.tell("FAULT: the person connects again: family %s, %s", g.Family, m.rt(tok))
}

// witnesses says whether a renewal of the app's other grants would change anything.
func (m *model) witnesses(w *world) bool {
	if m.alone || !w.up || w.storm || w.nodes[0].power != running && w.nodes[1].power != running {
		return false
	}
	if b := w.db.state(); stopped(b) { // it is the canary
		return mayProbe(b, 0, at(0))
	}
	for i := range w.nodes { // what comes while a call runs is the same before it or after
		if n := &w.nodes[i]; n.power == running && n.inCall() {
			return false
		}
	}
	return w.db.others != none || w.db.count(lanyard.OutcomeRejected) > 0 && !w.db.witness
}

func (m *model) witness(w *world) {
	w.db.others, w.db.witness = none, true
	m.mend(w)
	m.tell("other grants of the app are renewed; its breaker: %q", w.db.state().State)
}

// failover brings back what the standby has. What was due by then, or had no end,
// gets an attempt of nobody's (forgotten.go).
func (m *model) failover(w *world) {
	w.db, w.past, w.lagging = w.past, base{}, none
	w.failedOver = true
	for i := range w.nodes {
		n := &w.nodes[i]
		m.again(n)
		n.offered = false
		n.forgot = n.forgot || n.inCall() && n.tag != 0 && !w.db.has(n.tag)
	}
	b := &w.db
	if w.lagSent {
		w.tokens[b.row.tok].unknown = 0
	}
	w.lagSent = false
	if !m.off.forgotten && (b.row.refresh != none && b.row.refresh <= 0 || b.open()) {
		b.begin(try{deadline: seconds(lease(m.target)), ended: none, node: nobody, forgotten: true})
	}
	m.tell("the standby takes over: generation %d, %s, %d attempts on it", b.row.gen, m.rt(b.row.tok), b.n)
}
