package webhook

import (
	"context"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Sent is a delivery with how the last answer began.
type Sent struct {
	lanyard.Delivery
	Excerpt string
}

// Deliveries lists deliveries that fit the filter, newest first, and returns the
// next cursor.
func (s *Service) Deliveries(ctx context.Context, p lanyard.Principal, f store.DeliveryFilter, page lanyard.Page) (out []Sent, nextCursor string, err error) {
	if err := may(p); err != nil {
		return nil, "", err
	}
	var list []lanyard.Delivery
	err = s.Store.View(ctx, func(q *store.Query) error {
		list, nextCursor, err = q.Deliveries(p.Project, f, page)
		return err
	})
	for _, d := range list {
		if err != nil {
			return nil, "", err
		}
		var one Sent
		one, err = s.sent(ctx, d)
		out = append(out, one)
	}
	return out, nextCursor, err
}

// Delivery returns one delivery.
func (s *Service) Delivery(ctx context.Context, p lanyard.Principal, id lanyard.DeliveryID) (out Sent, err error) {
	if err := may(p); err != nil {
		return out, err
	}
	var d lanyard.Delivery
	err = s.Store.View(ctx, func(q *store.Query) error {
		d, err = q.Delivery(p.Project, id)
		return err
	})
	if err != nil {
		return out, err
	}
	return s.sent(ctx, d)
}

func (s *Service) sent(ctx context.Context, d lanyard.Delivery) (Sent, error) {
	if len(d.Answer) == 0 {
		return Sent{Delivery: d}, nil
	}
	text, err := s.Vault.Open(ctx, vault.ProjectKey(d.Project), answerPlace(d), d.Answer)
	return Sent{Delivery: d, Excerpt: string(text.Reveal())}, err
}

// Redeliver sends a delivery again, from the first try on and with the id it had.
// Error: webhook_disabled.
func (s *Service) Redeliver(ctx context.Context, p lanyard.Principal, id lanyard.DeliveryID) (Sent, error) {
	if err := may(p); err != nil {
		return Sent{}, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		d, err := tx.Delivery(p.Project, id)
		if err != nil {
			return lanyard.Entry{}, err
		}
		e, err := enabled(tx, p.Project, d.Endpoint)
		if err != nil {
			return lanyard.Entry{}, err
		}
		entry := describe(p, e, "redelivered")
		entry.Detail["event"] = string(d.Event)
		return entry, tx.Requeue(p.Project, id)
	})
	if err != nil {
		return Sent{}, err
	}
	return s.Delivery(ctx, p, id)
}

// RedeliverSince sends an endpoint what it has missed since a moment: what was given
// up or stopped, and what happened while it was disabled. It looks at 1000 events at
// a time, after the one given, and returns how many it queued and where to go on; "" is
// the end. Error: webhook_disabled.
func (s *Service) RedeliverSince(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID, since time.Time, after lanyard.EventID) (queued int, at lanyard.EventID, err error) {
	if err := may(p); err != nil {
		return 0, "", err
	}
	const some = 1000
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e, err := public(enabled(tx, p.Project, id))
		if err != nil {
			return lanyard.Entry{}, err
		}
		events, err := tx.EventsSince(p.Project, since, after, some)
		if err != nil {
			return lanyard.Entry{}, err
		}
		for _, ev := range events {
			again, err := requeue(tx, e, ev)
			if err != nil {
				return lanyard.Entry{}, err
			}
			if again {
				queued++
			}
		}
		if len(events) == some {
			at = events[some-1].ID
		}
		return describe(p, e, "redelivered"), nil
	})
	return queued, at, err
}

// requeue queues an event for an endpoint unless it has it, or will.
func requeue(tx *store.Tx, e lanyard.Endpoint, ev lanyard.Event) (bool, error) {
	if !told(e, ev) || ev.Type == lanyard.EventEndpointTest {
		return false, nil
	}
	if hear, err := listeners(&tx.Query, ev, []lanyard.Endpoint{e}); err != nil || !slices.ContainsFunc(hear, func(is lanyard.Endpoint) bool { return is.ID == e.ID }) {
		return false, err
	}
	added, err := tx.AddDelivery(lanyard.Delivery{Project: ev.Project, Endpoint: e.ID, Event: ev.ID, Type: ev.Type})
	if err != nil || added {
		return added, err
	}
	d, err := tx.DeliveryOf(e.ID, ev.ID)
	if err != nil || d.State == lanyard.DeliveryDelivered || d.State == lanyard.DeliveryPending {
		return false, err
	}
	return true, tx.Requeue(ev.Project, d.ID)
}

// Test sends an endpoint an event of type endpoint.test, which nobody else is told
// of, and returns its delivery. Error: webhook_disabled.
func (s *Service) Test(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID) (Sent, error) {
	if err := may(p); err != nil {
		return Sent{}, err
	}
	d := lanyard.Delivery{ID: lanyard.NewID[lanyard.DeliveryID]("dlv_"), Project: p.Project, Endpoint: id,
		Event: lanyard.NewID[lanyard.EventID]("evt_"), Type: lanyard.EventEndpointTest}
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e, err := public(enabled(tx, p.Project, id))
		if err != nil {
			return lanyard.Entry{}, err
		}
		err = tx.AddEvent(lanyard.Event{ID: d.Event, Project: p.Project, Type: d.Type, Data: map[string]string{"endpoint_id": string(id)}})
		if err != nil {
			return lanyard.Entry{}, err
		}
		if _, err := tx.HandEvent(d.Event); err != nil {
			return lanyard.Entry{}, err
		}
		_, err = tx.AddDelivery(d)
		return describe(p, e, "tested"), err
	})
	if err != nil {
		return Sent{}, err
	}
	return s.Delivery(ctx, p, d.ID)
}

func enabled(tx *store.Tx, project lanyard.ProjectID, id lanyard.EndpointID) (lanyard.Endpoint, error) {
	e, err := tx.LockEndpoint(project, id)
	if err == nil && e.State != lanyard.EndpointEnabled {
		err = lanyard.Errorf(lanyard.CodeWebhookDisabled, "")
	}
	return e, err
}
