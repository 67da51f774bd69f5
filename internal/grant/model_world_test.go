package grant

import (
	"math"
	"time"

	"lanyard"
)

// The state of the model. All of it is of fixed size and without pointers, so that a
// state is a value: copied by assignment, compared and hashed as it is. Times are
// seconds from now, and time passes by moving them all.

type secs = int32

const (
	none    secs = math.MinInt32 // the zero time
	forever secs = math.MaxInt32 // never comes
	longAgo secs = -2 * 24 * 60 * 60
)

const (
	callLasts  = 20      // Target.Deadline
	tokenLasts = 60 * 60 // an access token
	firstLasts = 12 * 60 // the one that there is at the beginning: its renewal is due
	insistFor  = 10 * 60 // Service.insist
	lagMost    = 30      // seconds of commits that a fail-over loses
	crowd      = 4       // other grants that the provider refuses in a storm
	appHas     = 20      // grants, for Storm

	nobody  = int8(-1)
	nothing = int8(-1) // no token
)

// seconds is a time of production's.
func seconds(d time.Duration) secs { return secs(d / time.Second) }

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(s secs) time.Time {
	if s == none {
		return time.Time{}
	}
	return epoch.Add(time.Duration(s) * time.Second)
}

func from(t time.Time) secs {
	if t.IsZero() {
		return none
	}
	return secs(t.Sub(epoch) / time.Second)
}

// row is what the model knows of a grant's row; tok stands for the sealed tokens,
// and stamp for refreshed_at.
type row struct {
	access, retry, refresh, rejected, dead, lease secs
	fam, gen, tok, stamp, owner                   int8
	health, reason, _                             uint8
}

// try is an attempt on the row's (family, generation). tag stands for its id while it
// is open; the node of one that the database may have forgotten is nobody, and it is
// known as such when it has ended, too.
type try struct {
	deadline, ended secs
	node            int8
	outcome, tag    uint8
	forgotten       bool
}

// base is all that is in the database.
type base struct {
	row                   row
	tries                 [12]try
	ahead                 try  // written again, on a generation that the row has lost
	opened, probe, others secs // breaker; when the others were first refused
	n                     int8 // tries
	breaker               uint8
	aheadFam, aheadGen    int8
	witness               bool // another grant was renewed since the first rejection
	_                     uint8
}

// receipt is an answer with tokens on a node's disk.
type receipt struct {
	fam, gen, tok int8
	tag           uint8
	settled, live bool // live: its call still runs
}

// What has become of a node.
const (
	running = uint8(iota)
	asleep  // SIGSTOP
	down    // it may start again, or never
	destroyed
)

// Where it stands in a renewal, or at its start.
const (
	idle    = uint8(iota)
	claimed // the attempt is written, nothing is sent
	waiting // it is sent
	brought // the answer is there; it has tokens
	failed  // it has none, or there is none
	replays // started again: receipts first
	closes  // and then what an earlier process left open
)

type node struct {
	seen                       row // as it was when it was claimed
	until, lease, insist, beat secs
	receipts                   [4]receipt
	power, pc, outcome, tag    uint8
	fresh, mark, n             int8 // the token that came; high-water mark; receipts
	refused                    bool // the access token is refused as well
	got                        bool // there is an answer to be read
	dry                        bool // the mark is on disk
	given                      bool // up, after 25 hours of silence
	offered                    bool // all receipts, to this run of the database
	other                      bool // another grant was renewed between the first rejection and this call
	woke                       bool // this very moment
	slow                       bool // the provider takes its time
	hasty                      bool // it took the token without the patience of the class
	forgot                     bool // the database has forgotten its attempt
	_                          [3]uint8
}

// What has become of the answers to a token's use, and of the answer that carried it.
const (
	lost     = uint8(1 << iota) // the answer that carried it never came to a disk
	gone                        // it was on a disk that is destroyed
	dropped                     // it came when the grant had moved on
	spent                       // what it brought was committed
	heirless                    // an answer to a use of it was lost
	late                        // it was used long after its time
)

// token is a refresh token, and the access token that came with it.
type token struct {
	used    secs // first
	expires secs // the access token
	unknown secs // end of the last use that was not answered
	held    secs // lease of whoever received the answer to a use of it
	fam     int8
	parent  int8
	flags   uint8
	_       uint8
}

// orphan is a request that nobody waits for, and that the provider may still carry out.
type orphan struct {
	until                     secs
	tok                       int8
	delayed, again, hasty, on bool // again: the token had been used when it was sent
	_                         [3]uint8
}

type world struct {
	db, past   base // past: what the standby has, while lagging
	nodes      [2]node
	tokens     [10]token
	orphans    [3]orphan
	lagging    secs // since when the standby gets no commits; none: it gets them
	back       secs // since when the database is there again
	n          int8 // tokens
	fam        int8 // of the newest consent
	faults     int8 // that may still come
	lies       int8 // refusals of what was good
	alive      [2]bool
	up         bool // the database
	storm      bool // the provider refuses everybody
	cried      bool // and has refused this grant
	revoked    bool
	lagSent    bool // the token that the standby has was sent since
	failedOver bool
	gone       bool // somebody was silent for 25 hours, and is not waited for any more
	killed     uint8
	_          [2]uint8
}

