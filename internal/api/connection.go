package api

import (
	"context"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountConnections(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/connections", ID: "createConnection", Tag: "Connections", Scope: lanyard.ScopeConnect, Status: 201, Creates: true,
		Summary:     "Complete a connection",
		Description: "With completion and end_user_id after a hosted journey: end_user_id must be who was invited, or the code is destroyed. With app_id, code, state and redirect_uri after your own callback."}, a.createConnection)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/connections", ID: "listConnections", Tag: "Connections", Scope: lanyard.ScopeRead,
		Summary: "List connections", Description: "Newest first."}, a.listConnections)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/connections/{id}", ID: "getConnection", Tag: "Connections", Scope: lanyard.ScopeRead,
		Summary: "Read a connection"}, a.getConnection)
	web.JSON(f, web.Operation{Method: "PATCH", Path: "/v1/connections/{id}", ID: "updateConnection", Tag: "Connections", Scope: lanyard.ScopeConnect,
		Summary: "Change label or metadata, pause or resume"}, a.updateConnection)
	web.JSON(f, web.Operation{Method: "DELETE", Path: "/v1/connections/{id}", ID: "deleteConnection", Tag: "Connections", Scope: lanyard.ScopeConnect, Status: 200,
		Summary:     "Disconnect",
		Description: "Hand-out stops at once. The provider is told if no other connection holds the same grant; the answer says how that went and which token lives on."}, a.deleteConnection)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/connections/{id}/reconnect", ID: "reconnectConnection", Tag: "Connections", Scope: lanyard.ScopeConnect, Status: 201, Creates: true,
		Summary: "Invite the person to connect the same account again"}, a.reconnect)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/connections/{id}/attempts", ID: "listAttempts", Tag: "Connections", Scope: lanyard.ScopeRead,
		Summary: "List the calls to the provider's token endpoint", Description: "Newest first."}, a.listAttempts)
}

type createConnection struct{ Body wire.NewConnection }

func (a *API) createConnection(ctx context.Context, p lanyard.Principal, in *createConnection) (*wire.CompletedConnection, error) {
	b := in.Body
	hosted, own := b.Completion != "", b.Code != "" || b.State != "" || b.AppID != "" || b.RedirectURI != ""
	var done flow.Completed
	var err error
	switch {
	case hosted == own:
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "send completion and end_user_id, or app_id, code, state and redirect_uri")
	case hosted && b.EndUserID == "":
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "end_user_id: say who is logged in at yours now")
	case hosted:
		done, err = a.Flow.Complete(ctx, p, b.Completion, b.EndUserID)
	case b.Code == "" || b.AppID == "" || b.RedirectURI == "":
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "app_id, code, state and redirect_uri are all needed")
	default:
		done, err = a.Flow.CompleteOwn(ctx, p, flow.OwnCallback{App: lanyard.AppID(b.AppID), Code: lanyard.NewSecret(b.Code),
			State: b.State, RedirectURI: b.RedirectURI, Issuer: b.Issuer, EndUser: b.EndUserID})
	}
	if err != nil {
		return nil, err
	}
	return &wire.CompletedConnection{Connection: a.connectionOf(done.View), Also: texts(done.Also), State: done.State}, nil
}

type listConnections struct {
	Page
	EndUserID string `query:"end_user_id" maxLength:"255"`
	Provider  string `query:"provider" maxLength:"64"`
	AppID     string `query:"app_id" maxLength:"64"`
	Status    string `query:"status" enum:"active,partial,degraded,needs_reauth,paused,revoked"`
	Label     string `query:"label" maxLength:"64"`
}

func (a *API) listConnections(ctx context.Context, p lanyard.Principal, in *listConnections) (*wire.List[wire.Connection], error) {
	list, next, err := a.Connections.Find(ctx, p, in.EndUserID, lanyard.ConnectionFilter{Provider: in.Provider, App: lanyard.AppID(in.AppID),
		Status: lanyard.Status(in.Status), Label: in.Label}, in.page())
	out := &wire.List[wire.Connection]{Data: []wire.Connection{}, NextCursor: next}
	for _, v := range list {
		out.Data = append(out.Data, a.connectionOf(v))
	}
	return out, err
}

