package meeting

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Listed says when the meetings of these grants were listed last; one that is missing
// never was.
func (s *Service) Listed(ctx context.Context, ids []lanyard.GrantID) (map[lanyard.GrantID]time.Time, error) {
	out := map[lanyard.GrantID]time.Time{}
	err := s.Store.View(ctx, func(q *store.Query) error {
		listings, err := q.Listings(ids)
		for _, l := range listings {
			out[l.Grant] = l.ListedAt
		}
		return err
	})
	return out, err
}
