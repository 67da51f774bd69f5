package client

import (
	"context"
	"net/http"

	"lanyard/wire"
)

// Spool says how the answers on the server's local disk are.
func (c *Client) Spool(ctx context.Context) (*wire.Spool, error) {
	return get[wire.Spool](c, ctx, "/v1/operator/spool", nil)
}

// DeclareLost says that a node will not come back, and its disk neither.
func (c *Client) DeclareLost(ctx context.Context, node string) (*wire.LostNode, error) {
	return send[wire.LostNode](c, ctx, http.MethodPost, "/v1/operator/spool/declare-lost", wire.DeclareLost{Node: node})
}
