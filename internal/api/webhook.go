package api

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/web"
	"lanyard/internal/webhook"
	"lanyard/wire"
)

func (a *API) mountWebhooks(f *web.Front) {
	const tag, path = "Webhooks", "/v1/webhook-endpoints"
	op := func(method, path, id, summary, description string) web.Operation {
		return web.Operation{Method: method, Path: path, ID: id, Tag: tag, Scope: lanyard.ScopeWebhooks, Summary: summary, Description: description}
	}
	create := op("POST", path, "createWebhookEndpoint", "Make a webhook endpoint",
		"It is told of what happens from now on, by Standard Webhooks: at least once, the same webhook-id on every try. The secret is in this answer and nowhere else.")
	create.Status, create.Creates = 201, true
	web.JSON(f, create, a.createEndpoint)
	web.JSON(f, op("GET", path, "listWebhookEndpoints", "List webhook endpoints", "Newest first."), a.listEndpoints)
	web.JSON(f, op("GET", path+"/{id}", "getWebhookEndpoint", "Read a webhook endpoint", ""), a.getEndpoint)
	web.JSON(f, op("PATCH", path+"/{id}", "updateWebhookEndpoint", "Change a webhook endpoint",
		"Disabling stops what is on its way. Enabling forgets that it failed; what it missed is sent by redeliver."), a.updateEndpoint)
	web.JSON(f, op("DELETE", path+"/{id}", "deleteWebhookEndpoint", "Delete a webhook endpoint", "Its deliveries go, too; the events stay."), a.deleteEndpoint)
	rotate := op("POST", path+"/{id}/rotate", "rotateWebhookSecret", "Replace the secret of a webhook endpoint",
		"For the time of overlap messages are signed by both. The vendors' formats have room for one signature: there the new one holds at once.")
	rotate.Creates = true
	web.JSON(f, rotate, a.rotateEndpoint)
	web.JSON(f, op("POST", path+"/{id}/test", "testWebhookEndpoint", "Send a test event", "Of type endpoint.test, to this endpoint only; the answer is its delivery, to be read again."), a.testEndpoint)
	web.JSON(f, op("POST", path+"/{id}/redeliver", "redeliverToWebhookEndpoint", "Send what was missed",
		"What was given up or stopped, and what happened while the endpoint was disabled. What it has is not sent again."), a.redeliverSince)
	web.JSON(f, op("GET", "/v1/deliveries", "listDeliveries", "List deliveries", "Newest first; of the last 30 days."), a.listDeliveries)
	web.JSON(f, op("GET", "/v1/deliveries/{id}", "getDelivery", "Read a delivery", ""), a.getDelivery)
	web.JSON(f, op("POST", "/v1/deliveries/{id}/redeliver", "redeliver", "Send a delivery again", "With the id it had."), a.redeliver)
}

type createEndpoint struct{ Body wire.NewWebhookEndpoint }

func (a *API) createEndpoint(ctx context.Context, p lanyard.Principal, in *createEndpoint) (*wire.MadeWebhookEndpoint, error) {
	b := in.Body
	e, secret, err := a.Events.Create(ctx, p, webhook.Spec{Name: &b.Name, URL: &b.URL, Format: lanyard.EndpointFormat(b.Format), Types: typed[lanyard.EventType](b.Types)})
	if err != nil {
		return nil, err
	}
	return &wire.MadeWebhookEndpoint{WebhookEndpoint: *endpointOf(e), Secret: string(secret.Reveal())}, nil
}

type listEndpoints struct{ Page }

func (a *API) listEndpoints(ctx context.Context, p lanyard.Principal, in *listEndpoints) (*wire.List[wire.WebhookEndpoint], error) {
	list, next, err := a.Events.List(ctx, p, in.page())
	out := &wire.List[wire.WebhookEndpoint]{Data: []wire.WebhookEndpoint{}, NextCursor: next}
	for _, e := range list {
		out.Data = append(out.Data, *endpointOf(e))
	}
	return out, err
}

type endpointID struct {
	ID string `path:"id"`
}

func (a *API) getEndpoint(ctx context.Context, p lanyard.Principal, in *endpointID) (*wire.WebhookEndpoint, error) {
	e, err := a.Events.Get(ctx, p, lanyard.EndpointID(in.ID))
	return endpointOf(e), err
}

type updateEndpoint struct {
	ID   string `path:"id"`
	Body wire.WebhookEndpointChange
}

