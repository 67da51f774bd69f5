package api

import (
	"context"

	"lanyard"
	"lanyard/internal/runner"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountRunners(f *web.Front) {
	const tag, path = "Bots", "/v1/runners"
	op := func(method, path, id string, scope lanyard.Scope, summary, description string) web.Operation {
		return web.Operation{Method: method, Path: path, ID: id, Tag: tag, Scope: scope, Summary: summary, Description: description}
	}
	create := op("POST", path, "createRunner", lanyard.ScopeAdmin, "Make a runner",
		"Who runs your bots: a vendor, asked with your key, or a URL of yours, told by a signed call. The secret of a webhook is in this answer and nowhere else.")
	create.Status, create.Creates = 201, true
	web.JSON(f, create, a.createRunner)
	web.JSON(f, op("GET", path, "listRunners", lanyard.ScopeRead, "List runners", "Newest first."), a.listRunners)
	web.JSON(f, op("GET", path+"/{id}", "getRunner", lanyard.ScopeRead, "Read a runner", ""), a.getRunner)
	web.JSON(f, op("PATCH", path+"/{id}", "updateRunner", lanyard.ScopeAdmin, "Change a runner", ""), a.updateRunner)
	web.JSON(f, op("DELETE", path+"/{id}", "deleteRunner", lanyard.ScopeAdmin, "Delete a runner", "One that runs no bot any more."), a.deleteRunner)
	rotate := op("POST", path+"/{id}/rotate", "rotateRunnerSecret", lanyard.ScopeAdmin, "Replace the secret of a webhook", "The new one holds at once.")
	rotate.Creates = true
	web.JSON(f, rotate, a.rotateRunner)
	web.JSON(f, op("POST", path+"/{id}/check", "checkRunner", lanyard.ScopeAdmin, "Check a runner",
		"A vendor is asked for a list of its bots, a webhook is told a message of type runner.test. Nothing is made there."), a.checkRunner)
}

type createRunner struct{ Body wire.NewRunner }

func (a *API) createRunner(ctx context.Context, p lanyard.Principal, in *createRunner) (*wire.MadeRunner, error) {
	b := in.Body
	r, shown, err := a.Runners.Create(ctx, p, runner.Spec{Kind: lanyard.RunnerKind(b.Kind), Name: &b.Name, URL: &b.URL, Key: secret(b.Key), Default: &b.Default})
	if err != nil {
		return nil, err
	}
	return madeRunner(r, shown), nil
}

type listRunners struct{ Page }

func (a *API) listRunners(ctx context.Context, p lanyard.Principal, in *listRunners) (*wire.List[wire.Runner], error) {
	list, next, err := a.Runners.List(ctx, p, in.page())
	out := &wire.List[wire.Runner]{Data: []wire.Runner{}, NextCursor: next}
	for _, r := range list {
		out.Data = append(out.Data, *runnerOf(r))
	}
	return out, err
}

type runnerID struct {
	ID string `path:"id"`
}

func (a *API) getRunner(ctx context.Context, p lanyard.Principal, in *runnerID) (*wire.Runner, error) {
	r, err := a.Runners.Get(ctx, p, lanyard.RunnerID(in.ID))
	return runnerOf(r), err
}

type updateRunner struct {
	ID   string `path:"id"`
	Body wire.RunnerChange
}

func (a *API) updateRunner(ctx context.Context, p lanyard.Principal, in *updateRunner) (*wire.Runner, error) {
	b := in.Body
	r, err := a.Runners.Update(ctx, p, lanyard.RunnerID(in.ID), runner.Spec{Name: b.Name, URL: b.URL, Key: secret(b.Key), Default: b.Default})
	return runnerOf(r), err
}

func (a *API) deleteRunner(ctx context.Context, p lanyard.Principal, in *runnerID) (*web.None, error) {
	return nil, a.Runners.Delete(ctx, p, lanyard.RunnerID(in.ID))
}

func (a *API) rotateRunner(ctx context.Context, p lanyard.Principal, in *runnerID) (*wire.MadeRunner, error) {
	r, shown, err := a.Runners.Rotate(ctx, p, lanyard.RunnerID(in.ID))
	if err != nil {
		return nil, err
	}
	return madeRunner(r, shown), nil
}

func (a *API) checkRunner(ctx context.Context, p lanyard.Principal, in *runnerID) (*web.None, error) {
	return nil, a.Runners.Check(ctx, p, lanyard.RunnerID(in.ID))
}

func madeRunner(r lanyard.Runner, shown lanyard.Secret) *wire.MadeRunner {
	made := &wire.MadeRunner{Runner: *runnerOf(r)}
	if !shown.Empty() {
		made.Secret = string(shown.Reveal())
	}
	return made
}

func runnerOf(r lanyard.Runner) *wire.Runner {
	return &wire.Runner{ID: string(r.ID), Kind: string(r.Kind), Name: r.Name, URL: r.URL, Default: r.Default,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
}
