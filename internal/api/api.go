// Package api is our JSON API over HTTP: it translates between what travels
// (package wire) and the services, and decides nothing.
//
// A noun has a file here with its operations and its translations, and one line
// in Mount. Who asks, limits, scopes, strict JSON, idempotency and errors are
// package web's; an operation says only which scope it needs.
package api

import (
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/app"
	"lanyard/internal/audit"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/jointoken"
	"lanyard/internal/meeting"
	"lanyard/internal/preflight"
	"lanyard/internal/provider"
	"lanyard/internal/runner"
	"lanyard/internal/web"
	"lanyard/internal/webhook"
)

// API holds the services that the operations call. All are needed.
type API struct {
	Access      *access.Service
	Providers   *provider.Set
	Apps        *app.Service
	Flow        *flow.Service
	Connections *connection.Service
	JoinTokens  *jointoken.Service
	Meetings    *meeting.Service
	Preflight   *preflight.Service
	Audit       *audit.Service
	Events      *webhook.Service
	Runners     *runner.Service
}

// Mount registers every operation, in the order of the documentation.
func (a *API) Mount(f *web.Front) {
	a.mountWhoami(f)
	a.mountProject(f)
	a.mountKeys(f)
	a.mountProviders(f)
	a.mountApps(f)
	a.mountSessions(f)
	a.mountConnections(f)
	a.mountPortal(f)
	a.mountTokens(f)
	a.mountTokenURLs(f)
	a.mountConsents(f)
	a.mountMeetings(f)
	a.mountPreflight(f)
	a.mountAudit(f)
	a.mountWebhooks(f)
	a.mountRunners(f)
	a.mountOperator(f)
}

// Page is the part of a request that asks for a page of a list.
type Page struct {
	Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most"`
}

func (p Page) page() lanyard.Page { return lanyard.Page{Cursor: p.Cursor, Limit: p.Limit} }

// optional is nil for the zero time, which is absent on the wire.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// texts turns a list of scopes or ids into strings; never nil, so that it is [] on the wire.
func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}

func typed[T ~string](in []string) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = T(v)
	}
	return out
}

// some is never nil.
func some(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}
