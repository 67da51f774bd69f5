package preflight

import (
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/jointoken"
)

// chance is how it looks for a candidate: all that is needed in any case, and the best of
// the ways in. A recording is no way in; it counts where nothing else is asked for.
func (c *candidate) chance(want []string) chance {
	ways := slices.DeleteFunc(slices.Clone(want), func(t string) bool { return t == jointoken.LocalRecording && len(want) > 1 })
	best := none
	for _, t := range ways {
		best = max(best, c.types[t])
	}
	return min(c.base, best)
}

// byChance are the candidates, the best first, otherwise in their order.
func (l *look) byChance() []*candidate {
	out := slices.Clone(l.candidates)
	slices.SortStableFunc(out, func(a, b *candidate) int { return int(b.chance(l.want)) - int(a.chance(l.want)) })
	return out
}

// sum says how it looks as a whole. Without a trial nothing is sure.
func (l *look) sum() Report {
	best := none
	var who *candidate
	if ranked := l.byChance(); len(ranked) > 0 {
		who = ranked[0]
		best = who.chance(l.want)
	} else if slices.ContainsFunc(l.out.Lines, func(n Line) bool { return n.Code == lanyard.CodeHostNotKnown }) {
		best = open
	}
	best = min(best, l.all)
	if best == sure && !l.proved(who) {
		best = open
	}
	if best != none && who != nil {
		l.out.Best = who.ID
	}
	deed := "join"
	if slices.Equal(l.want, []string{jointoken.LocalRecording}) {
		deed = "record without asking"
	}
	switch best {
	case sure:
		l.out.Can, l.out.Summary = Yes, "The bot can "+deed+" now, on behalf of "+short(l.name(who))+"."
	case open:
		l.out.Can, l.out.Summary = Maybe, "Nothing that can be seen from here keeps the bot out."
		if do := l.first(Unknown, who); do != "" {
			l.out.Summary += " What is left: " + do
		}
	default:
		l.out.Can, l.out.Summary = No, "The bot cannot "+deed
		if who != nil && !l.later() {
			l.out.Summary += " now"
		}
		l.out.Summary += "."
		if do := l.first(Refused, who); do != "" {
			l.out.Summary += " " + do
		}
	}
	return l.out
}

// proved says whether a trial has worked for somebody, for a way in.
func (l *look) proved(c *candidate) bool {
	return slices.ContainsFunc(l.out.Lines, func(n Line) bool {
		return n.About == Mint && n.Verdict == Proved && n.Connection == c.ID && (n.Type != jointoken.LocalRecording || len(l.want) == 1)
	})
}

// first is what was found, and the next step, of the first line with this verdict that
// concerns the candidate; what the person has to do comes before all else.
func (l *look) first(verdict string, c *candidate) string {
	rank := func(n Line) int {
		mine := n.Connection == "" || c != nil && n.Connection == c.ID
		switch {
		case n.Verdict != verdict || !mine || n.Do == "":
			return 0
		case n.About == Presence:
			return 2
		}
		return 1
	}
	best := Line{}
	for _, n := range l.out.Lines {
		if rank(n) > rank(best) {
			best = n
		}
	}
	return strings.TrimSpace(best.Say + " " + best.Do)
}
