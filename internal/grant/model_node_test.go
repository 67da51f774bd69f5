package grant

import (
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
)

// What a node does, as in renew.go, receive.go, commit.go, recover.go and forgotten.go.
// What a pure function decides there, that very function decides here.

// scheduled is a renewal as production has it in its hands.
func (m *model) renewal(g lanyard.Grant) *renewal {
	return &renewal{Service: &m.service, by: Scheduled(""), g: g, ready: app.Ready{Target: m.target}}
}

// claimable is in how many seconds the grant can be claimed, as far as the row says;
// forever: not before something else has happened.
func (m *model) claimable(w *world) secs {
	r := &w.db.row
	rejected := w.db.count(lanyard.OutcomeRejected)
	switch {
	case r.refresh == none,
		healths[r.health] == lanyard.Healthy && r.gen >= m.renewals,
		healths[r.health] == lanyard.Dead && !m.good(w, r.tok): // it would be refused, and change nothing
		return forever
	case rejected >= 3 && (w.db.open() || !m.alone && !w.db.witness):
		return forever // likewise, as long as somebody may hold an answer, or nobody bears witness
	case stopped(w.db.state()) && r.rejected != none && !m.alone:
		return forever // a canary that was never refused goes first
	}
	s := max(r.refresh, 0)
	if r.retry != none {
		s = max(s, r.retry)
	}
	if stopped(w.db.state()) {
		s = max(s, w.db.probe)
	}
	if r.owner != nobody && !m.off.lease {
		s = max(s, r.lease)
	}
	if s > 0 {
		return s
	}
	try, g := m.renewal(r.grant()), r.grant()
	try.canary = stopped(w.db.state())
	if try.refusal(g, at(0)) != nil || try.early(g, at(0)) != nil {
		return forever
	}
	return 0
}

func (m *model) mayClaim(w *world, i int) bool {
	n := &w.nodes[i]
	return n.power == running && n.pc == idle && w.up && !m.behind(w, i) && m.claimable(w) <= 0
}

// behind is behind of recover.go, and the time after the database was away.
func (m *model) behind(w *world, i int) bool {
	if !m.off.settle && w.back != none && w.back > -seconds(settleFor) {
		return true
	}
	if m.off.behind {
		return false
	}
	for j := range w.nodes {
		if n := &w.nodes[j]; !n.offered && (j == i || n.beat > -seconds(offeredBy)) {
			return true
		}
	}
	return false
}

func (m *model) claim(w *world, i int, replyLost bool) string {
	n, b := &w.nodes[i], &w.db
	if m.class.Rotates() && n.mark > b.row.stamp {
		g := b.row.grant()
		g.Health, g.Reason, g.RetryAt, g.RefreshAt = lanyard.Degraded, lanyard.CodeRestored, time.Time{}, time.Time{}
		b.row.judge(g)
		m.tell("%s finds that the database has an older row than it once had, and sends nothing", name(i))
		return ""
	}
	if !m.off.takeover {
		m.scratch = b.attempts(m.scratch)
		h := History{Attempts: m.scratch}
		if until := MayTryAt(m.class, m.target.Grace, h, at(b.row.access), at(0)); until.After(at(0)) {
			b.row.judge(m.service.pace.postponed(m.target, b.row.grant(), h, until, at(0)))
			m.tell("%s may not send yet: %s, again in %d s", name(i), healths[b.row.health], b.row.refresh)
			return ""
		}
	}
	if broken := m.mayTake(w, i); broken != "" {
		return broken
	}
	hasty := m.hasty(w, i)
	if stopped(b.state()) {
		b.probe = seconds(probeEvery)
	}
	length := seconds(lease(m.target))
	b.row.owner, b.row.lease = int8(i), length
	tag := uint8(1)
	for _, d := range []*base{b, &w.past} {
		for _, a := range d.tries[:d.n] {
			tag = max(tag, a.tag+1)
		}
	}
	b.begin(try{deadline: callLasts, ended: none, node: int8(i), tag: tag})
	if replyLost {
		m.tell("FAULT: %s claims generation %d, and the reply of the database is lost", name(i), b.row.gen)
		return ""
	}
	n.seen, n.pc, n.tag, n.until, n.lease, n.fresh = b.row, claimed, tag, callLasts, length, nothing
	n.other, n.hasty = b.witness, hasty
	m.tell("%s claims generation %d of family %s: lease for %d s", name(i), b.row.gen, name(b.row.fam), length)
	return ""
}

