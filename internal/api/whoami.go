package api

import (
	"context"

	"lanyard"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountWhoami(f *web.Front) {
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/whoami", ID: "whoami", Tag: "Access", Scope: web.Known, NoProject: true,
		Summary: "Who asks", Description: "The key as the server sees it: its project, scopes and limits."}, a.whoami)
}

func (a *API) whoami(_ context.Context, p lanyard.Principal, _ *struct{}) (*wire.Whoami, error) {
	return &wire.Whoami{Name: p.Name, Project: string(p.Project), Operator: p.Operator, KeyID: string(p.Key), Scopes: texts(p.Scopes),
		Providers: p.Providers, Labels: p.Labels, ExpiresAt: optional(p.ExpiresAt)}, nil
}