func (a *API) updateEndpoint(ctx context.Context, p lanyard.Principal, in *updateEndpoint) (*wire.WebhookEndpoint, error) {
	spec := webhook.Spec{Name: in.Body.Name, URL: in.Body.URL}
	if in.Body.Types != nil {
		spec.Types = typed[lanyard.EventType](in.Body.Types)
	}
	if in.Body.State != nil {
		spec.Enabled = new(*in.Body.State == string(lanyard.EndpointEnabled))
	}
	e, err := a.Events.Update(ctx, p, lanyard.EndpointID(in.ID), spec)
	return endpointOf(e), err
}

func (a *API) deleteEndpoint(ctx context.Context, p lanyard.Principal, in *endpointID) (*web.None, error) {
	return nil, a.Events.Delete(ctx, p, lanyard.EndpointID(in.ID))
}

type rotateEndpoint struct {
	ID   string `path:"id"`
	Body wire.RotateWebhookSecret
}

func (a *API) rotateEndpoint(ctx context.Context, p lanyard.Principal, in *rotateEndpoint) (*wire.MadeWebhookEndpoint, error) {
	overlap := 24 * time.Hour
	if n := in.Body.OverlapSeconds; n != nil {
		overlap = time.Duration(*n) * time.Second
	}
	e, secret, err := a.Events.Rotate(ctx, p, lanyard.EndpointID(in.ID), overlap)
	if err != nil {
		return nil, err
	}
	return &wire.MadeWebhookEndpoint{WebhookEndpoint: *endpointOf(e), Secret: string(secret.Reveal())}, nil
}

func (a *API) testEndpoint(ctx context.Context, p lanyard.Principal, in *endpointID) (*wire.Delivery, error) {
	d, err := a.Events.Test(ctx, p, lanyard.EndpointID(in.ID))
	return deliveryOf(d), err
}

type redeliverSince struct {
	ID   string `path:"id"`
	Body wire.RedeliverSince
}

func (a *API) redeliverSince(ctx context.Context, p lanyard.Principal, in *redeliverSince) (*wire.Redelivered, error) {
	n, at, err := a.Events.RedeliverSince(ctx, p, lanyard.EndpointID(in.ID), in.Body.Since, lanyard.EventID(in.Body.After))
	return &wire.Redelivered{Queued: n, NextCursor: string(at)}, err
}

type listDeliveries struct {
	Page
	EndpointID string `query:"endpoint_id" maxLength:"64"`
	EventID    string `query:"event_id" maxLength:"64"`
	State      string `query:"state" enum:"pending,delivered,failed,stopped"`
}

func (a *API) listDeliveries(ctx context.Context, p lanyard.Principal, in *listDeliveries) (*wire.List[wire.Delivery], error) {
	list, next, err := a.Events.Deliveries(ctx, p, store.DeliveryFilter{Endpoint: lanyard.EndpointID(in.EndpointID),
		Event: lanyard.EventID(in.EventID), State: lanyard.DeliveryState(in.State)}, in.page())
	out := &wire.List[wire.Delivery]{Data: []wire.Delivery{}, NextCursor: next}
	for _, d := range list {
		out.Data = append(out.Data, *deliveryOf(d))
	}
	return out, err
}

type deliveryID struct {
	ID string `path:"id"`
}

func (a *API) getDelivery(ctx context.Context, p lanyard.Principal, in *deliveryID) (*wire.Delivery, error) {
	d, err := a.Events.Delivery(ctx, p, lanyard.DeliveryID(in.ID))
	return deliveryOf(d), err
}

func (a *API) redeliver(ctx context.Context, p lanyard.Principal, in *deliveryID) (*wire.Delivery, error) {
	d, err := a.Events.Redeliver(ctx, p, lanyard.DeliveryID(in.ID))
	return deliveryOf(d), err
}

func endpointOf(e lanyard.Endpoint) *wire.WebhookEndpoint {
	keys := []string{e.PublicKey}
	if e.OldPublicKey != "" {
		keys = append(keys, e.OldPublicKey)
	}
	return &wire.WebhookEndpoint{ID: string(e.ID), Name: e.Name, URL: e.URL, Format: string(e.Format), Types: texts(e.Types), State: string(e.State),
		Reason: string(e.Reason), PublicKeys: keys, OldUntil: optional(e.OldUntil), FailingSince: optional(e.FailingSince),
		HoldUntil: optional(e.HoldUntil), CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC()}
}

func deliveryOf(d webhook.Sent) *wire.Delivery {
	return &wire.Delivery{ID: string(d.ID), EndpointID: string(d.Endpoint), EventID: string(d.Event), Type: string(d.Type), State: string(d.State),
		Tries: d.Tries, NextTryAt: optional(d.TryAt), LastTryAt: optional(d.TriedAt), Status: d.Status, Error: d.Error,
		TookMS: d.Took.Milliseconds(), Answer: d.Excerpt, CreatedAt: d.CreatedAt.UTC()}
}
