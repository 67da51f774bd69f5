package grant

import (
	"context"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

const (
	probeEvery  = 30 * time.Second // calls of an app that is stopped
	stormWindow = 10 * time.Minute
	stormLeast  = 5  // grants refused in it, and
	stormPart   = 20 // one in so many of the app's
)

// Storm says whether so many grants of an app were refused for the first time
// within ten minutes that no refusal is believed: a wrong client id looks like
// everybody's revocation (RFC 6749 §5.2, I9).
func Storm(refused, grants int) bool {
	return refused >= stormLeast && refused*stormPart >= grants
}

// stopped says whether a breaker keeps calls back; one that is wary does not.
func stopped(b lanyard.Breaker) bool {
	return b.State == lanyard.BreakerOpen || b.State == lanyard.BreakerStorm
}

// Trip is what a failed renewal makes of the app's breaker. refused is how many
// grants of the app were refused lately, of so many. It is pure.
func Trip(b lanyard.Breaker, o lanyard.Outcome, problem string, refused, grants int, now time.Time) lanyard.Breaker {
	was := b.State
	switch {
	case o == lanyard.OutcomeAppError:
		b.State, b.Reason, b.Error = lanyard.BreakerOpen, lanyard.CodeAppMisconfigured, problem
	case o == lanyard.OutcomeRejected && Storm(refused, grants):
		b.State, b.Reason, b.Error = lanyard.BreakerStorm, lanyard.CodeRefreshUnconfirmed, problem
	case o == lanyard.OutcomeRejected && was == lanyard.BreakerOpen: // the client was let in again
		b.State = lanyard.BreakerWary
	case was == lanyard.BreakerWary && now.Sub(b.OpenedAt) >= stormWindow:
		b.State = lanyard.BreakerClosed
	}
	if b.State != was {
		b.OpenedAt, b.ProbeAt, b.Probes = now, now.Add(probeEvery), 0
	}
	return b
}

// Mend is what a renewal that worked makes of it.
func Mend(b lanyard.Breaker, now time.Time) lanyard.Breaker {
	switch {
	case b.State == lanyard.BreakerOpen:
		b.State = lanyard.BreakerClosed
	case b.State == lanyard.BreakerStorm: // go on, and look who is refused
		b.State, b.OpenedAt = lanyard.BreakerWary, now
	case b.State == lanyard.BreakerWary && now.Sub(b.OpenedAt) >= stormWindow:
		b.State = lanyard.BreakerClosed
	}
	return b
}

// since is when the refusals that count for a storm begin: those that one storm
// was about do not make the next.
func since(b lanyard.Breaker, now time.Time) time.Time {
	from := now.Add(-stormWindow)
	if b.State == lanyard.BreakerWary && b.OpenedAt.After(from) {
		return b.OpenedAt
	}
	return from
}

// mend tells the app's breaker, in this state, that a renewal worked, in the
// renewal's transaction.
func (s *Service) mend(tx *store.Tx, is lanyard.BreakerState, g lanyard.Grant, now time.Time) error {
	if is == lanyard.BreakerClosed {
		return nil
	}
	b, err := tx.Breaker(g.App)
	if err != nil {
		return err
	}
	return s.move(tx, b, Mend(b, now))
}

// trip tells it that one did not, and says whether the app is stopped now.
func (r *renewal) trip(tx *store.Tx, b lanyard.Breaker, result provider.Result, now time.Time) (bool, error) {
	refused, grants := 0, 0
	if result.Outcome == lanyard.OutcomeRejected {
		var err error
		if refused, err = tx.RejectedSince(r.g.App, since(b, now)); err != nil {
			return false, err
		}
		if refused >= stormLeast {
			if grants, err = tx.CountGrants(r.g.App, refused*stormPart+1); err != nil {
				return false, err
			}
		}
	}
	next := Trip(b, result.Outcome, result.Error, refused, grants, now)
	next.App, next.Project = r.g.App, r.g.Project
	if next.State != b.State {
		next.ConfigVersion = r.ready.App.ConfigVersion
	}
	return stopped(next), r.move(tx, b, next)
}

// move writes a breaker that has changed, with its entry and event, once.
func (s *Service) move(tx *store.Tx, was, is lanyard.Breaker) error {
	if is.State == was.State {
		return nil
	}
	if ok, err := tx.MoveBreaker(is, was.State); err != nil || !ok { // another node was faster
		return err
	}
	what, event := lanyard.ActAppStopped, lanyard.EventAppMisconfigured
	data := map[string]string{"app_id": string(is.App), "reason": string(is.Reason), "provider_error": is.Error, "state": string(is.State)}
	switch {
	case !stopped(is) && stopped(was):
		what, event = lanyard.ActAppRecovered, lanyard.EventAppRecovered
		if _, err := tx.WakeGrants(is.App, 5000); err != nil {
			return err
		}
	case !stopped(is): // wary no more
		return nil
	case is.State == lanyard.BreakerStorm:
		event = lanyard.EventRejectionStorm
	}
	e := lanyard.NewEntry(Scheduled(is.Project), what)
	e.App, e.Detail = is.App, map[string]string{"state": string(is.State), "was": string(was.State), "provider_error": is.Error}
	if stopped(is) {
		e.Outcome, e.Code = "failed", is.Reason
	}
	tx.AddEntry(e)
	return tx.AddEvent(lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: is.Project, Type: event, Data: data})
}