// beyond says whether more has come together than anything is promised for: somebody
// was given up after 25 hours, longer than receipts are kept, and a fail-over has lost
// what was written about it.
func (w *world) beyond() bool { return w.gone && w.failedOver }

var (
	healths  = []lanyard.Health{lanyard.Healthy, lanyard.Degraded, lanyard.Dead}
	reasons  = []lanyard.Code{"", lanyard.CodeProviderUnavailable, lanyard.CodeRefreshUnconfirmed, lanyard.CodeRestored, lanyard.CodeResponseLost, lanyard.CodeNeedsReauth}
	outcomes = []lanyard.Outcome{lanyard.OutcomeOpen, lanyard.OutcomeOK, lanyard.OutcomeNotSent, lanyard.OutcomeUnknown, lanyard.OutcomeAppError, lanyard.OutcomeRejected, lanyard.OutcomeDropped}
	breakers = []lanyard.BreakerState{lanyard.BreakerClosed, lanyard.BreakerOpen, lanyard.BreakerStorm, lanyard.BreakerWary}
)

func index[T comparable](list []T, v T) uint8 {
	for i, x := range list {
		if x == v {
			return uint8(i)
		}
	}
	panic("the model does not know this")
}

const names = "AB" // of nodes, and of families

func name[T int | int8](i T) string { return names[i : i+1] }

// grant is the row as production knows it.
func (r *row) grant() lanyard.Grant {
	return lanyard.Grant{ID: "grt_model", Family: name(r.fam), Generation: int64(r.gen), AccessExpires: at(r.access), HasRefresh: true,
		Health: healths[r.health], Reason: reasons[r.reason], RefreshAt: at(r.refresh), RejectedAt: at(r.rejected), RetryAt: at(r.retry),
		DeadAt: at(r.dead), UsedAt: epoch}
}

// judge takes over what PutGrantHealth writes.
func (r *row) judge(g lanyard.Grant) {
	r.health, r.reason = index(healths, g.Health), index(reasons, g.Reason)
	r.retry, r.refresh, r.rejected, r.dead = from(g.RetryAt), from(g.RefreshAt), from(g.RejectedAt), from(g.DeadAt)
}

func (d *base) state() lanyard.Breaker {
	return lanyard.Breaker{State: breakers[d.breaker], OpenedAt: at(d.opened), ProbeAt: at(d.probe)}
}

func (d *base) setState(b lanyard.Breaker) {
	d.breaker, d.opened, d.probe = index(breakers, b.State), from(b.OpenedAt), from(b.ProbeAt)
	if b.State == lanyard.BreakerClosed {
		d.opened, d.probe = none, none
	}
}

// attempts are those on the row's (family, generation), oldest first.
func (d *base) attempts(into []lanyard.Attempt) []lanyard.Attempt {
	into = into[:0]
	for _, a := range d.tries[:d.n] {
		into = append(into, lanyard.Attempt{Deadline: at(a.deadline), EndedAt: at(a.ended), Outcome: outcomes[a.outcome]})
	}
	return into
}

func (d *base) begin(a try) {
	d.tries[d.n] = a
	d.n++
}

func (d *base) drop(i int) {
	copy(d.tries[i:], d.tries[i+1:d.n])
	d.n--
	d.tries[d.n] = try{}
}

// end closes an attempt if it is open.
func (d *base) end(tag uint8, o lanyard.Outcome) bool {
	for i := range d.tries[:d.n] {
		if a := &d.tries[i]; tag != 0 && a.tag == tag && a.ended == none {
			d.endAt(i, o)
			return true
		}
	}
	return false
}

// endAt closes the ith. Of rejections only the first and the last two are kept:
// history counts no further, and looks at no other times.
func (d *base) endAt(i int, o lanyard.Outcome) {
	a := d.tries[i]
	a.ended, a.outcome, a.tag, a.deadline, a.node = 0, index(outcomes, o), 0, none, nobody
	if d.tries[i] = a; o != lanyard.OutcomeRejected {
		return
	}
	d.drop(i)
	d.begin(a) // after the earlier rejections
	if d.count(o) > 3 {
		seen := 0
		for j, a := range d.tries[:d.n] {
			if outcomes[a.outcome] == o {
				if seen++; seen == 2 {
					d.drop(j)
					return
				}
			}
		}
	}
}

func (d *base) count(o lanyard.Outcome) (n int) {
	for _, a := range d.tries[:d.n] {
		if a.ended != none && outcomes[a.outcome] == o {
			n++
		}
	}
	return n
}

// has says whether an attempt is there, and open.
func (d *base) has(tag uint8) bool {
	for _, a := range d.tries[:d.n] {
		if a.tag == tag && a.ended == none {
			return true
		}
	}
	return false
}

// open says whether an attempt has no end.
func (d *base) open() bool {
	for _, a := range d.tries[:d.n] {
		if a.ended == none {
			return true
		}
	}
	return false
}

func (d *base) release(n int) {
	if d.row.owner == int8(n) {
		d.row.owner, d.row.lease = nobody, none
	}
}

// inCall says whether a node is in a renewal.
func (n *node) inCall() bool { return n.pc >= claimed && n.pc <= failed && n.power < down }

// lives says whether what a node has in memory is there.
func (n *node) lives() bool { return n.power < down }
