package grant

import (
	"fmt"

	"lanyard"
	"lanyard/internal/provider"
)

// What is promised, judged by all that the model knows, whatever the database says.

// mayTake judges the moment at which a node takes a refresh token, to send it.
func (m *model) mayTake(w *world, i int) string {
	if m.lossOnly {
		return ""
	}
	r := &w.db.row
	t := &w.tokens[r.tok]
	for j := range w.nodes {
		n := &w.nodes[j]
		if n.power != running || n.woke || !m.class.Rotates() {
			continue // who comes back this very moment has had no time to store anything
		}
		for _, x := range n.receipts[:n.n] {
			if w.tokens[x.tok].parent == r.tok {
				return fmt.Sprintf("%s is taken to be sent again although %s, which is up, has the answer to an earlier use of it", m.rt(r.tok), name(j))
			}
		}
	}
	if m.class.Rotates() && t.flags&spent != 0 && !w.failedOver {
		return fmt.Sprintf("%s is taken to be sent again although its successor was committed", m.rt(r.tok))
	}
	if last := m.lastUse(w, i, r.tok); m.hasty(w, i) {
		return fmt.Sprintf("%s is taken to be sent %d s after a use of it that was not answered; the class demands %d s", m.rt(r.tok), -last, m.wait(r.access))
	}
	return ""
}

// hasty says whether a node takes the token without the patience of the class.
func (m *model) hasty(w *world, i int) bool {
	last := m.lastUse(w, i, w.db.row.tok)
	return last != none && last+m.wait(w.db.row.access) > 0
}

// lastUse is when the last use of a token ended by anybody but one node, of those that
// were not answered.
func (m *model) lastUse(w *world, but int, tok int8) secs {
	last := w.tokens[tok].unknown
	for j := range w.nodes {
		if n := &w.nodes[j]; j != but && n.inCall() && n.pc != claimed && n.seen.tok == tok {
			last = max(last, min(n.until, 0))
		}
	}
	return last
}

// maySend judges the moment at which it sends it.
func (m *model) maySend(w *world, i int) string {
	if m.lossOnly {
		return ""
	}
	tok := w.nodes[i].seen.tok
	for j := range w.nodes {
		if n := &w.nodes[j]; j != i && n.lives() && n.pc == waiting && n.seen.tok == tok && n.until > 0 {
			return fmt.Sprintf("%s is sent while another use of it may still be answered", m.rt(tok))
		}
	}
	if m.class.Rotates() && m.held(w, tok) && w.tokens[tok].held > 0 {
		return fmt.Sprintf("%s is sent again although an answer to it was received, by a node whose lease runs", m.rt(tok))
	}
	return ""
}

// wait is the patience of a class after an answer that was lost, by the table in
// docs/threats.md; access is when the access token ends, none for long.
func (m *model) wait(access secs) secs {
	switch m.class {
	case provider.ClassStatic, provider.ClassOverlap:
		return 2
	case provider.ClassGrace:
		return 0
	case provider.ClassStrict:
		return 30
	}
	if access != none && access <= 60 {
		return 30
	}
	return 30 * 60
}

// held says whether an answer to a use of a token is on a disk that is there, or in
// the memory of a node that lives.
func (m *model) held(w *world, tok int8) bool {
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.lives() && (n.pc == brought || n.got) && n.fresh != nothing && w.tokens[n.fresh].parent == tok {
			return true
		}
		for _, r := range n.receipts[:n.n] {
			if w.tokens[r.tok].parent == tok {
				return true
			}
		}
	}
	return false
}

// How a family of refresh tokens came to its end.
const (
	notKilled     = uint8(iota)
	killedDelayed // by a duplicate that the provider carried out long after its time
	killedLost    // by a use after an answer that was lost, with the patience of the class
	killedHeld    // likewise; the answer lay on the disk of a node that stayed away for longer
)

// killed judges a request that has ended a family.
func (m *model) killed(w *world, tok int8, hasty bool) string {
	t := &w.tokens[tok]
	switch held := m.held(w, tok); {
	case held && t.held > 0, hasty:
	case held, t.flags&spent != 0: // it was stored after the other had taken the token
		w.killed = killedHeld
		return ""
	case t.flags&heirless != 0:
		w.killed = killedLost
		return ""
	}
	return fmt.Sprintf("the family is ended by a second use of %s", m.rt(tok))
}

