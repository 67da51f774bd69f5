package grant

import (
	"fmt"

	"lanyard"
	"lanyard/internal/provider"
)

// What may happen next.
const (
	stepClaim     = uint8(iota) // a node takes a grant that is due
	stepSend                    // it sends the refresh token
	stepAnswer                  // the provider carries a request out, and answers
	stepKeep                    // a node commits what an answer brought
	stepFail                    // or notes that it brought nothing
	stepOffer                   // it offers its next receipt; or has offered all
	stepUnable                  // it cannot, the database being away
	stepClose                   // it closes the attempts that an earlier process left open
	stepYield                   // it gives up insisting on a commit
	stepForgotten               // it closes what the database may have forgotten
	stepSilent                  // it closes attempts of whoever was silent for 25 hours
	stepTime                    // nothing, for a while
	stepStart                   // a node starts again
	stepWake                    // one that slept goes on, and reads the answer that is there
	stepLate                    // or sees that its time is over before it sees the answer
	stepBack                    // the database is there again
	stepFailover                // the standby takes over
	stepOrphan                  // the provider carries out a request that nobody waits for
	stepWitness                 // the app's other grants are renewed
	stepCalm                    // the provider refuses everybody no longer

	faultCrash   // kill -9; the disk stays
	faultDestroy // and does not
	faultStop    // SIGSTOP
	faultLie     // a refusal of what is good
	faultUnknown // 5xx, nothing done
	faultLost    // done, and the answer is lost
	faultSlow    // answered in the last moment
	faultDelay   // not answered; done later, or never
	faultApp     // the app's secret is refused
	faultReply   // a claim is committed, and the reply of the database is lost
	faultAway    // the database
	faultLag     // it will lose what is committed from now on
	faultRevoke  // the person withdraws the grant
	faultConsent // the person connects again
	faultStorm   // the provider refuses everybody for a while

	steps //nolint:unused // how many there are
)

type step struct{ kind, who uint8 }

// enabled lists what may happen next. Time passes only when no node that runs has
// anything to do: whatever else takes time is a fault.
func (m *model) enabled(w *world, into []step) []step {
	add := func(kind uint8, who int) { into = append(into, step{kind, uint8(who)}) }
	fault := w.faults > 0 && !m.over(w)
	busy := false
	for i := range w.nodes {
		n := &w.nodes[i]
		switch n.power {
		case running:
			before := len(into)
			m.act(w, i, add)
			if n.slow {
				before++ // its call may take its time
			}
			busy = busy || len(into) > before
			if fault && n.pc == waiting {
				for k := faultLie; k <= faultApp; k++ {
					add(k, i)
				}
			}
			if fault && n.pc == idle && m.mayClaim(w, i) {
				add(faultReply, i)
			}
			if fault && (n.pc != idle || n.n > 0 || n.mark != 0) { // else it is as if it did nothing
				add(faultCrash, i)
				add(faultDestroy, i)
			}
			if fault && n.inCall() {
				add(faultStop, i)
			}
		case asleep:
			add(stepWake, i)
			if n.got && n.until < 0 {
				add(stepLate, i)
			}
			if n.pc == waiting && !n.got {
				add(stepAnswer, i)
				if fault {
					add(faultUnknown, i)
					add(faultLost, i)
				}
			}
			if fault {
				add(faultCrash, i)
				add(faultDestroy, i)
			}
		case down:
			if w.up {
				add(stepStart, i)
			}
			if fault && n.n > 0 {
				add(faultDestroy, i)
			}
		}
	}
	for i, o := range w.orphans {
		if o.on {
			add(stepOrphan, i)
		}
	}
	if !w.up {
		add(stepBack, 0)
	}
	if w.lagging != none {
		add(stepFailover, 0)
	}
	if w.storm {
		add(stepCalm, 0)
	}
	if m.witnesses(w) {
		add(stepWitness, 0)
	}
	if !busy && m.wait4(w) != forever {
		add(stepTime, 0)
	}
	if fault {
		m.outside(w, add)
	}
	return into
}

