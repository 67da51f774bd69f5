package compat

import (
	"fmt"
	"strings"
)

// Table is the list of every vendor's paths, in Markdown.
func Table(dialects ...Dialect) string {
	var b strings.Builder
	table := func(name, below string, paths []Path) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| path | | |\n|---|---|---|\n", name, below)
		for _, p := range paths {
			fmt.Fprintf(&b, "| `%s %s` | %s | %s |\n", p.Method, p.Pattern, p.How.title(), p.Say)
		}
	}
	for _, d := range dialects {
		table(titles[string(d.Name())], fmt.Sprintf("Below `/%s%s`, and below `%s` with a key of this dialect or of none.", d.Name(), common, common), d.Paths())
	}
	for _, o := range Others {
		table(titles[o.Name], o.Say+". Whatever is asked below `/"+o.Name+"` is answered so.", o.Paths)
	}
	return b.String()
}

var titles = map[string]string{"attendee": "Attendee", "meetstream": "MeetStream", "recall": "Recall", "meetingbaas": "Meeting BaaS"}

func (h How) title() string {
	if h == Absent {
		return "not here"
	}
	return string(h)
}