func (m *model) killedByOrphan(w *world, o orphan) string {
	switch {
	case o.delayed, w.tokens[o.tok].flags&late != 0:
		w.killed = killedDelayed
		return ""
	case o.again:
		return m.killed(w, o.tok, o.hasty)
	}
	return fmt.Sprintf("the family is ended by a request with %s that was under way when the token was sent again", m.rt(o.tok))
}

// verdict judges the moment at which a grant is called dead.
func (m *model) verdict(w *world) string {
	r := &w.db.row
	could := []int8{r.tok}
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.given {
			continue
		}
		if n.lives() && n.pc == brought && newer(r.grant(), name(n.seen.fam), int64(n.seen.gen)) {
			could = append(could, n.fresh)
		}
		for _, x := range n.receipts[:n.n] {
			if newer(r.grant(), name(x.fam), int64(x.gen)) {
				could = append(could, x.tok)
			}
		}
	}
	for _, tok := range could {
		if w.tokens[tok].fam == r.fam && m.good(w, tok) && !w.lied() {
			return fmt.Sprintf("called dead, while the provider takes %s, which we hold", m.rt(tok))
		}
	}
	reason := reasons[r.reason]
	if m.class.Rotates() && w.tokens[r.tok].flags&heirless != 0 && reason != lanyard.CodeResponseLost && reason != lanyard.CodeRestored {
		return fmt.Sprintf("called dead for %q, although an answer of ours was lost", reason)
	}
	if reason == lanyard.CodeResponseLost && w.db.count(lanyard.OutcomeUnknown) == 0 {
		return "called dead for a lost answer, although each was answered"
	}
	return ""
}

// lied says whether the provider has refused a good token twice, for causes that have
// nothing to do with each other: such refusals confirm each other.
func (w *world) lied() bool { return w.lies >= 2 || w.lies == 1 && w.cried }

// excusable is why a grant whose refresh token in the database is good for nothing
// could not have been kept by any client; "": it could.
func (m *model) excusable(w *world) string {
	if !w.alive[w.fam] {
		switch {
		case w.revoked:
			return "the person has withdrawn it"
		case w.killed == killedDelayed:
			return "a duplicate was carried out long after its time, at a provider that ends the family for it"
		case w.killed == killedLost:
			return "an answer was lost, at a provider that ends the family when the old token is used again"
		case w.killed == killedHeld:
			return "the node that had the answer stayed away for longer than the class waits, at a provider that ends the family"
		}
		return ""
	}
	why := ""
	for i := range w.tokens[:w.n] {
		tok, t := int8(i), &w.tokens[i]
		if t.fam != w.fam || !m.good(w, tok) || t.flags&dropped != 0 {
			continue
		}
		away := false
		for j := range w.nodes {
			n := &w.nodes[j]
			for _, r := range n.receipts[:n.n] {
				away = away || r.tok == tok && n.power == down
			}
		}
		switch {
		case t.flags&lost != 0:
			why = "the answer was lost between the provider and our disk"
		case t.flags&gone != 0:
			why = "the answer was on a disk that is destroyed"
		case away:
			why = "the answer is on the disk of a node that never comes back"
		default:
			return ""
		}
	}
	return why
}

// quiet says whether nothing happens any more but that a node may start again.
func (m *model) quiet(next []step) bool {
	for _, s := range next {
		if s.kind < faultCrash && s.kind != stepStart {
			return false
		}
	}
	return true
}

// end judges a state in which nothing happens any more: nodes that are down stay
// down for ever.
func (m *model) end(w *world) string {
	if w.beyond() {
		return ""
	}
	if w.nodes[0].power != running && w.nodes[1].power != running {
		return "" // nobody is there to do anything
	}
	r := &w.db.row
	good, why := m.good(w, r.tok) && r.fam == w.fam, m.excusable(w)
	switch health := healths[r.health]; {
	case good && (health == lanyard.Healthy || health == lanyard.Dead && w.lied()): // the latter is tried again
		return ""
	case good:
		return fmt.Sprintf("everything is up again, the token is good, and the grant stays %s", r.words())
	case why == "":
		return "a refresh token is lost without excuse"
	case health == lanyard.Degraded, health == lanyard.Healthy && r.gen < m.renewals:
		return fmt.Sprintf("the grant is lost (%s), and stays %s", why, r.words())
	}
	return "" // called dead, or it will be at the next renewal
}

func (r *row) words() string {
	s := string(healths[r.health])
	if r.reason != 0 {
		s += " (" + string(reasons[r.reason]) + ")"
	}
	if r.refresh != none {
		s += fmt.Sprintf(", again in %d s", max(r.refresh, 0))
	}
	return s
}
