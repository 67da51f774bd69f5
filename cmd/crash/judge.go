package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/sandbox"
)

func itoa(n int) string { return strconv.Itoa(n) }

// judge compares what the provider knows with what became of the connections.
type judge struct {
	w       *world
	final   []*standing
	all     *families
	disk    found
	access  map[string]string // family and generation → access token issued with it
	rows    map[string]*row
	report  report
	heard   map[*family]bool // judged already
	cleared map[*family]bool // called dead wrongly already
}

// judge gives the verdict, once no node runs any more.
func (w *world) judge(final []*standing, disk found) report {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	j := &judge{w: w, final: final, all: readBook(w.book.lines), disk: disk, access: map[string]string{}, rows: map[string]*row{}, heard: map[*family]bool{}, cleared: map[*family]bool{}}
	for fp, e := range w.book.access {
		j.access[e.Family+" "+itoa(e.Generation)] = fp
	}
	j.report = report{Scenario: w.scenario.name, Database: w.database, Nodes: len(w.all), Seed: w.seed, Strikes: w.counted.kills + w.counted.struck,
		Seconds: int(time.Since(w.began).Seconds()), Receipts: len(disk.receipts), Unreached: w.unreached, Waits: []string{}, Excuses: []string{}, Wrong: []string{}}
	j.report.Did = map[string]int{}
	for _, e := range w.diary {
		what, _, _ := strings.Cut(numbers.ReplaceAllString(e.what, "N"), ", to be armed")
		if !strings.HasPrefix(what, "over: ") && !strings.HasPrefix(e.node, "p") {
			j.report.Did[what]++
		}
	}
	for _, c := range classes {
		j.rows[c.name] = &row{Class: c.name}
	}
	for _, st := range final {
		j.standing(st)
	}
	j.calls()
	total := row{Class: "all"}
	for _, c := range classes {
		j.report.Classes = append(j.report.Classes, *j.rows[c.name])
		total.add(*j.rows[c.name])
	}
	j.report.Classes = append(j.report.Classes, total)
	return j.report
}

// numbers differ each time.
var numbers = regexp.MustCompile(`-?\b[0-9][0-9.hmµns]*\b`)

func (j *judge) wrong(format string, args ...any) {
	j.report.Wrong = append(j.report.Wrong, fmt.Sprintf(format, args...))
}

// standing judges one connection: the family it lives by or died of in the end,
// and each one that it had died of before.
func (j *judge) standing(st *standing) {
	h, r := st.hold, j.rows[st.hold.class.name]
	r.Connections++
	consents := j.all.by[account{h.class.name, h.person}]
	if !st.passed {
		f := j.last(consents, time.Now())
		if f == nil {
			j.wrong("%s: the connection %s has no consent that the provider knows of", h.endUser, st.id)
			return
		}
		said := ""
		if st.status == string(lanyard.StatusNeedsReauth) && !j.before(h, f) {
			said = st.reason
		}
		j.fallen(r, st, f, said, "")
	} else {
		j.heard[j.all.byID[st.family]] = true
	}
	for _, d := range h.deaths {
		f := j.last(consents, d.at)
		switch {
		case f == nil:
			j.wrong("%s: called dead (%s) without a consent", h.endUser, d.reason)
		case j.cleared[f]:
		case f.usedAfter(d.at) || st.passed && f.id == st.family:
			j.cleared[f] = true
			r.DeadWrongly++
			j.wrong("%s: called dead at %s (%s), and renewed again later%s", h.endUser, clock(d.at), d.reason, f.story(8, f.last()))
		case !j.heard[f]:
			j.fallen(r, nil, f, orElse(d.reason, "no cause"), " (called dead at "+clock(d.at)+", "+d.how+")")
		}
	}
}

// before says whether a connection was called dead before it had this consent, and not
// since: then the answer to the new one waits to be bound.
func (j *judge) before(h *hold, f *family) bool {
	was := false
	for _, d := range h.deaths {
		if d.how == byEvent && d.at.After(f.begun()) {
			return false
		}
		was = was || d.how == byEvent
	}
	return was && j.w.scenario.name != "clock"
}

// last is the newest consent before a moment of which a node has ever had anything.
func (j *judge) last(consents []*family, at time.Time) *family {
	for _, f := range slices.Backward(consents) {
		if f.begun().Before(at) && j.had(f) {
			return f
		}
	}
	return nil
}

