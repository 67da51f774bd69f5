package client

import (
	"context"

	"lanyard/wire"
)

// CreatePortalSession makes a link with which a person sees and ends their own
// connections.
func (c *Client) CreatePortalSession(ctx context.Context, in wire.NewPortalSession) (*wire.PortalSession, error) {
	return create[wire.PortalSession](c, ctx, "/v1/portal-sessions", in)
}
