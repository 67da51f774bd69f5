package attendee

import (
	"strings"

	"lanyard/internal/compat"
)

// absent is what Attendee has and this server has not.
func absent() (out []compat.Path) {
	const calendars = "Calendars are not kept here."
	for _, p := range []struct{ methods, pattern, say string }{
		{"GET POST", "/calendars", calendars},
		{"GET PATCH DELETE", "/calendars/{id}", calendars},
		{"GET", "/calendar_events", calendars},
	} {
		out = append(out, missing(p.methods, p.pattern, p.say)...)
	}
	return out
}

func missing(methods, pattern, say string) (out []compat.Path) {
	for _, m := range strings.Fields(methods) {
		out = append(out, compat.Path{Method: m, Pattern: pattern, How: compat.Absent, Say: say})
	}
	return out
}
