package flow

import (
	"context"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/grant"
	"lanyard/internal/store"
)

// Offer stores what codes have brought whose answers this machine's disk has and
// the database has not: after a crash between the two, or a database that lost its
// last seconds. The trip then goes on as if nothing had happened (I21).
func (s *Service) Offer(ctx context.Context) error {
	codes, err := s.Grants.Offer(ctx)
	if err != nil {
		err = fmt.Errorf("offer receipts: %w", err)
	}
	for _, c := range codes {
		if one := s.restore(ctx, c); one != nil {
			err = errors.Join(err, fmt.Errorf("restore flow %s: %w", c.Flow, one))
		}
	}
	return err
}

func (s *Service) restore(ctx context.Context, c grant.Exchanged) error {
	var f lanyard.Flow
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		f, err = q.Flow(c.Flow)
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		return s.Grants.Settled(ctx, c)
	}
	if err != nil {
		return err
	}
	from := f.State
	switch from {
	case lanyard.FlowRedeeming, lanyard.FlowParked, lanyard.FlowStarted: // the last two: the database has forgotten that the code was spent
	default:
		return s.Grants.Settled(ctx, c)
	}
	if from != lanyard.FlowRedeeming {
		f.ExpiresAt = f.CreatedAt.Add(redeemFor) // nor does it know when; it was not before the trip began
	}
	if f.Session != "" {
		f.StateHash = nil
	}
	next, err := s.received(ctx, f, c.Issued)
	if err != nil {
		return err
	}
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error { return s.keep(tx, next, from) })
	if err != nil {
		return err
	}
	s.Logger.Info("what a code brought was stored after all", "flow", f.ID)
	return s.Grants.Settled(ctx, c)
}
