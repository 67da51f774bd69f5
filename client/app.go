package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

// ListProviders lists the catalogue.
func (c *Client) ListProviders(ctx context.Context) (*wire.List[wire.Provider], error) {
	return get[wire.List[wire.Provider]](c, ctx, "/v1/providers", nil)
}

// GetProvider reads an entry of the catalogue.
func (c *Client) GetProvider(ctx context.Context, id string) (*wire.Provider, error) {
	return get[wire.Provider](c, ctx, "/v1/providers/"+url.PathEscape(id), nil)
}

// CreateApp registers an OAuth client; without client id it is a draft.
func (c *Client) CreateApp(ctx context.Context, in wire.NewApp) (*wire.App, error) {
	return create[wire.App](c, ctx, "/v1/apps", in)
}

// ListApps lists apps.
func (c *Client) ListApps(ctx context.Context, page Page) (*wire.List[wire.App], error) {
	return get[wire.List[wire.App]](c, ctx, "/v1/apps", page.query())
}

// GetApp reads an app.
func (c *Client) GetApp(ctx context.Context, id string) (*wire.App, error) {
	return get[wire.App](c, ctx, "/v1/apps/"+url.PathEscape(id), nil)
}

// UpdateApp changes an app; what is nil stays.
func (c *Client) UpdateApp(ctx context.Context, id string, in wire.AppChange) (*wire.App, error) {
	return send[wire.App](c, ctx, http.MethodPatch, "/v1/apps/"+url.PathEscape(id), in)
}

// DeleteApp deletes an app without connections.
func (c *Client) DeleteApp(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/apps/"+url.PathEscape(id), nil, nil, nil)
}

// CheckApp says what can be known about an app.
func (c *Client) CheckApp(ctx context.Context, id string) (*wire.AppCheck, error) {
	return send[wire.AppCheck](c, ctx, http.MethodPost, "/v1/apps/"+url.PathEscape(id)+"/check", nil)
}
