package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

// GetToken reads the access token of a connection.
func (c *Client) GetToken(ctx context.Context, id string, in wire.TokenRequest) (*wire.Token, error) {
	return send[wire.Token](c, ctx, http.MethodPost, "/v1/connections/"+url.PathEscape(id)+"/token", in)
}

// GetTokenFor reads an access token by end user.
func (c *Client) GetTokenFor(ctx context.Context, in wire.TokenFor) (*wire.Token, error) {
	return send[wire.Token](c, ctx, http.MethodPost, "/v1/tokens", in)
}

// ReportToken says that the provider refused a token.
func (c *Client) ReportToken(ctx context.Context, id string, in wire.TokenReport) (*wire.Renewed, error) {
	return send[wire.Renewed](c, ctx, http.MethodPost, "/v1/connections/"+url.PathEscape(id)+"/token/report", in)
}

// RefreshConnection renews now.
func (c *Client) RefreshConnection(ctx context.Context, id string, in wire.ForcedRefresh) (*wire.Renewed, error) {
	return send[wire.Renewed](c, ctx, http.MethodPost, "/v1/connections/"+url.PathEscape(id)+"/refresh", in)
}

// CreateJoinTokens mints what a meeting needs.
func (c *Client) CreateJoinTokens(ctx context.Context, in wire.JoinTokenRequest) (*wire.JoinTokens, error) {
	return send[wire.JoinTokens](c, ctx, http.MethodPost, "/v1/join-tokens", in)
}