func (m *model) send(w *world, i int) string {
	n := &w.nodes[i]
	if n.until <= 0 && !m.off.fence {
		n.outcome, n.fresh = index(outcomes, lanyard.OutcomeNotSent), nothing
		m.tell("%s does not send: the time of its attempt is over", name(i))
		m.read(w, i)
		return ""
	}
	n.until = max(n.until, 1)
	n.pc = waiting
	w.lagSent = w.lagSent || w.lagging != none && n.seen.tok == w.past.row.tok
	m.tell("%s sends %s", name(i), m.rt(n.seen.tok))
	return m.maySend(w, i)
}

// read takes an answer in, and puts it on disk (I4).
func (m *model) read(w *world, i int) {
	n := &w.nodes[i]
	t := &w.tokens[n.seen.tok]
	n.got, n.pc, n.insist = false, failed, insistFor
	switch outcomes[n.outcome] {
	case lanyard.OutcomeOK:
		n.pc, t.held = brought, n.lease
		if !m.off.spool {
			n.receipts[n.n] = receipt{fam: n.seen.fam, gen: n.seen.gen, tok: n.fresh, tag: n.tag, live: true}
			n.n++
		}
	case lanyard.OutcomeRejected:
		n.refused = healths[n.seen.health] != lanyard.Dead && n.seen.access >= 60 && !m.accessGood(w, n.seen.tok)
	case lanyard.OutcomeUnknown:
		m.unheard(w, n)
	}
}

// unheard notes that a use of a refresh token was not answered.
func (m *model) unheard(w *world, n *node) {
	if r := &w.db.row; m.class == provider.ClassStatic && (w.failedOver || n.seen.gen != r.gen || n.seen.fam != r.fam) {
		return // the token is the same for all generations, and using it twice does no harm
	}
	t := &w.tokens[n.seen.tok]
	t.unknown = max(t.unknown, min(n.until, 0))
}

// put stores a grant with a token, as CommitTokens.
func (m *model) put(w *world, g lanyard.Grant, tok int8) {
	b := &w.db
	b.row.judge(g)
	b.row.access, b.row.tok = from(g.AccessExpires), tok
	b.row.fam, b.row.gen = int8(index([]byte(names), g.Family[0])), int8(g.Generation)
	b.row.stamp = max(b.row.stamp, w.past.row.stamp, w.nodes[0].mark, w.nodes[1].mark) + 1
	b.tries, b.n, b.witness = [len(b.tries)]try{}, 0, false
	if b.ahead != (try{}) && b.aheadFam == b.row.fam && b.aheadGen == b.row.gen {
		b.begin(b.ahead)
	}
	if b.aheadFam != b.row.fam || b.aheadGen <= b.row.gen {
		b.ahead, b.aheadFam, b.aheadGen = try{}, 0, 0
	}
}

// commit is keep of commit.go: compare, and swap.
func (m *model) commit(w *world, i int, g lanyard.Grant, gen, fresh int8, offered bool) bool {
	b := &w.db
	if is := b.row.grant(); moved(is, g) && !newer(is, g.Family, int64(gen)) && !m.off.swap {
		return false // newer: the database has lost commits meanwhile
	}
	next := renewed(g, int64(gen))
	next.AccessExpires, next.UsedAt = at(w.tokens[fresh].expires), at(0)
	next = m.service.pace.plan(m.target, next, at(0))
	old := b.row.tok
	switch {
	case !m.class.Rotates():
		w.tokens[fresh].unknown = none
	case w.tokens[fresh].parent == old:
		w.tokens[old].flags |= spent
	}
	was, n := b.tries, b.n
	m.put(w, next, fresh)
	for _, a := range was[:n] {
		if offered && a.forgotten && !next.RefreshAt.After(at(0)) { // goesOn
			b.begin(a)
		}
	}
	b.release(i)
	w.nodes[i].mark, w.nodes[i].dry = b.row.stamp, false
	m.mend(w)
	return true
}

func (m *model) keep(w *world, i int) {
	n := &w.nodes[i]
	kept := m.commit(w, i, n.seen.grant(), n.seen.gen, n.fresh, false)
	if !kept {
		m.endAndRelease(w, n.tag, i)
		if n.fresh != w.db.row.tok {
			w.tokens[n.fresh].flags |= dropped
		}
	}
	how := "done"
	if !kept {
		how = "the grant has moved on, and it is dropped"
	}
	m.tell("%s commits %s: %s", name(i), m.rt(n.fresh), how)
	m.settle(n, true)
	n.pc, n.given = idle, false
}