// had says whether we ever had a token of a family.
func (j *judge) had(f *family) bool {
	for _, t := range f.tokens {
		if len(t.uses) > 0 || j.known(t) {
			return true
		}
		if _, handed := j.handed(f, t); handed {
			return true
		}
	}
	return false
}

// known says whether a refresh token was found on a node's disk.
func (j *judge) known(t *refresh) bool {
	_, receipt := j.disk.receipts[t.fingerprint]
	return receipt || j.disk.held[t.fingerprint]
}

// handed says when the access token that came with a refresh token was given to a customer.
func (j *judge) handed(f *family, t *refresh) (time.Time, bool) {
	fp, there := j.access[f.id+" "+itoa(t.generation)]
	if !there {
		return time.Time{}, false
	}
	at, ok := j.w.book.handed[fp]
	return at, ok
}

// fallen judges a family by which a connection does not live any more. said is the
// cause that was named when it was called dead, "" if it was not; died says when.
func (j *judge) fallen(r *row, st *standing, f *family, said, died string) {
	j.heard[f] = true
	c := classNamed(f.class)
	excuses, blame, alive := j.lost(c, f)
	tell := func(what string) {
		status, attempts := died, ""
		if st != nil {
			status = fmt.Sprintf(" (status %s %s, after the recovery %s)", st.status, st.reason, st.first)
			attempts = tries(st)
		}
		j.wrong("%s of %s at %s%s: %s%s%s%s", f.id, f.person, c.name, status, what, f.story(8, f.last()), attempts, j.w.around(f.person, f.last().Add(-2*time.Second), f.last().Add(3*time.Second)))
	}
	switch {
	case alive && said != "":
		r.DeadWrongly++
		tell("called dead (" + said + ") although " + blame)
		return
	case alive && st != nil && j.w.options.settle < patience:
		r.Waiting++
		j.report.Waits = append(j.report.Waits, fmt.Sprintf("%s %s: status %s %s, %s%s", c.name, f.id, st.status, st.reason, st.refused, tries(st)))
		return
	case alive:
		r.Stuck++
		tell("not renewed in the end although " + blame)
		return
	case blame != "":
		r.Inexcusable++
		tell("lost: " + blame)
	default:
		r.Excusable++
		switch said {
		case string(lanyard.CodeResponseLost):
			r.ResponseLost++
		case "":
			r.Undecided++
			if st != nil {
				excuses += fmt.Sprintf("undecided: %s %s, %s%s", st.status, st.reason, st.refused, tries(st))
			}
		default:
			r.OtherCause++
			tell("an answer was lost, and the cause was called " + said)
		}
		j.report.Excuses = append(j.report.Excuses, fmt.Sprintf("%s %s: %s", c.name, f.id, excuses))
	}
	if st != nil && (st.first == string(lanyard.StatusActive) || st.first == string(lanyard.StatusPartial)) {
		r.ActiveDead++
		tell("shown " + st.first + " after the recovery although it was dead")
	}
}

// lost says how a family came to be lost: excuses where it could not be helped,
// blame where it could. alive: it is not lost at all, and blame says why.
func (j *judge) lost(c class, f *family) (excuses, blame string, alive bool) {
	open := f.unused()
	if c.kind == sandbox.Static || c.kind == sandbox.Overlap {
		open = f.tokens // none of them dies by being used
	}
	for _, t := range open {
		if j.known(t) && f.ended == "" {
			return "", fmt.Sprintf("generation %d is good at the provider, and on disk here", t.generation), true
		}
	}
	for _, t := range open {
		if when, handed := j.handed(f, t); handed && f.stood(when) {
			return "", fmt.Sprintf("the access token of generation %d had been handed out", t.generation), false
		}
		if when, kept := j.disk.receipts[t.fingerprint]; kept && f.stood(when) || !kept && j.disk.held[t.fingerprint] {
			return "", fmt.Sprintf("generation %d was on disk when the provider ended the family (%s)", t.generation, f.ended), false
		}
		if c.kind == sandbox.Static || c.kind == sandbox.Overlap {
			return "", "a class at which the old refresh token goes on working", false
		}
		excuse, blame := j.excuse(c, f, t)
		if blame != "" {
			return "", blame, false
		}
		excuses += excuse
	}
	return excuses, "", false
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000000") }