// mayProbe says whether an app that is stopped may make a call now: now and then,
// and at once when its settings have been changed.
func mayProbe(b lanyard.Breaker, configVersion int64, now time.Time) bool {
	return !b.ProbeAt.After(now) || b.ConfigVersion != configVersion
}

// takeProbe lets one caller on all nodes make that call.
func (s *Service) takeProbe(tx *store.Tx, b lanyard.Breaker, configVersion int64, now time.Time) (bool, error) {
	if !mayProbe(b, configVersion, now) {
		return false, nil
	}
	if b.ConfigVersion != configVersion {
		b.ConfigVersion, b.ProbeAt = configVersion, now
		if ok, err := tx.MoveBreaker(b, b.State); err != nil || !ok {
			return false, err
		}
	}
	return tx.ClaimProbe(b.App, s.Node, now.Add(probeEvery))
}

// probe tries apps that are stopped, each at its time: first the client secret
// alone, where the provider has a way for that; then one renewal, the canary.
func (s *Service) probe(ctx context.Context) error {
	var stoppedOnes []lanyard.Breaker
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		stoppedOnes, err = q.Breakers("")
		return err
	})
	for _, b := range stoppedOnes {
		if err != nil || ctx.Err() != nil {
			break
		}
		if stopped(b) {
			err = s.probeApp(ctx, b)
		}
	}
	return err
}

func (s *Service) probeApp(ctx context.Context, b lanyard.Breaker) error {
	var own lanyard.App
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		own, err = q.App(b.Project, b.App)
		return err
	})
	if err != nil {
		return ignoreGone(err)
	}
	ready, err := s.Apps.Open(ctx, own)
	if err != nil {
		return nil //nolint:nilerr // it has no client at the moment; whoever needs one is told
	}
	taken := false
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
		now := tx.Now()
		if b, err = tx.Breaker(b.App); err != nil || !stopped(b) {
			return err
		}
		taken, err = s.takeProbe(tx, b, own.ConfigVersion, now)
		return err
	})
	if err != nil || !taken {
		return err
	}
	proved := false
	if b.State == lanyard.BreakerOpen && ready.Target.ChecksClient() {
		leave, err := s.enter()
		if err != nil {
			return nil //nolint:nilerr // stopping
		}
		defer leave()
		for _, cred := range ready.Credentials {
			call, stop := context.WithTimeout(ctx, ready.Target.Deadline)
			proved = proved || ready.Target.CheckClient(call, cred).State == provider.CheckProved
			stop()
		}
		if !proved {
			return nil
		}
	}
	return s.canary(ctx, b, proved)
}

// canary renews one grant of an app that is stopped, one that was never refused if
// there is any; where none is due, a client secret that was proved is enough.
func (s *Service) canary(ctx context.Context, b lanyard.Breaker, proved bool) error {
	due, err := s.Due(ctx, b.App, 100)
	if err != nil {
		return err
	}
	for i, g := range due {
		if g.RejectedAt.IsZero() || i == len(due)-1 {
			if !g.RejectedAt.IsZero() {
				g = due[0]
			}
			if _, err := s.fly(ctx, g, Scheduled(g.Project), true); err != nil {
				s.Logger.Info("a canary did not get through", "app", b.App, "code", lanyard.CodeOf(err))
			}
			return nil
		}
	}
	if !proved {
		return nil
	}
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		is, err := tx.Breaker(b.App)
		if err != nil || is.State != b.State {
			return err
		}
		if err := s.move(tx, is, Mend(is, tx.Now())); err != nil {
			return fmt.Errorf("close breaker: %w", err)
		}
		return nil
	})
}
