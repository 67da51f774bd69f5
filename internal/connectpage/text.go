package connectpage

import (
	"lanyard"
	"lanyard/internal/page"
)

// wordsVersion is the version of our words about what a person agrees to. It is part
// of every consent's record; a test holds each version to the words that it had.
const wordsVersion = "1"

// text is what a person agrees to when they press Continue, as the page says it, from
// top to bottom: the text of each of its elements, and behind that of a link where it
// leads. How long the link still works, and how the last try went, are not part of it.
func (v inviteView) text() lanyard.ConsentText {
	t := lanyard.ConsentText{Version: wordsVersion, Language: v.Lang}
	say := func(lines ...string) { t.Lines = append(t.Lines, lines...) }
	say(v.Heading, v.Lead, v.fill(v.AskedTitle))
	if len(v.Asked) == 0 {
		say(v.AskedNothing)
	}
	for _, one := range v.Asked {
		say(v.line(one.Say, one.Writes, one.Sensitive))
		t.Scopes = append(t.Scopes, lanyard.ScopeInWords{Scope: one.Scope, Words: page.Tidy(one.Say, sayAtMost)})
	}
	if len(v.Optional) > 0 {
		say(v.OptionalTitle, v.OptionalHint)
	}
	for _, one := range v.Optional {
		say(v.line(one.Say, one.Writes, one.Sensitive))
		t.Scopes = append(t.Scopes, lanyard.ScopeInWords{Scope: one.Scope, Words: page.Tidy(one.Say, sayAtMost), Optional: true})
	}
	if len(v.NotPossible) > 0 {
		say(v.NotPossibleTitle)
	}
	for _, s := range v.NotPossible {
		say(page.Tidy(s, sayAtMost))
	}
	if len(v.Scopes) > 0 {
		say(v.fill(v.TechnicalNames))
	}
	for _, s := range v.Scopes {
		say(page.Tidy(s, scopeAtMost))
	}
	say(v.fill(v.Continue), v.words.Cancel, v.fill(v.TakeAway))
	for _, link := range [][2]string{{v.fill(v.TakeAwayLink), v.ManageURL}, {v.ProjectName + ": " + v.Privacy, v.PrivacyURL}, {v.ProjectName + ": " + v.Terms, v.TermsURL}} {
		if link[1] != "" {
			say(link[0] + " <" + link[1] + ">")
		}
	}
	return t
}

// line is a permission as its element says it, to those who cannot see it too.
func (v inviteView) line(say string, writes, sensitive bool) string {
	what := v.Sees
	if writes {
		what = v.Changes
	}
	out := what + ": " + page.Tidy(say, sayAtMost)
	if sensitive {
		out += " " + v.Sensitive
	}
	return out
}

// How long a sentence, and a scope's own name, may be on the page.
const (
	sayAtMost   = 300
	scopeAtMost = 200
)
