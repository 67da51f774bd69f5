package bot

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/runner"
	"lanyard/internal/store"
)

// A vendor is asked for a bot between two transactions. Bot.AskedAt is written by the first,
// and taken away by whoever knows what came of it: the one who asked, or, where that process
// is gone or the answer was lost, the node that holds the bot next.

// lost notes that nobody has the answer to a request. Where it can be found out what came of
// it that is done in a while; otherwise a bot may be on its way, and is not asked for again.
func (s *Service) lost(ctx context.Context, p lanyard.Principal, b lanyard.Bot, r lanyard.Runner, j runner.Job) error {
	if !s.Runners.Resumes(r, j) {
		return s.started(ctx, p, b, "", lanyard.CodeRunnerNoAnswer)
	}
	asked := b.AskedAt
	return s.change(ctx, p, &b, func(tx *store.Tx, _ lanyard.Entry) (lanyard.Entry, error) {
		if b.AskedAt.Equal(asked) {
			b.LeaseUntil = tx.Now().Add(s.scaled(soon))
		}
		return lanyard.Entry{}, s.announce(tx, b)
	})
}

// sure finds out what came of a request for a bot. It is made again where the vendor makes no
// second bot of it, until the bot is called off or given up.
func (s *Service) sure(ctx context.Context, p lanyard.Principal, b lanyard.Bot, now time.Time) error {
	d, err := s.unseal(ctx, b)
	if err != nil {
		return err
	}
	over, hopeless := b.State.Over(), s.hopeless(b)
	until := hopeless.Add(s.scaled(oweFor))
	if over {
		until = b.EndedAt.Add(s.scaled(oweFor))
	}
	var a runner.Answer
	r, err := s.Runners.Find(ctx, b.Project, b.Runner)
	if err == nil {
		a, err = s.Runners.Resume(ctx, r, job(b, d, urlsOf(d)), !over && now.Before(hopeless))
	}
	switch {
	case err == nil && a.OK() && a.Ref != "":
		return s.started(ctx, p, b, a.Ref, "")
	case (err != nil && !errors.Is(err, lanyard.NotFound) || passes(a)) && now.Before(until):
		s.Logger.WarnContext(ctx, "it is not known what came of the request for a bot, and its runner does not say", "bot", b.ID, "status", a.Status, "error", err)
		return s.held(ctx, p, &b, func(tx *store.Tx, _ lanyard.Entry) (lanyard.Entry, error) {
			b.LeaseUntil = tx.Now().Add(s.scaled(often))
			return lanyard.Entry{}, nil
		})
	case err == nil && a.Status != 0 && !a.OK() && !over && b.Starts > 0:
		return s.refused(ctx, p, b, a, nil)
	case err == nil && a.Status != 0 && !a.OK() && !over:
		return s.turnedAway(ctx, p, b)
	}
	return s.started(ctx, p, b, "", lanyard.CodeRunnerNoAnswer)
}

// hopeless is when nobody waits any more for a bot that has been asked for.
func (s *Service) hopeless(b lanyard.Bot) time.Time {
	if !b.GiveUpAt.IsZero() {
		return b.GiveUpAt
	}
	return later(b.JoinAt, b.CreatedAt).Add(s.scaled(b.Patience))
}

// turnedAway ends a bot that its vendor has not taken, of which the caller may not know.
func (s *Service) turnedAway(ctx context.Context, p lanyard.Principal, b lanyard.Bot) error {
	asked := b.AskedAt
	return s.change(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		if !b.AskedAt.Equal(asked) {
			return lanyard.Entry{}, nil
		}
		if b.AskedAt, b.LeaseUntil = (time.Time{}), tx.Now(); !b.May(lanyard.BotFailed) {
			return lanyard.Entry{}, nil
		}
		return s.move(tx, e, &b, lanyard.BotFailed, said{by: "runner", code: lanyard.CodeRunnerRefused})
	})
}
