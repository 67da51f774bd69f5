package main

import (
	"slices"
	"strings"
	"time"

	"lanyard/internal/sandbox"
)

// refresh is one refresh token, as the provider knows it.
type refresh struct {
	fingerprint string
	parent      string // the refresh token or code it was made for
	generation  int
	at          time.Time
	uses        []time.Time    // each time it was taken
	answer      *sandbox.Entry // what became of the answer with it; nil: the provider never came to that
}

// family is what goes back to one consent.
type family struct {
	id      string
	class   string
	person  string
	tokens  []*refresh
	lines   []sandbox.Entry
	ended   string // why the provider ended it; "" if it did not
	endedAt time.Time
}

// account is one person at the provider of one class, with all consents, oldest first.
type account struct{ class, person string }

// families is the book read as a story: accounts, consents, tokens.
type families struct {
	by     map[account][]*family
	byID   map[string]*family
	tokens map[string]*refresh
}

func readBook(lines []sandbox.Entry) *families {
	all := &families{by: map[account][]*family{}, byID: map[string]*family{}, tokens: map[string]*refresh{}}
	for _, e := range lines {
		if e.Family == "" {
			continue // a token nobody knows, such as a probe's
		}
		f := all.byID[e.Family]
		if f == nil {
			f = &family{id: e.Family, class: e.Provider, person: e.Person}
			all.byID[e.Family] = f
			at := account{e.Provider, e.Person}
			all.by[at] = append(all.by[at], f)
		}
		f.lines = append(f.lines, e)
		t := all.tokens[e.Fingerprint]
		switch {
		case e.Kind == "refresh" && e.Event == "issued":
			t = &refresh{fingerprint: e.Fingerprint, parent: e.Parent, generation: e.Generation, at: e.Time}
			all.tokens[e.Fingerprint] = t
			f.tokens = append(f.tokens, t)
		case e.Kind == "refresh" && e.Event == "used" && t != nil:
			t.uses = append(t.uses, e.Time)
		case e.Kind == "answer" && t != nil:
			t.answer = &e
		case e.Kind == "grant":
			f.ended, f.endedAt = e.Detail, e.Time
		}
	}
	return all
}

// unused are the refresh tokens that were never taken: whoever has one of them can
// go on, and whoever has none cannot.
func (f *family) unused() []*refresh {
	return slices.DeleteFunc(slices.Clone(f.tokens), func(t *refresh) bool { return len(t.uses) > 0 })
}

// usedAfter says whether the family was renewed after a moment.
func (f *family) usedAfter(at time.Time) bool {
	return slices.ContainsFunc(f.tokens, func(t *refresh) bool {
		return slices.ContainsFunc(t.uses, at.Before)
	})
}

// stood says whether the provider had not ended the family at a moment.
func (f *family) stood(at time.Time) bool { return f.ended == "" || at.Before(f.endedAt) }

func (f *family) begun() time.Time { return f.lines[0].Time }

// story is what the ledger says last of a family, up to a moment.
func (f *family) story(most int, until time.Time) string {
	lines := f.lines
	for len(lines) > 0 && lines[len(lines)-1].Time.After(until) {
		lines = lines[:len(lines)-1]
	}
	var b strings.Builder
	for _, e := range lines[max(0, len(lines)-most):] {
		b.WriteString("\n      " + clock(e.Time) + " " + e.Event + " " + e.Kind + " " + e.Fingerprint)
		if e.Generation > 0 {
			b.WriteString(" generation " + itoa(e.Generation))
		}
		if e.Parent != "" {
			b.WriteString(" for " + e.Parent)
		}
		if e.Detail != "" {
			b.WriteString(": " + e.Detail)
		}
	}
	return b.String()
}

// last is the time of the last line.
func (f *family) last() time.Time { return f.lines[len(f.lines)-1].Time }
