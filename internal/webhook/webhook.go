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

// Events lists events, newest first, and returns the next cursor; no types means all.
func (s *Service) Events(ctx context.Context, p lanyard.Principal, page lanyard.Page, types ...lanyard.EventType) (events []lanyard.Event, next string, err error) {
	if err := p.Need(lanyard.ScopeWebhooks); err != nil {
		return nil, "", err
	}
	err = s.store.View(ctx, func(q *store.Query) (err error) {
		events, next, err = q.Events(p.Project, page, types...)
		return err
	})
	return events, next, err
}
