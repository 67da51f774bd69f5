package api

import (
	"context"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/web"
	"lanyard/wire"
)

// The operator's door: what exists above projects. It is reached over the
// socket, or with an operator key.
func (a *API) mountOperator(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/operator/projects", ID: "createProject", Tag: "Operator", Scope: web.OperatorOnly, Status: 201,
		Summary: "Make a project"}, a.createProject)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/operator/projects", ID: "listProjects", Tag: "Operator", Scope: web.OperatorOnly,
		Summary: "List projects", Description: "Oldest first."}, a.listProjects)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/operator/keys", ID: "createOperatorKey", Tag: "Operator", Scope: web.OperatorOnly, Status: 201,
		Summary: "Make the first key of a project, or an operator key"}, a.createOperatorKey)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/operator/keys", ID: "listOperatorKeys", Tag: "Operator", Scope: web.OperatorOnly,
		Summary: "List operator keys, or the keys of a project"}, a.listOperatorKeys)
	web.JSON(f, web.Operation{Method: "DELETE", Path: "/v1/operator/keys/{id}", ID: "revokeOperatorKey", Tag: "Operator", Scope: web.OperatorOnly,
		Summary: "Withdraw an operator key", Description: "With ?project=, an API key of that project."}, a.revokeOperatorKey)
}

type createProject struct{ Body wire.NewProject }

func (a *API) createProject(ctx context.Context, p lanyard.Principal, in *createProject) (*wire.Project, error) {
	pr, err := a.Access.CreateProject(ctx, p, in.Body.Name)
	return projectOf(pr), err
}

type listProjects struct{ Page }

func (a *API) listProjects(ctx context.Context, p lanyard.Principal, in *listProjects) (*wire.List[wire.Project], error) {
	list, next, err := a.Access.Projects(ctx, p, in.page())
	out := &wire.List[wire.Project]{Data: []wire.Project{}, NextCursor: next}
	for _, pr := range list {
		out.Data = append(out.Data, *projectOf(pr))
	}
	return out, err
}

type createOperatorKey struct{ Body wire.NewOperatorKey }

func (a *API) createOperatorKey(ctx context.Context, p lanyard.Principal, in *createOperatorKey) (*wire.MadeKey, error) {
	b := in.Body
	if b.Operator && b.Project != "" {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "project: an operator key belongs to no project")
	}
	p, err := on(p, b.Project)
	if err != nil {
		return nil, err
	}
	return a.makeKey(ctx, p, access.NewKey{Operator: b.Operator, Name: b.Name, Scopes: typed[lanyard.Scope](b.Scopes), Providers: b.Providers,
		Labels: b.Labels, CIDRs: b.CIDRs, ExpiresAt: orZero(b.ExpiresAt), Dialect: lanyard.Dialect(b.Dialect), Rules: rulesFrom(b.Rules)})
}

type listOperatorKeys struct {
	Page
	Project string `query:"project" doc:"Of this project; absent: the operator's own"`
}

func (a *API) listOperatorKeys(ctx context.Context, p lanyard.Principal, in *listOperatorKeys) (*wire.List[wire.Key], error) {
	p, err := on(p, in.Project)
	if err != nil {
		return nil, err
	}
	return a.listKeys(ctx, p, &listKeys{in.Page})
}

type operatorKeyID struct {
	ID        string `path:"id"`
	Project   string `query:"project" doc:"An API key of this project"`
	TokenURLs bool   `query:"token_urls" doc:"Revoke the token URLs that it made too, those of bots as well: at once, on every node"`
}

func (a *API) revokeOperatorKey(ctx context.Context, p lanyard.Principal, in *operatorKeyID) (*wire.RevokedKey, error) {
	p, err := on(p, in.Project)
	if err != nil {
		return nil, err
	}
	return a.revokeKey(ctx, p, &revokeKey{in.ID, in.TokenURLs})
}

// on puts the operator onto a project, if one is named.
func on(p lanyard.Principal, project string) (lanyard.Principal, error) {
	if project == "" {
		p.Project = ""
		return p, nil
	}
	if !lanyard.ValidID("prj_", project) {
		return p, lanyard.Errorf(lanyard.CodeNotFound, "there is no such project")
	}
	p.Project = lanyard.ProjectID(project)
	return p, nil
}