// act lists what a node that runs does next.
func (m *model) act(w *world, i int, add func(uint8, int)) {
	n := &w.nodes[i]
	switch {
	case n.pc == claimed:
		add(stepSend, i)
	case n.pc == waiting:
		add(stepAnswer, i)
	case (n.pc == brought || n.pc == failed) && !w.up:
		if n.insist <= 0 {
			add(stepYield, i)
		}
	case n.pc == replays && !w.up:
		add(stepUnable, i)
	case !w.up:
	case n.pc == idle:
		if m.mayClaim(w, i) {
			add(stepClaim, i)
		}
	case n.pc == brought:
		add(stepKeep, i)
	case n.pc == failed:
		add(stepFail, i)
	case n.pc == closes, n.next() < 0:
		add(stepClose, i)
	}
	if !w.up || n.pc == closes {
		return
	}
	if n.next() >= 0 || n.pc != replays && (!n.inCall() || m.off.calls) && (!n.offered || n.given && n.pc == idle) {
		add(stepOffer, i)
	}
	if n.pc < replays && m.forgotten(w) >= 0 {
		add(stepForgotten, i)
	}
	if n.pc < replays && m.silent(w) >= 0 && !m.behind(w, i) {
		add(stepSilent, i)
	}
}

// outside lists the faults that strike no node.
func (m *model) outside(w *world, add func(uint8, int)) {
	if w.up {
		add(faultAway, 0)
		if w.lagging == none {
			add(faultLag, 0)
			if w.fam == 0 {
				add(faultConsent, 0)
			}
		}
	}
	if w.alive[w.fam] && !w.revoked {
		add(faultRevoke, 0)
	}
	if !w.storm && w.db.others == none && !w.cried && !m.alone {
		add(faultStorm, 0)
	}
}

// over says whether nothing is left that a fault could strike: the last renewal is
// committed, and nobody does anything.
func (m *model) over(w *world) bool {
	r := &w.db.row
	if healths[r.health] != lanyard.Healthy || r.gen < m.renewals || !w.up || w.lagging != none || w.storm {
		return false
	}
	for i := range w.nodes {
		if n := &w.nodes[i]; n.power == asleep || n.power == running && n.pc != idle {
			return false
		}
	}
	return m.good(w, r.tok)
}

// next of a node is the receipt that it offers next; -1: there is none. What a call
// that runs has received it stores itself, unless the database has become another one.
func (n *node) next() int {
	for i, r := range n.receipts[:n.n] {
		if !r.settled && (!r.live || !n.offered) {
			return i
		}
	}
	return -1
}

// wait4 is how long it is until anything changes by time alone; forever: never, or
// not before something else has happened.
func (m *model) wait4(w *world) secs {
	d := forever
	when := func(s secs) {
		if s > 0 {
			d = min(d, s)
		}
	}
	when(m.claimable(w))
	for i := range w.nodes {
		n := &w.nodes[i]
		if !n.offered && n.power != running {
			when(n.beat + seconds(offeredBy))
		}
		if n.lives() && n.pc == waiting && !n.got && n.until <= 0 {
			return forever // the provider answers, or a fault says why not
		}
		if n.lives() && (n.pc == claimed || n.pc == waiting) {
			when(n.until)
			when(n.until + 1)
		}
		if !w.up && n.insist != none {
			when(n.insist)
		}
	}
	for _, o := range w.orphans {
		if o.on && !o.delayed {
			when(o.until + 1)
		}
	}
	if w.back != none {
		when(w.back + seconds(settleFor))
	}
	if w.lagging != none {
		if w.lagging+lagMost <= 0 {
			return forever
		}
		when(w.lagging + lagMost)
	}
	b := &w.db
	if stopped(b.state()) {
		when(b.probe)
	}
	if healths[b.row.health] == lanyard.Healthy && b.row.gen >= m.renewals {
		return d
	}
	if t := w.tokens[b.row.tok]; t.used != none && m.class == provider.ClassGrace {
		when(t.used + m.grace)
	}
	for _, a := range b.tries[:b.n] {
		if a.ended == none {
			if w.up {
				when(a.deadline - callLasts + seconds(silentFor) + 1)
			} else { // a day without the database is more than is promised
				when(a.deadline - callLasts + seconds(silentFor) - 5*3600)
			}
			if a.node == nobody {
				when(a.deadline)
			}
		}
	}
	return d
}