type connectionID struct {
	ID string `path:"id"`
}

func (a *API) getConnection(ctx context.Context, p lanyard.Principal, in *connectionID) (*wire.Connection, error) {
	v, err := a.Connections.Get(ctx, p, lanyard.ConnectionID(in.ID))
	return new(a.connectionOf(v)), err
}

type updateConnection struct {
	ID   string `path:"id"`
	Body wire.ConnectionChange
}

func (a *API) updateConnection(ctx context.Context, p lanyard.Principal, in *updateConnection) (*wire.Connection, error) {
	v, err := a.Connections.Update(ctx, p, lanyard.ConnectionID(in.ID), connection.Change{Label: in.Body.Label, Metadata: in.Body.Metadata, Paused: in.Body.Paused, NeededAt: in.Body.NeededAt})
	return new(a.connectionOf(v)), err
}

func (a *API) deleteConnection(ctx context.Context, p lanyard.Principal, in *connectionID) (*wire.Revocation, error) {
	r, err := a.Connections.Delete(ctx, p, lanyard.ConnectionID(in.ID))
	return &wire.Revocation{Outcome: r.Outcome, Detail: r.Detail, LivesUntil: optional(r.LivesUntil)}, err
}

type reconnect struct {
	ID   string `path:"id"`
	Body wire.ReconnectRequest
}

func (a *API) reconnect(ctx context.Context, p lanyard.Principal, in *reconnect) (*wire.ConnectSession, error) {
	made, err := a.Flow.Reconnect(ctx, p, lanyard.ConnectionID(in.ID), in.Body.ReturnURL, in.Body.Origin)
	return invitedOf(made), err
}

type listAttempts struct {
	ID string `path:"id"`
	Page
}

func (a *API) listAttempts(ctx context.Context, p lanyard.Principal, in *listAttempts) (*wire.List[wire.Attempt], error) {
	list, next, err := a.Connections.Attempts(ctx, p, lanyard.ConnectionID(in.ID), in.page())
	out := &wire.List[wire.Attempt]{Data: []wire.Attempt{}, NextCursor: next}
	for _, t := range list {
		out.Data = append(out.Data, wire.Attempt{ID: string(t.ID), Kind: string(t.Kind), Generation: t.Generation, StartedAt: t.StartedAt.UTC(),
			EndedAt: optional(t.EndedAt), Outcome: string(t.Outcome), Class: t.Class, Error: t.Error, HTTPStatus: t.Status, ProviderRequestID: t.RequestID})
	}
	return out, err
}

func (a *API) connectionOf(v connection.View) wire.Connection {
	c := wire.Connection{ID: string(v.ID), Provider: v.Provider, AppID: string(v.App), Kind: v.Grant.Kind, Label: v.Label,
		EndUser: wire.EndUser{ID: v.Person.Ref, Kind: v.Kind, Email: v.Person.Email, DisplayName: v.Person.DisplayName},
		Account: wire.Account{ID: v.Account.ID, Email: v.Account.Email, DisplayName: v.Account.DisplayName, OrganizationID: v.Account.OrganizationID},
		Status:  string(v.Status), Origin: v.Origin, ScopesGranted: some(v.Grant.Scopes), ScopesMissing: some(v.Missing), Metadata: v.Metadata,
		AccessTokenExpiresAt: optional(v.Grant.AccessExpires), LastRefreshedAt: optional(v.Grant.RefreshedAt), NextRefreshAt: optional(v.Grant.RefreshAt),
		CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC()}
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	switch v.Status {
	case lanyard.StatusNeedsReauth, lanyard.StatusDegraded:
		c.Reason, c.Message = string(v.Grant.Reason), lanyard.RowOf(v.Grant.Reason).Happened
	case lanyard.StatusPartial:
		c.Reason, c.Message = string(lanyard.CodeScopesMissing), lanyard.RowOf(lanyard.CodeScopesMissing).Happened
	}
	if v.Status == lanyard.StatusNeedsReauth || v.Status == lanyard.StatusPartial || v.Grant.Reason == lanyard.CodeRefreshUnconfirmed {
		c.ReconnectURL = a.Connections.ReconnectURL(v.Connection)
	}
	return c
}