// endAndRelease is end of commit.go, of an attempt that brought nothing new.
func (m *model) endAndRelease(w *world, tag uint8, i int) {
	if w.db.end(tag, lanyard.OutcomeDropped) || m.off.oneLease {
		w.db.release(i)
	}
}

// settle is the end of a call for its receipt.
func (m *model) settle(n *node, done bool) {
	for j := range n.receipts[:n.n] {
		if r := &n.receipts[j]; r.live {
			r.live, r.settled = false, done
		}
	}
}

func (m *model) yield(w *world, i int) {
	n := &w.nodes[i]
	m.settle(n, false)
	n.pc = idle
	m.tell("%s gives up insisting", name(i))
}

// fail is fail of commit.go.
func (m *model) fail(w *world, i int) string {
	n, b := &w.nodes[i], &w.db
	o, g := outcomes[n.outcome], n.seen.grant()
	here := !moved(b.row.grant(), g)
	if b.end(n.tag, o) {
		b.release(i)
	}
	if n.forgot && !m.off.remember {
		switch again := (try{deadline: none, ended: 0, outcome: n.outcome, node: nobody}); {
		case here:
			b.begin(again)
			b.endAt(int(b.n-1), o)
		case g.Generation > int64(b.row.gen) && n.seen.fam == b.row.fam:
			b.ahead, b.aheadFam, b.aheadGen = again, n.seen.fam, n.seen.gen
		}
	}
	h := History{Suspended: stopped(b.state()), Alone: m.alone, OtherSuccess: n.other, ProbeRefused: n.refused || m.off.confirm}
	if h.Attempts = []lanyard.Attempt{{EndedAt: at(0), Outcome: o}}; here {
		m.scratch = b.attempts(m.scratch)
		h.Attempts = m.scratch
	}
	if m.off.between {
		h.OtherSuccess = b.witness
	}
	for j := range h.Attempts {
		if a := &h.Attempts[j]; m.off.holding && a.EndedAt.IsZero() {
			a.EndedAt, a.Outcome = at(0), lanyard.OutcomeUnknown
		}
	}
	r, result := m.renewal(g), provider.Result{Outcome: o}
	next, _ := r.after(result, h, at(0))
	was := healths[b.row.health]
	put := func() {
		if here || m.off.swap {
			b.row.judge(next)
		}
	}
	put()
	before := b.state()
	refused := 0
	if o == lanyard.OutcomeRejected {
		refused = b.refused(since(before, at(0)))
	}
	after := Trip(before, o, "", refused, appHas, at(0))
	b.setState(after)
	if stopped(after) && next.Health == lanyard.Dead && g.Health != lanyard.Dead {
		h.Suspended = true
		next, _ = r.after(result, h, at(0))
		put()
	}
	m.woken(w, before, after)
	n.pc = idle
	if m.say != nil {
		m.tell("%s notes %s: %s%s", name(i), o, b.row.words(), map[bool]string{false: "; the grant has moved on"}[here])
	}
	if is := healths[b.row.health]; is != was && is == lanyard.Dead {
		return m.verdict(w)
	}
	return ""
}

// refused counts the app's grants that were refused for the first time since then.
func (d *base) refused(since time.Time) (n int) {
	if d.others != none && at(d.others).After(since) {
		n = crowd
	}
	if d.row.rejected != none && at(d.row.rejected).After(since) {
		n++
	}
	return n
}

// mend tells the app's breaker that a renewal worked.
func (m *model) mend(w *world) {
	if was := w.db.state(); was.State != lanyard.BreakerClosed {
		is := Mend(was, at(0))
		w.db.setState(is)
		m.woken(w, was, is)
	}
}

// woken is what move of breaker.go does where a breaker lets calls through again.
func (m *model) woken(w *world, was, is lanyard.Breaker) {
	r := &w.db.row
	if stopped(was) && !stopped(is) && r.retry != none && r.rejected == none && healths[r.health] != lanyard.Dead {
		r.refresh, r.retry = 0, none
	}
}

