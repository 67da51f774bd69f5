package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/sandbox"
	"lanyard/wire"
)

// calls goes through what was sent to the provider: how many renewals, how many
// answers that never arrived, consents that came to nothing, and refresh tokens
// that were sent again although the answer to the first time was in hand.
func (j *judge) calls() {
	for at, consents := range j.all.by {
		r := j.rows[at.class]
		for _, f := range consents {
			j.report.Connects.Asked++
			if !j.had(f) {
				j.report.Connects.Orphan++
			}
			for _, t := range f.tokens {
				r.Renewals += len(t.uses)
				if t.answer != nil && t.answer.Event == "undelivered" {
					r.Undelivered++
				}
			}
			if classNamed(f.class).kind != sandbox.Static {
				j.twice(r, f)
			}
		}
	}
}

// twice finds refresh tokens that were sent again after an answered success.
func (j *judge) twice(r *row, f *family) {
	sent := map[string]time.Time{}
	for _, e := range f.lines {
		if e.Kind != "refresh" || e.Event == "issued" {
			continue
		}
		first, again := sent[e.Fingerprint]
		if !again {
			sent[e.Fingerprint] = e.Time
			continue
		}
		for _, child := range f.tokens {
			if child.parent != e.Fingerprint || !child.at.Before(e.Time) {
				continue
			}
			when := e.Time
			if _, p := j.way(&e); p != nil { // what a network has held back was sent before
				when = p.sent(e.Time)
			}
			if why := j.inHand(f, child, when); why != "" {
				r.SpentTwice++
				j.wrong("%s of %s at %s: the refresh token %s was sent again at %s although the answer to the first time was in hand: %s%s%s%s", f.id, f.person,
					f.class, e.Fingerprint, clock(e.Time), why, f.story(8, e.Time), j.triesAt(f, first.Add(-5*time.Second), e.Time.Add(5*time.Second)), j.w.around(f.person, first.Add(-15*time.Second), e.Time))
				break
			}
		}
	}
}

// inHand says how we know that whoever sent again had an answer already, "" if we
// do not.
func (j *judge) inHand(f *family, t *refresh, at time.Time) string {
	if !t.at.Before(at) {
		return ""
	}
	if len(t.uses) > 0 && t.uses[0].Before(at) {
		return "its own refresh token was used at " + clock(t.uses[0])
	}
	a := t.answer
	if a == nil {
		return ""
	}
	n, lost := j.receiver(a)
	if len(j.w.all) > 1 && j.helpless(n, at) {
		return "" // another node could not know, and waited as long as the class demands
	}
	if when, ok := j.handed(f, t); ok && when.Before(at) {
		return "its access token was handed out at " + clock(when)
	}
	if when, ok := j.disk.receipts[t.fingerprint]; ok && when.Before(at) {
		return "its receipt is on disk since " + clock(when)
	}
	if lost || a.Event != "delivered" || !a.Time.Before(at) {
		return ""
	}
	if why, _ := j.unkept(f, t); why != "" {
		return ""
	}
	l, ok := n.lived(a.Connected)
	if ok && (l.to.IsZero() || l.to.Sub(a.Time) > j.w.dawdle || l.how == "term") {
		return "it arrived at " + clock(a.Time) + " at a process that lived on"
	}
	return ""
}

// around is what was done to the nodes, and what a person did, between two moments
// and two seconds after.
func (w *world) around(person string, from, to time.Time) string {
	var b strings.Builder
	for _, e := range w.diary {
		if strings.HasPrefix(e.node, "p") && e.node != person {
			continue
		}
		if e.at.After(from) && e.at.Before(to.Add(2*time.Second)) {
			fmt.Fprintf(&b, "\n      %s [%s] %s", clock(e.at), e.node, e.what)
		}
	}
	return b.String()
}

// tries are the newest attempts of a connection, oldest first.
func tries(st *standing) string { return inWords(st.attempts[:min(len(st.attempts), 5)]) }

// triesAt are those of a person's connections that were under way between two moments.
func (j *judge) triesAt(f *family, from, to time.Time) string {
	var near []wire.Attempt
	for _, st := range j.final {
		for _, a := range st.attempts {
			if st.hold.person == f.person && st.hold.class.name == f.class && a.StartedAt.Before(to) && (a.EndedAt == nil || a.EndedAt.After(from)) {
				near = append(near, a)
			}
		}
	}
	return inWords(near)
}

func inWords(newestFirst []wire.Attempt) string {
	var b strings.Builder
	for _, a := range slices.Backward(newestFirst) {
		end := "open"
		if a.EndedAt != nil {
			end = clock(*a.EndedAt)
		}
		fmt.Fprintf(&b, "\n      attempt %s of generation %d, %s to %s: %s %s", a.ID, a.Generation, clock(a.StartedAt), end, a.Outcome, a.Error)
	}
	return b.String()
}
