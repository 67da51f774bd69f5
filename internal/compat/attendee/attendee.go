package attendee

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/bot"
	"lanyard/internal/compat"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/meeting"
	"lanyard/internal/runner"
	"lanyard/internal/web"
)

// Projects knows the caller's project; package access does.
type Projects interface {
	Project(ctx context.Context, p lanyard.Principal) (lanyard.Project, error)
}

// Config is what New needs; every field is required.
type Config struct {
	Front       *web.Front
	Projects    Projects
	Apps        *app.Service
	Flow        *flow.Service
	Connections *connection.Service
	Meetings    *meeting.Service
	Bots        *bot.Service
	Runners     *runner.Service
}

// API is Attendee's. It is a compat.Dialect.
type API struct{ Config }

// New returns an API.
func New(c Config) *API { return &API{c} }

// Name returns the dialect.
func (a *API) Name() lanyard.Dialect { return lanyard.DialectAttendee }

// Paths lists what there is of Attendee's API.
func (a *API) Paths() []compat.Path {
	const runs = "Asked of Attendee where it runs the bot."
	const connections, one = "/zoom_oauth_connections", "/zoom_oauth_connections/{id}"
	served := func(method, pattern, title, say string, scope lanyard.Scope, h handler) compat.Path {
		return compat.Path{Method: method, Pattern: pattern, How: compat.Served, Title: title, Scope: scope, Say: say, Serve: a.serve(scope, h)}
	}
	return append([]compat.Path{
		served("GET", connections, "List connections", "Pages of 25, newest first.", lanyard.ScopeRead, a.listConnections),
		served("POST", connections, "Make a connection of an authorization code", "Where the project allows codes without state.", lanyard.ScopeConnect, a.createConnection),
		served("GET", one, "Get a connection", "", lanyard.ScopeRead, a.getConnection),
		served("DELETE", one, "Delete a connection", "The consent is revoked at Zoom too.", lanyard.ScopeConnect, a.deleteConnection),
		served("GET", "/bots", "List bots", "Pages of 25, the oldest first.", lanyard.ScopeRead, a.listBots),
		served("POST", "/bots", "Send a bot", "Forwarded where the project has a runner of kind attendee.", lanyard.ScopeConnect, a.createBot),
		served("GET", "/bots/{id}", "Get a bot", runs, lanyard.ScopeRead, a.getBot),
		served("PATCH", "/bots/{id}", "Change a scheduled bot", runs, lanyard.ScopeConnect, a.patchBot),
		served("DELETE", "/bots/{id}", "Delete a scheduled bot", runs, lanyard.ScopeConnect, a.deleteBot),
		served("POST", "/bots/{id}/leave", "Make a bot leave", runs, lanyard.ScopeConnect, a.leave),
	}, append(a.forwarded(), absent()...)...)
}

// handler answers with a status and what the body is made of; nil: an empty one.
type handler func(r *http.Request, p lanyard.Principal) (status int, body any, err error)

// serve is what every handler is behind.
func (a *API) serve(scope lanyard.Scope, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := a.admit(r, scope)
		if err != nil {
			a.Refuse(w, r, err)
			return
		}
		status, body, err := h(r, p)
		if err != nil {
			a.Refuse(w, r, a.Front.Record(r, p, err))
			return
		}
		write(w, status, body)
	}
}

// admit is web's, and before it what Attendee says about the header itself.
func (a *API) admit(r *http.Request, scope lanyard.Scope) (lanyard.Principal, error) {
	header := r.Header.Values("Authorization")
	if len(header) > 0 {
		parts := strings.Split(header[0], " ")
		if len(header) > 1 || len(parts) != 2 || !strings.EqualFold(parts[0], "Token") {
			return lanyard.Principal{}, &refusal{http.StatusUnauthorized, detail("Invalid Authorization header. Should have this format: Token <api_key>")}
		}
	}
	return a.Front.Admit(r, scope)
}

// write answers with JSON.
func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Cache-Control", "no-store")
	if theirs, ok := body.(passed); ok {
		for name, values := range theirs.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write(theirs.Body) // an error: the caller has gone
		return
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil { // of types of this package: a bug
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) // an error: the caller has gone
}