// offer is Offer of recover.go, receipt by receipt.
func (m *model) offer(w *world, i int) {
	n, b := &w.nodes[i], &w.db
	if n.next() < 0 {
		n.offered, n.given = true, false
		m.tell("%s has offered all that it has", name(i))
		return
	}
	r := &n.receipts[n.next()]
	r.settled = true
	if !newer(b.row.grant(), name(r.fam), int64(r.gen)) && !m.off.newer {
		if r.tok != b.row.tok && m.class.Rotates() {
			w.tokens[r.tok].flags |= dropped
		}
		m.endAndRelease(w, r.tag, i)
		m.tell("%s offers the receipt of %s: nothing new", name(i), m.rt(r.tok))
		return
	}
	m.commit(w, i, b.row.grant(), r.gen, r.tok, true)
	m.tell("%s offers the receipt of %s: stored", name(i), m.rt(r.tok))
}

// again has all receipts of a node offered.
func (m *model) again(n *node) {
	for j := range n.receipts[:n.n] {
		n.receipts[j].settled = false
	}
}

// close is Recover.
func (m *model) close(w *world, i int) {
	n := &w.nodes[i]
	m.tell("%s closes what an earlier process left open", name(i))
	for j := range w.db.tries[:w.db.n] {
		if a := w.db.tries[j]; a.ended == none && int(a.node) == i && (m.off.unanswered || !n.answered(a.tag)) {
			m.unknown(w, j)
		}
	}
	w.db.release(i)
	if n.pc = idle; n.next() < 0 {
		n.offered, n.given = true, false
	}
}

// answered says whether the receipt of an attempt is still to be offered.
func (n *node) answered(tag uint8) bool {
	for _, r := range n.receipts[:n.n] {
		if r.tag == tag && !r.settled {
			return true
		}
	}
	return false
}

// unknown is unknown of recover.go, for the jth attempt.
func (m *model) unknown(w *world, j int) {
	b := &w.db
	b.endAt(j, lanyard.OutcomeUnknown)
	if healths[b.row.health] == lanyard.Dead || !m.class.Rotates() {
		return
	}
	m.scratch = b.attempts(m.scratch)
	b.row.judge(m.service.pace.unanswered(m.target, b.row.grant(), History{Attempts: m.scratch}, at(0)))
}

// silent is the attempt that closeSilent would close; -1: there is none.
func (m *model) silent(w *world) int {
	for j, a := range w.db.tries[:w.db.n] {
		if a.ended == none && a.deadline-callLasts < -seconds(silentFor) {
			return j
		}
	}
	return -1
}

func (m *model) closeSilent(w *world, i int) {
	j := m.silent(w)
	w.gone = true
	if a := w.db.tries[j]; a.node != nobody {
		w.nodes[a.node].given = true
	} else {
		w.nodes[0].given, w.nodes[1].given = true, true
	}
	m.unknown(w, j)
	m.tell("%s closes an attempt of whoever has been silent for 25 hours", name(i))
}

// forgotten is the attempt that remembered of forgotten.go would close; -1: there is none.
func (m *model) forgotten(w *world) int {
	for j, a := range w.db.tries[:w.db.n] {
		if a.ended == none && a.node == nobody && a.deadline <= 0 && w.nodes[0].offered && w.nodes[1].offered {
			return j
		}
	}
	return -1
}

func (m *model) crash(w *world, i int) {
	n := &w.nodes[i]
	if n.power == down {
		return
	}
	t := &w.tokens[n.seen.tok]
	switch {
	case n.pc == waiting && n.got:
		m.lose(w, n.fresh, n.seen.tok)
	case n.pc == waiting:
		w.add(orphan{tok: n.seen.tok, until: max(n.until, 0), again: t.used != none, hasty: n.hasty, on: true})
	}
	if n.pc == waiting || n.pc == brought {
		m.unheard(w, n)
	}
	if n.power == running {
		n.beat = 0
	}
	n.power, n.pc = down, idle
	if !n.dry {
		n.mark = 0
	}
	for j := range n.receipts[:n.n] {
		n.receipts[j].settled, n.receipts[j].live = false, false
	}
}

func (m *model) destroy(w *world, i int) {
	n := &w.nodes[i]
	for _, r := range n.receipts[:n.n] {
		if t := &w.tokens[r.tok]; m.class.Rotates() {
			if t.flags |= gone; t.parent != nothing {
				w.tokens[t.parent].flags |= heirless
			}
		}
	}
	*n = node{power: destroyed, beat: n.beat, offered: n.offered}
}
