package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

// Whoami says who asks, as the server sees it.
func (c *Client) Whoami(ctx context.Context) (*wire.Whoami, error) {
	return get[wire.Whoami](c, ctx, "/v1/whoami", nil)
}

// GetProject returns the project of the key, or the one the operator acts on.
func (c *Client) GetProject(ctx context.Context) (*wire.Project, error) {
	return get[wire.Project](c, ctx, "/v1/project", nil)
}

// ChangeProject changes settings; what is nil stays.
func (c *Client) ChangeProject(ctx context.Context, in wire.ProjectChange) (*wire.Project, error) {
	return send[wire.Project](c, ctx, http.MethodPatch, "/v1/project", in)
}

// CreateKey makes an API key; its credential is in the answer and nowhere else.
func (c *Client) CreateKey(ctx context.Context, in wire.NewKey) (*wire.MadeKey, error) {
	return create[wire.MadeKey](c, ctx, "/v1/keys", in)
}

// ListKeys lists API keys, newest first.
func (c *Client) ListKeys(ctx context.Context, page Page) (*wire.List[wire.Key], error) {
	return get[wire.List[wire.Key]](c, ctx, "/v1/keys", page.query())
}

// RevokeKey withdraws an API key, and with tokenURLs the token URLs that it made.
func (c *Client) RevokeKey(ctx context.Context, id string, tokenURLs bool) (*wire.RevokedKey, error) {
	return c.revokeKey(ctx, "/v1/keys/", id, url.Values{}, tokenURLs)
}

func (c *Client) revokeKey(ctx context.Context, path, id string, q url.Values, tokenURLs bool) (*wire.RevokedKey, error) {
	if tokenURLs {
		q.Set("token_urls", "true")
	}
	out := new(wire.RevokedKey)
	return out, c.Do(ctx, http.MethodDelete, path+url.PathEscape(id), q, nil, out)
}
