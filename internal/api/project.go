package api

import (
	"context"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountProject(f *web.Front) {
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/project", ID: "getProject", Tag: "Project", Scope: web.Known,
		Summary: "The project of the key"}, a.getProject)
	web.JSON(f, web.Operation{Method: "PATCH", Path: "/v1/project", ID: "changeProject", Tag: "Project", Scope: lanyard.ScopeAdmin,
		Summary: "Change settings", Description: "What is absent stays as it is. Return URLs and origins are compared character by character, so write them as browsers do."}, a.changeProject)
}

func (a *API) getProject(ctx context.Context, p lanyard.Principal, _ *struct{}) (*wire.Project, error) {
	pr, err := a.Access.Project(ctx, p)
	return projectOf(pr), err
}

type changeProject struct{ Body wire.ProjectChange }

func (a *API) changeProject(ctx context.Context, p lanyard.Principal, in *changeProject) (*wire.Project, error) {
	b := in.Body
	pr, err := a.Access.ChangeProject(ctx, p, access.ProjectChange{
		Name: b.Name, DisplayName: b.DisplayName, LogoURL: b.LogoURL, PrivacyURL: b.PrivacyURL, TermsURL: b.TermsURL, TimeZone: b.TimeZone,
		ReturnURLs: b.ReturnURLs, Origins: b.Origins, NotifyEmails: b.NotifyEmails,
		NotifyPerson: b.NotifyPerson, Language: b.Language,
		UnboundCodes: b.AllowUnboundCodes, CustomAllowed: b.AllowCustomProvider, LinkMode: b.AllowLinkMode, EraseAfter: b.EraseAfterDays,
	})
	return projectOf(pr), err
}

func projectOf(pr lanyard.Project) *wire.Project {
	s := pr.Settings
	return &wire.Project{ID: string(pr.ID), Name: pr.Name, DisplayName: s.DisplayName, LogoURL: s.LogoURL,
		ReturnURLs: some(s.ReturnURLs), Origins: some(s.Origins), PrivacyURL: s.PrivacyURL, TermsURL: s.TermsURL,
		NotifyEmails: some(s.NotifyEmails), NotifyPerson: s.NotifyPerson, Language: s.Language, TimeZone: s.TimeZone, AllowUnboundCodes: s.UnboundCodes,
		AllowCustomProvider: s.CustomAllowed, AllowLinkMode: s.LinkMode, EraseAfterDays: s.EraseAfter, CreatedAt: pr.CreatedAt.UTC(), UpdatedAt: pr.UpdatedAt.UTC()}
}
