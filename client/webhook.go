package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

func endpointPath(id string, more string) string {
	return "/v1/webhook-endpoints/" + url.PathEscape(id) + more
}

// CreateWebhookEndpoint makes an endpoint; its secret is in the answer, this once.
func (c *Client) CreateWebhookEndpoint(ctx context.Context, in wire.NewWebhookEndpoint) (*wire.MadeWebhookEndpoint, error) {
	return create[wire.MadeWebhookEndpoint](c, ctx, "/v1/webhook-endpoints", in)
}

// ListWebhookEndpoints lists endpoints.
func (c *Client) ListWebhookEndpoints(ctx context.Context, page Page) (*wire.List[wire.WebhookEndpoint], error) {
	return get[wire.List[wire.WebhookEndpoint]](c, ctx, "/v1/webhook-endpoints", page.query())
}

// UpdateWebhookEndpoint changes an endpoint; what is nil stays.
func (c *Client) UpdateWebhookEndpoint(ctx context.Context, id string, in wire.WebhookEndpointChange) (*wire.WebhookEndpoint, error) {
	return send[wire.WebhookEndpoint](c, ctx, http.MethodPatch, endpointPath(id, ""), in)
}

// DeleteWebhookEndpoint deletes an endpoint and its deliveries.
func (c *Client) DeleteWebhookEndpoint(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, endpointPath(id, ""), nil, nil, nil)
}

// RotateWebhookSecret replaces the secret of an endpoint.
func (c *Client) RotateWebhookSecret(ctx context.Context, id string, in wire.RotateWebhookSecret) (*wire.MadeWebhookEndpoint, error) {
	return create[wire.MadeWebhookEndpoint](c, ctx, endpointPath(id, "/rotate"), in)
}

// TestWebhookEndpoint sends a test event and returns its delivery, which is not over yet.
func (c *Client) TestWebhookEndpoint(ctx context.Context, id string) (*wire.Delivery, error) {
	return send[wire.Delivery](c, ctx, http.MethodPost, endpointPath(id, "/test"), nil)
}

// RedeliverToWebhookEndpoint sends what an endpoint has missed.
func (c *Client) RedeliverToWebhookEndpoint(ctx context.Context, id string, in wire.RedeliverSince) (*wire.Redelivered, error) {
	return send[wire.Redelivered](c, ctx, http.MethodPost, endpointPath(id, "/redeliver"), in)
}

// ListDeliveries lists the deliveries of an endpoint, or of all with "".
func (c *Client) ListDeliveries(ctx context.Context, endpoint string, page Page) (*wire.List[wire.Delivery], error) {
	query := page.query()
	if endpoint != "" {
		if query == nil {
			query = url.Values{}
		}
		query.Set("endpoint_id", endpoint)
	}
	return get[wire.List[wire.Delivery]](c, ctx, "/v1/deliveries", query)
}

// GetDelivery reads a delivery.
func (c *Client) GetDelivery(ctx context.Context, id string) (*wire.Delivery, error) {
	return get[wire.Delivery](c, ctx, "/v1/deliveries/"+url.PathEscape(id), nil)
}

// Redeliver sends a delivery again.
func (c *Client) Redeliver(ctx context.Context, id string) (*wire.Delivery, error) {
	return send[wire.Delivery](c, ctx, http.MethodPost, "/v1/deliveries/"+url.PathEscape(id)+"/redeliver", nil)
}