// apply takes a step. What it returns is a promise that is broken.
func (m *model) apply(w *world, s step) string {
	if s.kind >= faultCrash {
		w.faults--
	}
	broken := m.take(w, s)
	if w.beyond() {
		broken = ""
	}
	if broken == "" {
		m.tidy(w)
	}
	return broken
}

func (m *model) take(w *world, s step) string {
	i := int(s.who)
	switch s.kind {
	case stepClaim, faultReply:
		return m.claim(w, i, s.kind == faultReply)
	case stepSend:
		return m.send(w, i)
	case stepAnswer, faultLie, faultUnknown, faultLost, faultDelay, faultApp:
		return m.answer(w, i, s.kind)
	case stepFail:
		return m.fail(w, i)
	case stepOrphan:
		return m.orphan(w, i)
	case stepKeep:
		m.keep(w, i)
	case stepOffer:
		m.offer(w, i)
	case stepUnable:
		w.nodes[i].pc = closes
		m.tell("%s cannot offer its receipts, the database being away", name(i))
	case stepClose:
		m.close(w, i)
	case stepYield:
		m.yield(w, i)
	case stepForgotten:
		m.unknown(w, m.forgotten(w))
		m.tell("%s: everybody has offered his receipts; whether %s was used nobody knows", name(i), m.rt(w.db.row.tok))
	case stepSilent:
		m.closeSilent(w, i)
	case stepTime:
		d := m.wait4(w)
		w.pass(d)
		m.tell("… %d s later", d)
	case stepStart, stepWake, stepLate, faultCrash, faultDestroy, faultStop, faultSlow:
		m.power(w, i, s.kind)
	default:
		m.weather(w, s.kind)
	}
	return ""
}

// power is what happens to a node from outside.
func (m *model) power(w *world, i int, kind uint8) {
	n := &w.nodes[i]
	switch kind {
	case stepStart:
		n.power, n.pc, n.woke = running, replays, true
		if m.off.order {
			n.pc = closes
		}
		m.again(n)
		m.tell("%s starts again", name(i))
	case stepWake:
		n.power, n.woke = running, true
		m.tell("%s goes on", name(i))
		if n.got {
			m.read(w, i)
		}
	case stepLate:
		n.power, n.woke = running, true
		m.tell("%s goes on, and sees that its time is over before it sees the answer", name(i))
		m.lose(w, n.fresh, n.seen.tok)
		n.fresh, n.outcome = nothing, index(outcomes, lanyard.OutcomeUnknown)
		m.read(w, i)
	case faultCrash:
		m.crash(w, i)
		m.tell("FAULT: %s is killed", name(i))
	case faultDestroy:
		m.crash(w, i)
		m.destroy(w, i)
		m.tell("FAULT: %s and its disk are destroyed", name(i))
	case faultStop:
		n.power, n.beat = asleep, 0
		m.tell("FAULT: %s is put to sleep", name(i))
	case faultSlow:
		n.slow = true
		m.tell("FAULT: the provider takes its time with the request of %s", name(i))
	}
}

// weather is what happens to the database, the provider and the person.
func (m *model) weather(w *world, kind uint8) {
	switch kind {
	case stepBack:
		w.up, w.back = true, 0
		m.again(&w.nodes[0])
		m.again(&w.nodes[1])
		m.tell("the database is there again")
	case stepFailover:
		m.failover(w)
	case stepWitness:
		m.witness(w)
	case stepCalm:
		w.storm = false
		m.tell("the provider takes everybody's tokens again")
	case faultAway:
		w.up = false
		for j := range w.nodes {
			w.nodes[j].insist = insistFor
		}
		m.tell("FAULT: the database is away")
	case faultLag:
		w.lagging, w.past, w.lagSent = 0, w.db, false
		m.tell("FAULT: the standby gets no more commits")
	case faultRevoke:
		w.alive[w.fam], w.revoked = false, true
		m.tell("FAULT: the person withdraws the grant")
	case faultConsent:
		m.consent(w)
	case faultStorm:
		w.storm, w.db.others = true, 0
		m.tell("FAULT: the provider refuses everybody, and %d other grants of the app already", crowd)
	default:
		panic(fmt.Sprintf("step %d", kind))
	}
}
