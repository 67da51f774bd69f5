package api

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountSessions(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/connect-sessions", ID: "createConnectSession", Tag: "Connect", Scope: lanyard.ScopeConnect, Status: 201, Creates: true,
		Summary:     "Invite a person to connect",
		Description: "The answer's connect_url is for that person's browser. When they come back to return_url, post the lanyard_completion it carries to /v1/connections."}, a.createSession)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/connect-sessions/{id}", ID: "getConnectSession", Tag: "Connect", Scope: lanyard.ScopeConnect,
		Summary: "See how far an invitation has come", Description: "With wait, the answer comes when that changes, or after so many seconds: for chatbots that have no page to return to."}, a.getSession)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/authorize-url", ID: "getAuthorizeUrl", Tag: "Connect", Scope: lanyard.ScopeConnect,
		Summary:     "Begin with a callback of your own",
		Description: "The state on the wire is ours and works once; yours is given back when the connection is made. No browser is seen by us, and the log says so."}, a.authorizeURL)
}

type createSession struct{ Body wire.NewConnectSession }

func (a *API) createSession(ctx context.Context, p lanyard.Principal, in *createSession) (*wire.ConnectSession, error) {
	b := in.Body
	made, err := a.Flow.CreateSession(ctx, p, flow.NewSession{App: lanyard.AppID(b.AppID), Provider: b.Provider, EndUser: endUser(b.EndUser),
		ReturnURL: b.ReturnURL, Origin: b.Origin, Label: b.Label, Metadata: b.Metadata, Scopes: b.Scopes,
		ScopesOptional: b.ScopesOptional, ExpiresIn: time.Duration(b.ExpiresInSeconds) * time.Second,
		Expected: lanyard.Expected{Subject: b.ExpectedSubject, Email: b.ExpectedEmail}})
	return invitedOf(made), err
}

type getSession struct {
	ID   string `path:"id"`
	Wait int    `query:"wait" minimum:"0" maximum:"55" doc:"Seconds to wait for a change"`
}

func (a *API) getSession(ctx context.Context, p lanyard.Principal, in *getSession) (*wire.ConnectSession, error) {
	s, err := a.Flow.Session(ctx, p, lanyard.SessionID(in.ID), time.Duration(in.Wait)*time.Second)
	return sessionOf(s), err
}

type authorizeURL struct {
	AppID       string `query:"app_id" required:"true"`
	RedirectURI string `query:"redirect_uri" required:"true" maxLength:"2000" doc:"One of the app's redirect_uris, exactly"`
	EndUserID   string `query:"end_user_id" required:"true" maxLength:"255"`
	State       string `query:"state" maxLength:"1024" doc:"Your own; it is not sent to the provider"`
	Label       string `query:"label" maxLength:"64"`
}

func (a *API) authorizeURL(ctx context.Context, p lanyard.Principal, in *authorizeURL) (*wire.AuthorizeURL, error) {
	u, err := a.Flow.AuthorizeURL(ctx, p, flow.NewAuthorize{App: lanyard.AppID(in.AppID), RedirectURI: in.RedirectURI,
		EndUser: connection.EndUser{ID: in.EndUserID}, State: in.State, Label: in.Label})
	return &wire.AuthorizeURL{AuthorizeURL: u.URL, State: u.State, ExpiresAt: u.ExpiresAt.UTC()}, err
}

func endUser(u wire.EndUser) connection.EndUser {
	return connection.EndUser{ID: u.ID, Kind: u.Kind, Email: u.Email, DisplayName: u.DisplayName}
}

func invitedOf(i flow.Invited) *wire.ConnectSession {
	out := sessionOf(i.Session)
	out.ConnectURL = i.ConnectURL
	return out
}

func sessionOf(s lanyard.Session) *wire.ConnectSession {
	out := &wire.ConnectSession{ID: string(s.ID), Purpose: s.Purpose, AppID: string(s.App), Status: string(s.State),
		ConnectionID: string(s.Connection), LastError: string(s.LastError), ExpiresAt: s.ExpiresAt.UTC(), CreatedAt: s.CreatedAt.UTC()}
	if s.LastError != "" {
		out.UserMessage = lanyard.RowOf(s.LastError).UserMessage
	}
	return out
}
