package api

import (
	"cmp"
	"context"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountApps(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/apps", ID: "createApp", Tag: "Apps", Scope: lanyard.ScopeAdmin, Status: 201, Creates: true,
		Summary:     "Register an OAuth client",
		Description: "Without client id it is a draft: the answer carries the redirect_uri and webhook_url to paste at the provider. Send id and secret when the provider has given them."}, a.createApp)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/apps", ID: "listApps", Tag: "Apps", Scope: lanyard.ScopeRead,
		Summary: "List apps"}, a.listApps)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/apps/{id}", ID: "getApp", Tag: "Apps", Scope: lanyard.ScopeRead,
		Summary: "Read an app"}, a.getApp)
	web.JSON(f, web.Operation{Method: "PATCH", Path: "/v1/apps/{id}", ID: "updateApp", Tag: "Apps", Scope: lanyard.ScopeAdmin,
		Summary:     "Change an app",
		Description: "During a rotation of the client secret, put the new one into next_client_secret: it is tried when the provider refuses the old one. Likewise next_webhook_secret: notices signed with either are believed."}, a.updateApp)
	web.JSON(f, web.Operation{Method: "DELETE", Path: "/v1/apps/{id}", ID: "deleteApp", Tag: "Apps", Scope: lanyard.ScopeAdmin,
		Summary: "Delete an app", Description: "Refused while connections exist."}, a.deleteApp)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/apps/{id}/check", ID: "checkApp", Tag: "Apps", Scope: lanyard.ScopeAdmin,
		Summary: "Check an app", Description: "Each line is proved, refused, or cannot be known from here. No person's grant is touched."}, a.checkApp)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/apps/{id}/sdk-signature", ID: "createSdkSignature", Tag: "Apps", Scope: web.Known,
		Summary:     "Start a bot's Meeting SDK",
		Description: "A JWT of the app (HS256, with its client secret). The key needs a join scope, and join:zak for role 1. For the native SDKs no meeting number is needed."}, a.sdkSignature)
}

type sdkSignature struct {
	ID   string `path:"id"`
	Body wire.SDKSignatureRequest
}

func (a *API) sdkSignature(ctx context.Context, p lanyard.Principal, in *sdkSignature) (*wire.SDKSignature, error) {
	b := in.Body
	made, err := a.Apps.SDKSignature(ctx, p, lanyard.AppID(in.ID), provider.SDKSignature{Meeting: b.MeetingNumber, Role: b.Role, Life: time.Duration(b.LifetimeSeconds) * time.Second})
	if err != nil {
		return nil, err
	}
	return &wire.SDKSignature{Signature: string(made.Signature.Reveal()), ClientID: made.ClientID, IssuedAt: made.IssuedAt.UTC(), ExpiresAt: made.ExpiresAt.UTC(),
		Parameters: parameters(made.SDK)}, nil
}

type createApp struct{ Body wire.NewApp }

func (a *API) createApp(ctx context.Context, p lanyard.Principal, in *createApp) (*wire.App, error) {
	spec := specOf(in.Body.AppChange)
	spec.Provider = in.Body.Provider
	made, err := a.Apps.Create(ctx, p, spec)
	return a.appOf(made), err
}

type listApps struct{ Page }

func (a *API) listApps(ctx context.Context, p lanyard.Principal, in *listApps) (*wire.List[wire.App], error) {
	list, next, err := a.Apps.List(ctx, p, in.page())
	out := &wire.List[wire.App]{Data: []wire.App{}, NextCursor: next}
	for _, one := range list {
		out.Data = append(out.Data, *a.appOf(one))
	}
	return out, err
}

type appID struct {
	ID string `path:"id"`
}

func (a *API) getApp(ctx context.Context, p lanyard.Principal, in *appID) (*wire.App, error) {
	one, err := a.Apps.Get(ctx, p, lanyard.AppID(in.ID))
	return a.appOf(one), err
}

type updateApp struct {
	ID   string `path:"id"`
	Body wire.AppChange
}

func (a *API) updateApp(ctx context.Context, p lanyard.Principal, in *updateApp) (*wire.App, error) {
	one, err := a.Apps.Update(ctx, p, lanyard.AppID(in.ID), specOf(in.Body))
	return a.appOf(one), err
}

func (a *API) deleteApp(ctx context.Context, p lanyard.Principal, in *appID) (*web.None, error) {
	return nil, a.Apps.Delete(ctx, p, lanyard.AppID(in.ID))
}

func (a *API) checkApp(ctx context.Context, p lanyard.Principal, in *appID) (*wire.AppCheck, error) {
	lines, err := a.Apps.Check(ctx, p, lanyard.AppID(in.ID))
	out := &wire.AppCheck{Lines: []wire.CheckLine{}}
	for _, l := range lines {
		out.Lines = append(out.Lines, wire.CheckLine{What: l.What, State: l.State, How: l.How})
	}
	return out, err
}

func specOf(c wire.AppChange) app.Spec {
	return app.Spec{Name: c.Name, ClientID: c.ClientID, Secret: secret(c.ClientSecret), NextSecret: secret(c.NextClientSecret),
		WebhookSecret: secret(c.WebhookSecret), NextWebhookSecret: secret(c.NextWebhookSecret), Scopes: c.Scopes, ScopesOptional: c.ScopesOptional, RedirectURIs: c.RedirectURIs,
		Endpoints: c.Endpoints, Params: c.Params, Custom: c.Custom, PKCE: c.PKCE,
		Published: published(c.Published)}
}

func published(s *string) *lanyard.Published {
	if s == nil {
		return nil
	}
	if *s == "unknown" {
		return new(lanyard.PublishedUnknown)
	}
	return new(lanyard.Published(*s))
}

func publishedOf(one lanyard.App) *wire.Published {
	words := func(p lanyard.Published) string { return cmp.Or(string(p), "unknown") }
	is, refuted := one.Publication()
	out := &wire.Published{Is: words(is), Declared: words(one.Published), DeclaredAt: optional(one.PublishedAt), Refuted: refuted}
	if refuted {
		out.Code, out.RefutedAt = one.Refuted, optional(one.RefutedAt)
	}
	return out
}

func secret(s *string) *lanyard.Secret {
	if s == nil {
		return nil
	}
	return new(lanyard.NewSecret(*s))
}

func (a *API) appOf(one lanyard.App) *wire.App {
	out := &wire.App{ID: string(one.ID), Provider: one.Provider, Name: one.Name, State: string(one.State), ClientID: one.ClientID,
		HasSecret: len(one.Secret) > 0, HasNextSecret: len(one.NextSecret) > 0, HasWebhookSecret: len(one.WebhookSecret) > 0,
		HasNextWebhookSecret: len(one.NextWebhookSecret) > 0,
		Scopes:               some(one.Scopes), ScopesOptional: some(one.ScopesOptional), RedirectURIs: some(one.RedirectURIs),
		Endpoints: one.Endpoints, Params: one.Params, PKCE: one.PKCE, RedirectURI: a.Apps.RedirectURI(one.ID),
		WebhookURL: a.Apps.WebhookURL(one), CreatedAt: one.CreatedAt.UTC(), UpdatedAt: one.UpdatedAt.UTC()}
	if a.Apps.Signs(one) {
		out.Published = publishedOf(one)
	}
	return out
}
