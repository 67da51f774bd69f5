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
	return append([]compat.Path{
		{Method: "GET", Pattern: connections, How: compat.Served, Say: "Pages of 25, newest first.", Serve: a.serve(lanyard.ScopeRead, a.listConnections)},
		{Method: "POST", Pattern: connections, How: compat.Served, Say: "Where the project allows codes without state.", Serve: a.serve(lanyard.ScopeConnect, a.createConnection)},
		{Method: "GET", Pattern: one, How: compat.Served, Serve: a.serve(lanyard.ScopeRead, a.getConnection)},
		{Method: "DELETE", Pattern: one, How: compat.Served, Say: "The consent is revoked at Zoom too.", Serve: a.serve(lanyard.ScopeConnect, a.deleteConnection)},
		{Method: "GET", Pattern: "/bots", How: compat.Served, Say: "Pages of 25, the oldest first.", Serve: a.serve(lanyard.ScopeRead, a.listBots)},
		{Method: "POST", Pattern: "/bots", How: compat.Served, Say: "Forwarded where the project has a runner of kind attendee.", Serve: a.serve(lanyard.ScopeConnect, a.createBot)},
		{Method: "GET", Pattern: "/bots/{id}", How: compat.Served, Say: runs, Serve: a.serve(lanyard.ScopeRead, a.getBot)},
		{Method: "PATCH", Pattern: "/bots/{id}", How: compat.Served, Say: runs, Serve: a.serve(lanyard.ScopeConnect, a.patchBot)},
		{Method: "DELETE", Pattern: "/bots/{id}", How: compat.Served, Say: runs, Serve: a.serve(lanyard.ScopeConnect, a.deleteBot)},
		{Method: "POST", Pattern: "/bots/{id}/leave", How: compat.Served, Say: runs, Serve: a.serve(lanyard.ScopeConnect, a.leave)},
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
	switch {
	case len(header) == 1 && header[0] == "": // what a client sends whose setting is empty
		return lanyard.Principal{}, lanyard.Errorf(lanyard.CodeCredentialMissing, "")
	case len(header) > 0:
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
