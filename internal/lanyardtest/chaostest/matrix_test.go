package chaostest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Every way in which a renewal can go wrong, at a provider of every class:
// nobody is called dead who lives, nothing is lost that had arrived, callers
// get what they are promised, and nothing secret leaves.
func TestWhateverTheProviderDoesNobodyIsLost(t *testing.T) {
	t.Parallel()
	w := newChaos(t)
	t.Run("matrix", func(t *testing.T) {
		cells := matrix()
		slices.SortStableFunc(cells, func(a, b cell) int { // the slow ones first
			switch {
			case a.slow == b.slow:
				return 0
			case a.slow:
				return -1
			}
			return 1
		})
		for _, c := range cells {
			for _, class := range classes {
				if c.only != nil && !slices.Contains(c.only, class) {
					continue
				}
				t.Run(c.name+"/"+class, func(t *testing.T) {
					t.Parallel()
					w.in(t).play(c, class)
				})
			}
		}
	})
	w.secondLife(t)
	if n := thiefSaw(); n > 0 {
		t.Errorf("%d redirects were followed, want none", n)
	}
	w.quiet(t)
}

// secondLife starts the server again, which offers all its receipts to the database
// once more: that changes nobody. What waits for longer than a test can goes on.
func (c *chaos) secondLife(t *testing.T) {
	statuses := func() (out string) {
		c.one(&out, `SELECT group_concat(id || ' ' || generation || ' ' || health || ' ' || reason) FROM (SELECT * FROM grants ORDER BY id)`)
		return out
	}
	c.Stop()
	before := statuses()
	c.Restart()
	if after := statuses(); after != before {
		t.Errorf("the receipts have changed grants that have them: got %s, want %s", after, before)
	}
	t.Run("later", func(t *testing.T) {
		for _, r := range c.later.rounds {
			t.Run(r.cell, func(t *testing.T) {
				t.Parallel()
				again := *r
				again.chaos = c.in(t)
				again.recovers(r.h.class)
			})
		}
	})
}

// later are the rounds that end after the restart.
type later struct {
	mu     sync.Mutex
	rounds []*round
}

// play is one round. Its provider lives as long as the world's own test.
func (c *chaos) play(with cell, class string) {
	var h *hostile
	if with.secure {
		h = newSecure(c.whole, class)
	} else {
		h = newHostile(c.whole, class)
	}
	r := c.connect(h, c.app(h), newName("person"))
	r.cell = with.name + "/" + class
	r.first = r.read(1)[0].body.Str("access_token")

	times := 1
	if with.lasting {
		times = -1
	}
	mend := h.mend
	if with.down != nil {
		mend = with.down(h)
		h.hangUp()
		time.Sleep(30 * time.Millisecond)
	} else {
		h.arm(times, with.play)
	}
	r.withALivingToken(with)
	if with.lasting { // an hour of it
		for range 3 {
			r.age(20 * time.Minute)
			r.read(1)
			r.settled()
			r.alive("while it lasts")
		}
	}
	mend()
	if with.later {
		c.later.mu.Lock()
		c.later.rounds = append(c.later.rounds, r)
		c.later.mu.Unlock()
	} else {
		r.recovers(class)
	}
	for _, f := range h.faults() {
		r.T.Error(f)
	}
}

// withALivingToken: whatever happens to its renewal, the token is served; and once
// it has ended, callers are told so in time.
func (r *round) withALivingToken(with cell) {
	r.T.Helper()
	r.due()
	var unwarned bool
	for _, a := range r.read(2) {
		if a.status != http.StatusOK {
			r.T.Errorf("with a token that lives: got %d %v, want it served", a.status, a.body)
		}
		unwarned = unwarned || a.body.Str("access_token") == r.first && a.body.Str("warning") == ""
	}
	if !with.slow {
		r.settled()
	}
	if outcome, _ := r.outcome(); unwarned && outcome != "ok_partial" {
		r.T.Errorf("the old token came without a warning")
	}
	if with.first != nil {
		with.first(r)
	}
	r.end()
	began := time.Now()
	r.read(2)
	if took := time.Since(began); with.slow && took > patience {
		r.T.Errorf("two callers at once waited for %s, want 10 s at most", took)
	}
	if with.check != nil {
		with.check(r)
	}
	r.settled()
	outcome, code := r.outcome()
	switch {
	case outcome == "":
		r.T.Error("there was no renewal")
	case with.want != "" && !slices.Contains(strings.Fields(with.want), outcome):
		r.T.Errorf("got outcome %s (%s), want %s", outcome, code, with.want)
	}
	r.alive("at once")
}

// recovers: the provider is good again and time goes by. What lives by its ledger
// works; what it ended is called lost, by its cause, once.
func (r *round) recovers(class string) {
	r.T.Helper()
	lives := r.h.lives(r.person)
	outcome, _ := r.outcome()
	var last answer
	for range 12 {
		r.age(35 * time.Minute)
		last = r.read(1)[0]
		r.settled()
		if last.status == http.StatusOK {
			break
		}
		if status, _ := r.state(); status == "needs_reauth" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	status, reason := r.state()
	switch {
	case lives && (last.status != http.StatusOK || status != "active"):
		r.T.Errorf("the refresh token that arrived still lives, and the connection is %s (%s), its last read %d %v", status, reason, last.status, last.body)
	case lives && r.told() > 0:
		r.T.Errorf("%d events said that it needs the person, want none", r.told())
	case !lives && (status != "needs_reauth" || reason != "response_lost" && (outcome == "unknown" || reason != "needs_reauth")):
		// where the provider said in whole sentences that it had done nothing, nobody can know
		r.T.Errorf("its answer was lost: got %s (%s), its last read %d %v; want needs_reauth, response_lost", status, reason, last.status, last.body)
	case !lives && r.told() != 1:
		r.T.Errorf("%d events said so, want 1", r.told())
	}
	if !lives && (class == static || class == overlap || class == grace) {
		r.T.Errorf("lost at a provider of class %s, where that cannot be", class)
	}
}

// notHammered: however short a life the answer claims, readers cause no storm.
func notHammered(r *round) {
	r.T.Helper()
	before := r.h.count()
	for range 5 {
		r.read(2)
	}
	if n := r.h.count() - before; n > 1 {
		r.T.Errorf("ten reads caused %d renewals, want 1 at most", n)
	}
}

// boundedWait: whatever Retry-After says, we come again within a quarter of an hour.
func boundedWait(r *round) {
	r.T.Helper()
	var retry int64
	r.one(&retry, `SELECT retry_at FROM grants WHERE id = $1`, r.grant)
	if in := time.Until(time.UnixMicro(retry)); retry > 0 && in > 31*time.Minute {
		r.T.Errorf("it comes again in %s, want a bound", in)
	}
}

// oneCall: any number of callers cost a slow provider one call.
func oneCall(r *round) {
	r.T.Helper()
	if n := r.h.count(); n != 1 {
		r.T.Errorf("the provider was called %d times, want once", n)
	}
}
