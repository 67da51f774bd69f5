package client

import (
	"context"
	"net/http"

	"lanyard/wire"
)

// RefreshStatus says what is due, and how renewing it goes on the node that answers.
func (c *Client) RefreshStatus(ctx context.Context) (*wire.Refresh, error) {
	return get[wire.Refresh](c, ctx, "/v1/operator/refresh", nil)
}

// StopRefresh stops renewals on all nodes, within seconds.
func (c *Client) StopRefresh(ctx context.Context, in wire.StopRefresh) (*wire.Refresh, error) {
	return send[wire.Refresh](c, ctx, http.MethodPost, "/v1/operator/refresh/stop", in)
}

// StartRefresh undoes StopRefresh.
func (c *Client) StartRefresh(ctx context.Context) (*wire.Refresh, error) {
	return send[wire.Refresh](c, ctx, http.MethodPost, "/v1/operator/refresh/start", nil)
}
