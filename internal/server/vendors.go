package server

import (
	"lanyard/internal/app"
	"lanyard/internal/compat"
	"lanyard/internal/compat/attendee"
	"lanyard/internal/compat/meetstream"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/meeting"
)

// vendors are the services that the vendors' paths are served by.
type vendors struct {
	apps        *app.Service
	connections *connection.Service
	journeys    *flow.Service
	meetings    *meeting.Service
}

// mountVendors puts the vendors' paths on the router.
func (s *Server) mountVendors(v vendors) {
	s.dialects = []compat.Dialect{
		attendee.New(attendee.Config{Front: s.front, Projects: s.access, Apps: v.apps, Connections: v.connections, Flow: v.journeys, Meetings: v.meetings}),
		meetstream.New(meetstream.Config{Front: s.front, Apps: v.apps, Connections: v.connections, Flow: v.journeys}),
	}
	compat.Mount(s.front, nil, s.dialects...)
}

// VendorPaths is the table of docs/vendor-paths.md.
func (s *Server) VendorPaths() string { return compat.Table(s.dialects...) }
