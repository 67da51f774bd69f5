package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

// CreateTokenURL makes a URL that a bot vendor calls for a token; it is in the answer and
// nowhere else.
func (c *Client) CreateTokenURL(ctx context.Context, in wire.NewTokenURL) (*wire.MadeTokenURL, error) {
	return create[wire.MadeTokenURL](c, ctx, "/v1/token-urls", in)
}

// ListTokenURLs lists token URLs, newest first.
func (c *Client) ListTokenURLs(ctx context.Context, page Page) (*wire.List[wire.TokenURL], error) {
	return get[wire.List[wire.TokenURL]](c, ctx, "/v1/token-urls", page.query())
}

// ListTokenURLsOfKey lists those that a key has made, those for bots too.
func (c *Client) ListTokenURLsOfKey(ctx context.Context, key string, page Page) (*wire.List[wire.TokenURL], error) {
	q := page.query()
	q.Set("key_id", key)
	return get[wire.List[wire.TokenURL]](c, ctx, "/v1/token-urls", q)
}

// RevokeTokenURLsOfKey revokes all that a key has made, those for bots too.
func (c *Client) RevokeTokenURLsOfKey(ctx context.Context, key string) (*wire.RevokedTokenURLs, error) {
	out := new(wire.RevokedTokenURLs)
	return out, c.Do(ctx, http.MethodDelete, "/v1/token-urls", url.Values{"key_id": {key}}, nil, out)
}

// RevokeTokenURL revokes a token URL.
func (c *Client) RevokeTokenURL(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/token-urls/"+url.PathEscape(id), nil, nil, nil)
}
