package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

// Preflight says whether a bot can join a meeting, and if not, who has to do what.
func (c *Client) Preflight(ctx context.Context, in wire.PreflightRequest) (*wire.Preflight, error) {
	return send[wire.Preflight](c, ctx, http.MethodPost, "/v1/preflight", in)
}

// SDKSignature makes a signature that starts a bot's Meeting SDK.
func (c *Client) SDKSignature(ctx context.Context, app string, in wire.SDKSignatureRequest) (*wire.SDKSignature, error) {
	return send[wire.SDKSignature](c, ctx, http.MethodPost, "/v1/apps/"+url.PathEscape(app)+"/sdk-signature", in)
}
