package connection

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

// erase erases what was read of accounts whose consent has ended, when the project's
// erase_after_days are over. A project that has shortened them does not shorten what
// runs already.
func (s *Service) erase() worker.Task {
	return worker.Task{Name: "connection.erase", Every: 10 * time.Second, Run: func(ctx context.Context) error {
		var due []lanyard.Connection
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			due, err = q.ToErase(s.Store.Clock(), 100)
			return err
		})
		if err != nil {
			return err
		}
		for _, c := range due {
			err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
				if ok, err := tx.EraseAccount(c.Project, c.ID); err != nil || !ok {
					return lanyard.Entry{}, err
				}
				e := About(lanyard.NewEntry(lanyard.Principal{Project: c.Project, Name: "lanyard"}, lanyard.ActConnectionChanged), c)
				e.Detail = map[string]string{"provider": c.Provider, "change": "account_erased"}
				return e, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}}
}
