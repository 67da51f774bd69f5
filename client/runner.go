package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

func runnerPath(id string, more string) string { return "/v1/runners/" + url.PathEscape(id) + more }

// CreateRunner makes a runner; the secret of a webhook is in its answer, this once.
func (c *Client) CreateRunner(ctx context.Context, in wire.NewRunner) (*wire.MadeRunner, error) {
	return create[wire.MadeRunner](c, ctx, "/v1/runners", in)
}

// ListRunners lists runners.
func (c *Client) ListRunners(ctx context.Context, page Page) (*wire.List[wire.Runner], error) {
	return get[wire.List[wire.Runner]](c, ctx, "/v1/runners", page.query())
}

// GetRunner reads a runner.
func (c *Client) GetRunner(ctx context.Context, id string) (*wire.Runner, error) {
	return get[wire.Runner](c, ctx, runnerPath(id, ""), nil)
}

// UpdateRunner changes a runner; what is nil stays.
func (c *Client) UpdateRunner(ctx context.Context, id string, in wire.RunnerChange) (*wire.Runner, error) {
	return send[wire.Runner](c, ctx, http.MethodPatch, runnerPath(id, ""), in)
}

// DeleteRunner deletes a runner.
func (c *Client) DeleteRunner(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, runnerPath(id, ""), nil, nil, nil)
}

// RotateRunnerSecret replaces the secret of a webhook.
func (c *Client) RotateRunnerSecret(ctx context.Context, id string) (*wire.MadeRunner, error) {
	return create[wire.MadeRunner](c, ctx, runnerPath(id, "/rotate"), nil)
}

// CheckRunner asks a runner whether it can be reached and takes its key.
func (c *Client) CheckRunner(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodPost, runnerPath(id, "/check"), nil, nil, nil)
}
