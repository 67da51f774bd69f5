package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lanyard/wire"
)

// CreateConnectSession invites a person to connect.
func (c *Client) CreateConnectSession(ctx context.Context, in wire.NewConnectSession) (*wire.ConnectSession, error) {
	return create[wire.ConnectSession](c, ctx, "/v1/connect-sessions", in)
}

// GetConnectSession says how far an invitation has come; it waits up to 55
// seconds for a change.
func (c *Client) GetConnectSession(ctx context.Context, id string, wait time.Duration) (*wire.ConnectSession, error) {
	q := url.Values{}
	if wait > 0 {
		q.Set("wait", strconv.Itoa(int(wait.Seconds())))
	}
	return get[wire.ConnectSession](c, ctx, "/v1/connect-sessions/"+url.PathEscape(id), q)
}

// Authorize is what a URL for a callback of your own is made for.
type Authorize struct {
	AppID, RedirectURI, EndUserID string
	State, Label                  string // optional
}

// GetAuthorizeURL begins the journey with a callback of your own.
func (c *Client) GetAuthorizeURL(ctx context.Context, a Authorize) (*wire.AuthorizeURL, error) {
	q := url.Values{"app_id": {a.AppID}, "redirect_uri": {a.RedirectURI}, "end_user_id": {a.EndUserID}}
	if a.State != "" {
		q.Set("state", a.State)
	}
	if a.Label != "" {
		q.Set("label", a.Label)
	}
	return get[wire.AuthorizeURL](c, ctx, "/v1/authorize-url", q)
}

// CreateConnection completes either journey.
func (c *Client) CreateConnection(ctx context.Context, in wire.NewConnection) (*wire.CompletedConnection, error) {
	return create[wire.CompletedConnection](c, ctx, "/v1/connections", in)
}

// ConnectionFilter narrows a list of connections; empty fields do not.
type ConnectionFilter struct{ EndUserID, Provider, AppID, Status, Label string }

// ListConnections lists connections, newest first.
func (c *Client) ListConnections(ctx context.Context, f ConnectionFilter, page Page) (*wire.List[wire.Connection], error) {
	q := page.query()
	for name, v := range map[string]string{"end_user_id": f.EndUserID, "provider": f.Provider, "app_id": f.AppID, "status": f.Status, "label": f.Label} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return get[wire.List[wire.Connection]](c, ctx, "/v1/connections", q)
}

// GetConnection reads a connection.
func (c *Client) GetConnection(ctx context.Context, id string) (*wire.Connection, error) {
	return get[wire.Connection](c, ctx, "/v1/connections/"+url.PathEscape(id), nil)
}

// UpdateConnection changes label or metadata, pauses or resumes.
func (c *Client) UpdateConnection(ctx context.Context, id string, in wire.ConnectionChange) (*wire.Connection, error) {
	return send[wire.Connection](c, ctx, http.MethodPatch, "/v1/connections/"+url.PathEscape(id), in)
}

// DeleteConnection disconnects, and says how that went at the provider.
func (c *Client) DeleteConnection(ctx context.Context, id string) (*wire.Revocation, error) {
	return send[wire.Revocation](c, ctx, http.MethodDelete, "/v1/connections/"+url.PathEscape(id), nil)
}

// ReconnectConnection invites the person to connect the same account again.
func (c *Client) ReconnectConnection(ctx context.Context, id string, in wire.ReconnectRequest) (*wire.ConnectSession, error) {
	return create[wire.ConnectSession](c, ctx, "/v1/connections/"+url.PathEscape(id)+"/reconnect", in)
}

// ListAttempts lists the calls to the provider's token endpoint, newest first.
func (c *Client) ListAttempts(ctx context.Context, id string, page Page) (*wire.List[wire.Attempt], error) {
	return get[wire.List[wire.Attempt]](c, ctx, "/v1/connections/"+url.PathEscape(id)+"/attempts", page.query())
}
