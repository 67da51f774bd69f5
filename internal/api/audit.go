package api

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountAudit(f *web.Front) {
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/audit/entries", ID: "listAuditEntries", Tag: "Audit", Scope: lanyard.ScopeAudit,
		Summary: "Read the log", Description: "Newest first. Every consent, hand-out, join token, renewal, revocation, refusal and change, durable before its answer left."}, a.listEntries)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/events", ID: "listEvents", Tag: "Events", Scope: lanyard.ScopeWebhooks,
		Summary: "Read events", Description: "Newest first. Thin: ids and states, never tokens or names."}, a.listEvents)
}

type listEntries struct {
	Page
	ConnectionID string    `query:"connection_id" maxLength:"64"`
	SessionID    string    `query:"session_id" maxLength:"64"`
	What         string    `query:"what" maxLength:"64" doc:"Such as token.read"`
	Who          string    `query:"who" maxLength:"100"`
	Outcome      string    `query:"outcome" enum:"ok,denied,failed"`
	Since        time.Time `query:"since"`
	Until        time.Time `query:"until"`
}

func (a *API) listEntries(ctx context.Context, p lanyard.Principal, in *listEntries) (*wire.List[wire.AuditEntry], error) {
	lines, next, err := a.Audit.Entries(ctx, p, lanyard.EntryFilter{Connection: lanyard.ConnectionID(in.ConnectionID), Session: lanyard.SessionID(in.SessionID),
		What: lanyard.Action(in.What), Who: in.Who, Outcome: in.Outcome, Since: in.Since, Until: in.Until}, in.page())
	out := &wire.List[wire.AuditEntry]{Data: []wire.AuditEntry{}, NextCursor: next}
	for _, l := range lines {
		out.Data = append(out.Data, wire.AuditEntry{ID: string(l.ID), At: l.At.UTC(), Who: l.Who, What: string(l.What), Outcome: l.Outcome, Code: string(l.Code),
			AppID: string(l.App), ConnectionID: string(l.Connection), SessionID: string(l.Session), KeyID: string(l.Key), Detail: l.Detail,
			IP: l.Origin.IP, UserAgent: l.Origin.UserAgent, RequestID: l.RequestID})
	}
	return out, err
}

type listEvents struct {
	Page
	Type string `query:"type" maxLength:"64" doc:"Such as connection.needs_reauth, or connection.* and the like"`
}

func (a *API) listEvents(ctx context.Context, p lanyard.Principal, in *listEvents) (*wire.List[wire.Event], error) {
	list, next, err := a.Events.Events(ctx, p, in.page(), lanyard.EventType(in.Type))
	out := &wire.List[wire.Event]{Data: []wire.Event{}, NextCursor: next}
	for _, e := range list {
		data := e.Data
		if data == nil {
			data = map[string]string{}
		}
		out.Data = append(out.Data, wire.Event{ID: string(e.ID), At: e.At.UTC(), Type: string(e.Type), ConnectionID: string(e.Connection), Data: data})
	}
	return out, err
}
