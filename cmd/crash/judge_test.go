package main

import (
	"strings"
	"testing"
	"time"

	"lanyard/internal/sandbox"
)

// tale is a ledger in the making: one connection of one class, one node.
type tale struct {
	w    *world
	now  time.Time
	hold *hold
	disk found
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func newTale(t *testing.T, class string) *tale {
	t.Helper()
	c := classNamed(class)
	h := &hold{class: c, person: "p1", endUser: class + "-1", id: "con_1"}
	n := &node{name: "n1", lives: []life{{from: noon.Add(-time.Minute), ready: noon.Add(-time.Minute)}}}
	w := &world{options: options{settle: 4 * time.Minute, dawdle: 250 * time.Millisecond}, book: newBook(), all: []*node{n}, holds: []*hold{h}}
	l := &tale{w: w, now: noon, hold: h, disk: found{held: map[string]bool{}, receipts: map[string]time.Time{}}}
	l.issue("r1", "code", 1)
	l.disk.receipts["r1"] = l.now
	return l
}

func (l *tale) line(after time.Duration, e sandbox.Entry) {
	l.now = l.now.Add(after)
	e.Time, e.Connected, e.Provider, e.Person, e.Family = l.now, l.now, sandbox.OIDC, "p1", "fam_1"
	l.w.book.take(l.hold.class.name, e)
}

// issue makes a refresh token, which arrives a millisecond later.
func (l *tale) issue(fp, parent string, generation int) {
	l.line(0, sandbox.Entry{Kind: "access", Event: "issued", Fingerprint: "a" + fp, Parent: parent, Generation: generation})
	l.line(0, sandbox.Entry{Kind: "refresh", Event: "issued", Fingerprint: fp, Parent: parent, Generation: generation})
	l.line(time.Millisecond, sandbox.Entry{Kind: "answer", Event: "delivered", Fingerprint: fp, Parent: parent, Generation: generation})
}

// renew uses one refresh token for the next, a second later.
func (l *tale) renew(old, fresh string, generation int) {
	l.line(time.Second, sandbox.Entry{Kind: "refresh", Event: "used", Fingerprint: old})
	l.issue(fresh, old, generation)
}

func (l *tale) die(after time.Duration) {
	one := &l.w.all[0].lives[0]
	one.to, one.how = l.now.Add(after), "kill"
}

func (l *tale) verdict(st standing) (row, []string) {
	st.hold, st.id = l.hold, l.hold.id
	r := l.w.judge([]*standing{&st}, l.disk)
	return r.Classes[len(r.Classes)-1], r.Wrong
}

// What became of the second refresh token, and how the judge has to see it.
func TestTheJudgeTellsWhatCouldBeKeptFromWhatCouldNot(t *testing.T) {
	dead := standing{first: "degraded", status: "needs_reauth", reason: "response_lost"}
	for name, c := range map[string]struct {
		class string
		story func(l *tale)
		end   standing
		want  row
		says  string
	}{
		"killed before it could be on disk": {"strict", func(l *tale) { l.die(time.Millisecond) }, dead, row{Excusable: 1, ResponseLost: 1}, ""},
		"killed long after":                 {"strict", func(l *tale) { l.die(time.Second) }, dead, row{Inexcusable: 1}, "lived on for 1s"},
		"not killed":                        {"strict", func(*tale) {}, dead, row{Inexcusable: 1}, "lived on"},
		"stopped in good order": {"strict", func(l *tale) { l.die(0); l.w.all[0].lives[0].how = "term" }, dead,
			row{Inexcusable: 1}, "good order"},
		"its access token was handed out": {"strict", func(l *tale) { l.die(0); l.w.book.hand("ar2") }, dead, row{Inexcusable: 1}, "handed out"},
		"on disk, and called dead":        {"strict", func(l *tale) { l.die(0); l.disk.receipts["r2"] = l.now }, dead, row{DeadWrongly: 1}, "on disk here"},
		"the cause is called another": {"strict", func(l *tale) { l.die(0) }, standing{first: "degraded", status: "needs_reauth", reason: "user_revoked"},
			row{Excusable: 1, OtherCause: 1}, "user_revoked"},
		"shown active": {"strict", func(l *tale) { l.die(0) }, standing{first: "active", status: "needs_reauth", reason: "response_lost"},
			row{Excusable: 1, ResponseLost: 1, ActiveDead: 1}, "shown active"},
		"not decided yet":            {"reuse_kill", func(l *tale) { l.die(0) }, standing{first: "degraded", status: "degraded"}, row{Excusable: 1, Undecided: 1}, ""},
		"a class with an overlap":    {"overlap", func(l *tale) { l.die(0) }, dead, row{DeadWrongly: 1}, "on disk"},
		"a class that never rotates": {"static", func(l *tale) { l.die(0) }, dead, row{DeadWrongly: 1}, "on disk"},
		"grace, and time to use it": {"grace", func(l *tale) {
			l.die(0)
			l.w.all[0].lives = append(l.w.all[0].lives, life{from: l.now.Add(30 * time.Millisecond), ready: l.now.Add(time.Second)})
		}, dead, row{Inexcusable: 1}, "worked for"},
		"grace, and no time to use it": {"grace", func(l *tale) {
			l.die(0)
			l.w.all[0].lives = append(l.w.all[0].lives, life{from: l.now.Add(30 * time.Millisecond), ready: l.now.Add(27 * time.Second)})
		}, dead, row{Excusable: 1, ResponseLost: 1}, ""},
		"never arrived, and nobody was killed": {"strict", func(l *tale) {
			l.w.book.lines[len(l.w.book.lines)-1].Event = "undelivered"
		}, dead, row{Inexcusable: 1}, "undelivered"},
		"never arrived, cut off": {"strict", func(l *tale) {
			l.w.book.lines[len(l.w.book.lines)-1].Event = "undelivered"
			l.w.spans = append(l.w.spans, &span{node: "n1", from: l.now.Add(-time.Second), to: l.now.Add(time.Second), what: "cut", loses: true})
		}, dead, row{Excusable: 1, ResponseLost: 1}, ""},
		"held, and not renewed in the end": {"strict", func(l *tale) { l.disk.held["r2"] = true }, standing{first: "active", status: "active"}, row{Stuck: 1}, "not renewed"},
		"well":                             {"strict", func(*tale) {}, standing{passed: true, family: "strict/fam_1", status: "active"}, row{}, ""},
		"called dead, and well again": {"strict", func(l *tale) {
			l.hold.deaths = []death{{l.now, "needs_reauth", "seen"}}
			l.renew("r2", "r3", 3)
		}, standing{passed: true, family: "strict/fam_1", status: "active"}, row{DeadWrongly: 1}, "renewed again later"},
		"called dead before, and the new consent waits to be bound": {"strict", func(l *tale) {
			l.disk.held["r2"] = true
			l.hold.deaths = []death{{l.now.Add(-time.Minute), "response_lost", byEvent}}
		}, dead, row{Stuck: 1}, "not renewed"},
		"called dead before, and again since": {"strict", func(l *tale) {
			l.disk.held["r2"] = true
			l.hold.deaths = []death{{l.now.Add(-time.Minute), "response_lost", byEvent}, {l.now, "response_lost", byEvent}}
		}, dead, row{DeadWrongly: 1}, "on disk"},
		"sent again while it could not know": {"reuse_kill", func(l *tale) {
			l.die(0)
			l.line(2*time.Minute, sandbox.Entry{Kind: "refresh", Event: "reuse_detected", Fingerprint: "r1"})
			l.line(0, sandbox.Entry{Kind: "grant", Event: "revoked", Detail: "reuse_detected"})
		}, dead, row{Excusable: 1, ResponseLost: 1}, ""},
		"sent again with the answer in hand": {"reuse_kill", func(l *tale) {
			l.disk.receipts["r2"] = l.now
			l.line(2*time.Minute, sandbox.Entry{Kind: "refresh", Event: "reuse_detected", Fingerprint: "r1"})
			l.line(0, sandbox.Entry{Kind: "grant", Event: "revoked", Detail: "reuse_detected"})
		}, dead, row{Inexcusable: 1, SpentTwice: 1}, "sent again"},
		"sent again after the next was used": {"overlap", func(l *tale) {
			l.renew("r2", "r3", 3)
			l.renew("r1", "r4", 4)
		}, standing{passed: true, family: "overlap/fam_1", status: "active"}, row{SpentTwice: 1}, "its own refresh token was used"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTale(t, c.class)
			l.renew("r1", "r2", 2)
			c.story(l)
			got, wrong := l.verdict(c.end)
			got.Class, got.Connections, got.Renewals, got.Undelivered = "", 0, 0, 0
			if got != c.want {
				t.Errorf("got %+v, want %+v\n%s", got, c.want, strings.Join(wrong, "\n"))
			}
			if said := strings.Join(wrong, "\n"); !strings.Contains(said, c.says) || c.says == "" && said != "" {
				t.Errorf("the judge says %q, want %q", said, c.says)
			}
		})
	}
}
