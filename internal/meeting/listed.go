package meeting

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Listed says when the meetings of these grants were listed last; one that is missing
// never was.
func (s *Service) Listed(ctx context.Context, ids []lanyard.GrantID) (map[lanyard.GrantID]time.Time, error) {
	out := map[lanyard.GrantID]time.Time{}
	err := s.Store.View(ctx, func(q *store.Query) error {
		for _, id := range ids {
			l, err := q.Listing(id)
			switch {
			case errors.Is(err, lanyard.NotFound):
			case err != nil:
				return err
			default:
				out[id] = l.ListedAt
			}
		}
		return nil
	})
	return out, err
}
