package grant

import (
	"hash/maphash"
	"slices"

	"lanyard"
	"lanyard/internal/provider"
)

// When two states are the same: what no rule looks at any more is left out, and what
// stands for an id is numbered anew.

// key is the same for states that differ in nothing that matters: which of the two
// nodes is which does not, since no rule asks for a node's name but to compare it.
func (w *world) key(seed maphash.Seed) uint64 {
	other := *w
	other.nodes[0], other.nodes[1] = w.nodes[1], w.nodes[0]
	flip := func(n *int8) {
		if *n != nobody {
			*n = 1 - *n
		}
	}
	for _, d := range []*base{&other.db, &other.past} {
		if d == &other.past && w.lagging == none {
			continue
		}
		flip(&d.row.owner)
		for i := range d.tries[:d.n] {
			flip(&d.tries[i].node)
		}
	}
	return min(maphash.Comparable(seed, *w), maphash.Comparable(seed, other))
}

// floor brings what lies further back than low to low.
func floor(s *secs, low secs) {
	if *s != none && *s < low {
		*s = low
	}
}

// patience is the longest that any class waits after a lost answer.
const patience = 30*60 + 1

// counts is how far back the end of an attempt counts.
func (m *model) counts(o lanyard.Outcome) secs {
	switch {
	case o == lanyard.OutcomeUnknown:
		return patience
	case o == lanyard.OutcomeRejected && m.alone:
		return 24 * 60 * 60
	case o == lanyard.OutcomeRejected:
		return 60
	}
	return 0
}

// storms is how far back a first refusal counts: where there is no storm and none can
// come, it does not.
func (m *model) storms(w *world) secs {
	if w.storm || w.db.others != none || w.lagging != none && w.past.others != none || w.faults > 0 && !w.cried && !m.alone {
		return seconds(stormWindow)
	}
	return 0
}

// tidy makes the same of all states that cannot be told apart from now on.
func (m *model) tidy(w *world) {
	if w.back != none && w.back <= -seconds(settleFor) {
		w.back = none
	}
	if w.lagging == none {
		w.past = base{}
	}
	m.tidyBase(w, &w.db)
	if w.lagging != none {
		m.tidyBase(w, &w.past)
	}
	for i := range w.nodes {
		m.tidyNode(w, &w.nodes[i])
	}
	m.tidyTags(w)
	m.tidyStamps(w)
	m.tidyTokens(w)
	slices.SortFunc(w.orphans[:], func(a, b orphan) int {
		switch {
		case a.on != b.on:
			if a.on {
				return -1
			}
			return 1
		case a.tok != b.tok:
			return int(a.tok - b.tok)
		}
		return int(a.until/2 - b.until/2)
	})
}

func (m *model) tidyBase(w *world, b *base) {
	r := &b.row
	if r.owner != nobody && r.lease <= 0 {
		r.owner, r.lease = nobody, none
	}
	if r.retry <= 0 {
		r.retry = none
	}
	if healths[r.health] == lanyard.Dead && !m.good(w, r.tok) {
		r.dead, r.refresh = none, none // it would be refused, and change nothing
	}
	floor(&r.refresh, 0)
	floor(&r.access, 0)
	floor(&r.rejected, -m.storms(w))
	if b.count(lanyard.OutcomeRejected) == 0 {
		b.witness = false
	}
	m.tidyTries(b)
	if b.ahead != (try{}) {
		floor(&b.ahead.ended, -m.counts(outcomes[b.ahead.outcome]))
	}
	floor(&b.others, -seconds(stormWindow))
	floor(&b.probe, 0)
	floor(&b.opened, -seconds(stormWindow))
}

// tidyTries keeps of attempts that have ended what history looks at: of each outcome
// the number, the first, and the last.
func (m *model) tidyTries(b *base) {
	last := true
	for i := b.n - 1; i >= 0; i-- {
		a := &b.tries[i]
		if a.ended == none {
			continue
		}
		floor(&a.ended, -m.counts(outcomes[a.outcome]))
		if outcomes[a.outcome] == lanyard.OutcomeUnknown {
			if !last && m.class != provider.ClassGrace {
				a.ended = -patience
			}
			last = false
		}
	}
	slices.SortStableFunc(b.tries[:b.n], func(x, y try) int {
		side := func(a try) int { // rejections and those without answer do not look at each other
			if o := outcomes[a.outcome]; o == lanyard.OutcomeOpen || o == lanyard.OutcomeUnknown {
				return 0
			}
			return int(a.outcome)
		}
		return side(x) - side(y)
	})
}

func (m *model) tidyNode(w *world, n *node) {
	if !n.inCall() {
		n.seen, n.until, n.outcome, n.tag, n.fresh = row{}, none, 0, 0, nothing
		n.lease, n.refused, n.got, n.other, n.hasty, n.forgot = none, false, false, false, false, false
	}
	if !n.inCall() || w.up {
		n.insist = none
	}
	n.slow = n.slow && n.pc == waiting
	if n.power == running || n.offered && w.faults == 0 && w.lagging == none {
		n.beat = 0
	}
	floor(&n.beat, -seconds(offeredBy)-1)
	floor(&n.until, -patience)
	floor(&n.lease, 0)
	floor(&n.seen.access, 0)
	floor(&n.seen.rejected, -m.storms(w))
	floor(&n.seen.refresh, 0)
	n.seen.retry, n.seen.stamp, n.seen.owner, n.seen.lease = none, 0, 0, none
	if n.mark == 0 || n.mark <= w.db.row.stamp && w.lagging == none {
		n.mark, n.dry = 0, false // it can forbid nothing any more
	}
	keep := int8(0)
	for _, r := range n.receipts[:n.n] {
		if r.live || m.off.newer || m.wanted(w, r) {
			n.receipts[keep] = r
			keep++
		}
	}
	for i := keep; i < n.n; i++ {
		n.receipts[i] = receipt{}
	}
	n.n = keep
}

