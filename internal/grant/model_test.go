package grant

import (
	"flag"
	"strings"
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

var modelFaults = flag.Int("model.faults", 0, "look at up to `N` faults in each course of events, instead of what fits into a test run")

// rules says which rules are switched off, in the model's wiring around what
// production decides.
type rules struct {
	spool      bool // I4: an answer is on disk before anything else is done with it
	swap       bool // I5: commits compare family and generation
	holding    bool // I8: no verdict while an attempt may hold an answer
	confirm    bool // I8: no verdict on one refusal
	between    bool // §4: another grant's success counts between two refusals, and not after them
	takeover   bool // I7: MayTryAt
	lease      bool // I7
	oneLease   bool // I7: an attempt that had ended gives no lease back
	fence      bool // I2: no call on an attempt whose time is over
	newer      bool // I12: a receipt is stored only if it is newer
	order      bool // I14: receipts first, and then the attempts that an earlier process left open
	unanswered bool // I14: and of those none whose receipt is there
	settle     bool // I14: whoever has an answer goes first when the database is back
	behind     bool // I14: nothing is sent before a new server has been offered all receipts
	calls      bool // I14: and a node has not offered all while a call of before runs
	forgotten  bool // I14: a server that was replaced may have forgotten attempts
	remember   bool // I14: a call that was under way then writes its attempt again
}

type model struct {
	class   provider.Class
	grace   secs // of ClassGrace
	kills   bool // renewing kills the access token before
	jealous bool // a second use inside the grace ends what the first has brought
	alone   bool // the app has no other grant
	off     rules

	renewals int8 // how many are looked at; after the last, a healthy grant is left alone
	lossOnly bool // judge what is lost and who is called dead, and not what is sent when

	target  *provider.Target
	service Service
	scratch []lanyard.Attempt

	// for telling a course of events
	say    func(string, ...any)
	called [10]int8 // what a token is called, while tidy numbers them anew
	issued int8
}

func (m *model) tell(format string, args ...any) {
	if m.say != nil {
		m.say(format, args...)
	}
}

// modelOf is the model for a class of providers.
func modelOf(class provider.Class) *model {
	m := &model{class: class, renewals: 2}
	switch class {
	case provider.ClassGrace:
		m.grace = 60
	case provider.ClassStrict: // as Zoom
		m.kills = true
	}
	m.target = &provider.Target{Class: class, Grace: time.Duration(m.grace) * time.Second, Deadline: callLasts * time.Second, RotationKillsAccess: m.kills}
	return m
}

// start is a grant whose renewal is due, and two nodes that have nothing to do.
func (m *model) start(faults int) world {
	m.called, m.issued = [len(m.called)]int8{}, 0
	w := world{lagging: none, back: none, faults: int8(faults), alive: [2]bool{true, true}, up: true, n: 1}
	w.tokens[0] = token{used: none, expires: firstLasts, unknown: none, held: none, parent: nothing}
	w.db = base{opened: none, probe: none, others: none,
		row: row{access: firstLasts, retry: none, rejected: none, dead: none, lease: none, owner: nobody}}
	w.nodes[0].offered, w.nodes[1].offered = true, true
	m.tidy(&w)
	return w
}

var modelled = []provider.Class{provider.ClassStatic, provider.ClassOverlap, provider.ClassGrace, provider.ClassStrict, provider.ClassReuseKill}

// Whatever happens, and in whatever order, no promise is broken.
func TestModelNoCourseOfEventsBreaksAPromise(t *testing.T) {
	for _, class := range modelled {
		t.Run(string(class), func(t *testing.T) {
			look := func(faults int, renewals int8) {
				for _, alone := range []bool{false, true} {
					m := modelOf(class)
					m.renewals, m.alone = renewals, alone
					began := time.Now()
					f := m.search(faults, faults < 3)
					t.Logf("%d faults in %d renewals, the app's only grant %v: %d states, %d steps, %v", faults, renewals, alone,
						f.states, f.steps, time.Since(began).Round(time.Millisecond))
					if f.broken != "" {
						t.Errorf("\n%s", f)
					}
				}
			}
			if *modelFaults > 0 {
				look(*modelFaults, 2)
				return
			}
			look(1, 2)
			look(2, 1)
		})
	}
}

// Each rule is there for a reason: without it the model finds what goes wrong, and
// tells it (go test -run ModelFinds -v).
func TestModelFindsWhatGoesWrongWithoutARule(t *testing.T) {
	const strict, reuseKill, grace = provider.ClassStrict, provider.ClassReuseKill, provider.ClassGrace
	for _, tc := range []struct {
		rule     string
		off      rules
		class    provider.Class
		faults   int
		lossOnly bool
		want     string // what is broken
	}{
		{"the spool", rules{spool: true}, strict, 1, true, "lost without excuse"},
		{"compare and swap", rules{swap: true}, strict, 1, true, "called dead, while"},
		{"no verdict while somebody may hold an answer", rules{holding: true}, strict, 1, true, "called dead, while"},
		{"no verdict on one refusal", rules{confirm: true}, strict, 1, true, "called dead, while"},
		{"another's success counts only between two refusals", rules{between: true}, strict, 2, true, "called dead, while"},
		{"patience before a takeover", rules{takeover: true}, reuseKill, 1, true, "the family is ended"},
		{"the lease", rules{lease: true}, reuseKill, 2, true, "the family is ended"},
		{"an attempt that had ended gives no lease back", rules{oneLease: true}, grace, 2, false, "sent again although an answer"},
		{"no call after its time", rules{fence: true}, reuseKill, 1, true, "the family is ended"},
		{"only what is newer is stored", rules{newer: true}, strict, 1, true, "an answer of ours was lost"},
		{"receipts before attempts are closed", rules{order: true, unanswered: true}, strict, 1, true, "called dead, while"},
		{"what has a receipt is not closed", rules{unanswered: true}, strict, 2, true, "called dead, while"},
		{"after an outage, whoever has an answer goes first", rules{settle: true}, reuseKill, 1, false, "is up, has the answer"},
		// Alone it takes three faults, since what a new server may have forgotten is waited
		// for as well; without that alone, one fault does no harm.
		{"nothing is sent before a new server has all receipts", rules{behind: true, forgotten: true}, reuseKill, 1, true, "the family is ended"},
		{"nor before the calls of before have ended", rules{calls: true}, strict, 2, true, "called dead, while"},
		{"a new server may have forgotten attempts", rules{forgotten: true}, reuseKill, 2, true, "the family is ended"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			m := modelOf(tc.class)
			m.off, m.lossOnly = tc.off, tc.lossOnly
			f := m.search(tc.faults, true)
			if !strings.Contains(f.broken, tc.want) {
				t.Fatalf("without it: got %q in %d states, want %q\n%s", f.broken, f.states, tc.want, f)
			}
			t.Logf("without it, at a provider of class %s (%d states):\n%s", tc.class, f.states, f)
		})
	}
}

// What a class means is the provider's promise. One that ends the token which the first
// use inside the grace has brought, when there is a second use, takes what somebody
// holds: no client can know it. Such a provider belongs into the catalogue as strict.
func TestModelOfAProviderThatBreaksItsClass(t *testing.T) {
	m := modelOf(provider.ClassGrace)
	m.jealous = true
	f := m.search(1, true)
	if !strings.Contains(f.broken, "lost without excuse") {
		t.Fatalf("got %q, want a loss", f.broken)
	}
	t.Logf("\n%s", f)
}
