package server

import (
	"net/http"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/bot"
	"lanyard/internal/compat"
	"lanyard/internal/compat/attendee"
	"lanyard/internal/compat/meetstream"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/meeting"
	"lanyard/internal/runner"
)

// vendors are the services that the vendors' paths are served by.
type vendors struct {
	apps        *app.Service
	connections *connection.Service
	journeys    *flow.Service
	meetings    *meeting.Service
	bots        *bot.Service
	runners     *runner.Service
}

// mountVendors puts the vendors' paths on the router.
func (s *Server) mountVendors(v vendors) {
	s.dialects = []compat.Dialect{
		attendee.New(attendee.Config{Front: s.front, Projects: s.access, Apps: v.apps, Connections: v.connections, Flow: v.journeys,
			Meetings: v.meetings, Bots: v.bots, Runners: v.runners}),
		meetstream.New(meetstream.Config{Front: s.front, Apps: v.apps, Connections: v.connections, Flow: v.journeys,
			Meetings: v.meetings, Bots: v.bots}),
	}
	compat.Mount(s.front, v.speaks, s.dialects...)
}

// VendorPaths is the table of docs/vendor-paths.md.
func (s *Server) VendorPaths() string { return compat.Table(s.dialects...) }

// speaks is compat.Speaks.
func (v vendors) speaks(r *http.Request, p lanyard.Principal, ref string) lanyard.Dialect {
	p = p.Also(lanyard.ScopeRead) // which words to refuse it in is no answer about the bot
	b, err := v.bots.Get(r.Context(), p, ref)
	if err != nil {
		return lanyard.DialectNone
	}
	return b.Dialect
}
