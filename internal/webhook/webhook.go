// Package webhook keeps what customers are told: events, written in the
// transaction of the change they speak of.
package webhook

import (
	"context"

	"lanyard"
	"lanyard/internal/store"
)

// Service reads events. It is safe for concurrent use.
type Service struct{ store *store.DB }

// New returns a Service.
func New(db *store.DB) *Service { return &Service{db} }

// Events lists events, newest first, and returns the next cursor; no types means
// all. A key that is limited sees those of the connections that it reaches; its
// pages may be shorter.
func (s *Service) Events(ctx context.Context, p lanyard.Principal, page lanyard.Page, types ...lanyard.EventType) (events []lanyard.Event, next string, err error) {
	if err := p.Need(lanyard.ScopeWebhooks); err != nil {
		return nil, "", err
	}
	err = s.store.View(ctx, func(q *store.Query) (err error) {
		if events, next, err = q.Events(p.Project, page, types...); err != nil {
			return err
		}
		reach := store.NewReach(q, p)
		kept := events[:0]
		for _, e := range events {
			ok, err := reach.Connection(e.Connection)
			if err != nil {
				return err
			}
			if ok {
				kept = append(kept, e)
			}
		}
		events = kept
		return nil
	})
	return events, next, err
}