// wanted says whether a receipt may still do anything: those that no database which
// is there or may come back could be behind of are left out, but for the last.
func (m *model) wanted(w *world, r receipt) bool {
	behind := func(b *base) bool { return r.fam == b.row.fam && r.gen >= b.row.gen-1 }
	return behind(&w.db) || w.lagging != none && behind(&w.past)
}

// tidyTags numbers the attempts that are open.
func (m *model) tidyTags(w *world) {
	var to [64]uint8
	next := uint8(0)
	for _, b := range []*base{&w.db, &w.past} {
		for i := range b.tries[:b.n] {
			if a := &b.tries[i]; a.tag != 0 {
				if to[a.tag] == 0 {
					next++
					to[a.tag] = next
				}
				a.tag = to[a.tag]
			}
		}
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		n.tag = to[n.tag]
		for j := range n.receipts[:n.n] {
			n.receipts[j].tag = to[n.receipts[j].tag]
		}
	}
}

// tidyStamps numbers the times of commits that are known anywhere.
func (m *model) tidyStamps(w *world) {
	var to [64]int8
	all := []*int8{&w.db.row.stamp, &w.past.row.stamp, &w.nodes[0].mark, &w.nodes[1].mark}
	for _, s := range all {
		to[*s] = 1
	}
	next := int8(0)
	for i := 1; i < len(to); i++ {
		next += to[i]
		to[i] *= next
	}
	to[0] = 0
	for _, s := range all {
		*s = to[*s]
	}
}

// tidyTokens leaves out tokens that nobody holds and that are good for nothing.
func (m *model) tidyTokens(w *world) {
	var held, fresh [len(w.tokens)]bool // fresh: not in the database, or it may lose it
	w.holders(func(tok *int8) { held[*tok] = true })
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.inCall() && n.fresh != nothing {
			fresh[n.fresh] = true
		}
		for _, r := range n.receipts[:n.n] {
			fresh[r.tok] = true
		}
	}
	var to [len(w.tokens)]int8
	n := int8(0)
	for i := range w.n {
		t := w.tokens[i]
		to[i] = nothing
		if !held[i] && i != w.n-1 && !(t.used == none && t.flags&lost == 0 && t.fam == w.fam && m.class.Rotates()) {
			continue
		}
		to[i] = n
		if t.parent != nothing {
			t.parent = to[t.parent]
		}
		if m.class != provider.ClassGrace && t.used != none {
			t.used = longAgo
		}
		floor(&t.used, -m.grace-60)
		floor(&t.unknown, -m.wait(none))
		floor(&t.held, 0)
		floor(&t.expires, -60*60)
		if !held[i] || i == w.db.row.tok && m.class.Rotates() && !fresh[i] {
			t.expires = none
		}
		w.tokens[n], m.called[n] = t, m.called[i]
		n++
	}
	for i := n; i < w.n; i++ {
		w.tokens[i] = token{}
	}
	w.n = n
	w.holders(func(tok *int8) { *tok = to[*tok] })
}

// holders visits all the places that name a token.
func (w *world) holders(visit func(tok *int8)) {
	visit(&w.db.row.tok)
	if w.lagging != none {
		visit(&w.past.row.tok)
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.inCall() {
			visit(&n.seen.tok)
			if n.fresh != nothing {
				visit(&n.fresh)
			}
		}
		for j := range n.receipts[:n.n] {
			visit(&n.receipts[j].tok)
		}
	}
	for i := range w.orphans {
		if o := &w.orphans[i]; o.on {
			visit(&o.tok)
		}
	}
}

// pass moves the clock.
func (w *world) pass(d secs) {
	move := func(all ...*secs) {
		for _, s := range all {
			if *s != none && *s != forever {
				*s = max(*s-d, longAgo)
			}
		}
	}
	for _, b := range []*base{&w.db, &w.past} {
		r := &b.row
		move(&r.access, &r.retry, &r.refresh, &r.rejected, &r.dead, &r.lease, &b.opened, &b.probe, &b.others)
		for i := range b.tries[:b.n] {
			move(&b.tries[i].deadline, &b.tries[i].ended)
		}
		if b.ahead != (try{}) {
			move(&b.ahead.ended)
		}
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		move(&n.seen.access, &n.seen.refresh, &n.seen.rejected, &n.seen.dead, &n.until, &n.lease, &n.insist, &n.beat)
		n.dry, n.woke = n.mark != 0, false
	}
	for i := range w.tokens[:w.n] {
		t := &w.tokens[i]
		move(&t.used, &t.expires, &t.unknown, &t.held)
	}
	for i := range w.orphans {
		if o := &w.orphans[i]; o.on {
			if move(&o.until); o.until < 0 {
				*o = orphan{}
			}
		}
	}
	move(&w.lagging, &w.back)
}
