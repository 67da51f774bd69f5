package meetstream

import (
	"net/http"

	"lanyard"
	"lanyard/internal/compat"
)

// Paths lists MeetStream's API.
func (d *Dialect) Paths() []compat.Path {
	served := func(method, pattern, say string, h http.HandlerFunc) compat.Path {
		return compat.Path{Method: method, Pattern: pattern, How: compat.Served, Say: say, Serve: h}
	}
	return []compat.Path{
		served("GET", "/zoom/oauth/authorize-url", "", d.ask(lanyard.ScopeConnect, d.authorizeURL)),
		served("POST", "/zoom/oauth/connections", "", d.make(lanyard.ScopeConnect, d.connect)),
		served("GET", "/zoom/oauth/connections", "", d.ask(lanyard.ScopeRead, d.connections)),
		served("GET", "/zoom/oauth/connections/{zoom_user_id}", "", d.ask(lanyard.ScopeRead, d.connection)),
		served("DELETE", "/zoom/oauth/connections/{zoom_user_id}", "Zoom is told, too.", d.ask(lanyard.ScopeConnect, d.disconnect)),
	}
}
