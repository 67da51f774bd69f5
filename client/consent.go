package client

import (
	"context"
	"net/url"

	"lanyard/wire"
)

// ConsentFilter narrows a list of consents; empty fields do not.
type ConsentFilter struct{ EndUserID, ConnectionID, AppID, Provider, State string }

// ListConsents lists consents, newest first, without the sentences that were shown.
func (c *Client) ListConsents(ctx context.Context, f ConsentFilter, page Page) (*wire.List[wire.Consent], error) {
	q := page.query()
	for name, v := range map[string]string{"end_user_id": f.EndUserID, "connection_id": f.ConnectionID, "app_id": f.AppID, "provider": f.Provider, "state": f.State} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return get[wire.List[wire.Consent]](c, ctx, "/v1/consents", q)
}

// GetConsent reads a consent, with every sentence that the person was shown.
func (c *Client) GetConsent(ctx context.Context, id string) (*wire.Consent, error) {
	return get[wire.Consent](c, ctx, "/v1/consents/"+url.PathEscape(id), nil)
}
