package bot

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/runner"
	"lanyard/internal/store"
)

const (
	oweFor  = 10 * time.Minute // a runner is told that a bot is over
	unheard = 48 * time.Hour   // after its hour a vendor that says nothing of a bot has none
)

// inform tells a webhook that a bot is to join. It is told again, under the same id, until
// it takes it or the bot is given up.
func (s *Service) inform(ctx context.Context, p lanyard.Principal, b lanyard.Bot) error {
	d, err := s.unseal(ctx, b)
	if err != nil {
		return err
	}
	var a runner.Answer
	r, err := s.Runners.Find(ctx, b.Project, b.Runner)
	if err == nil {
		a, err = s.Runners.Start(ctx, r, job(b, d, urlsOf(d)))
	}
	if err != nil {
		s.Logger.WarnContext(ctx, "a runner was not told of a bot, and is told again", "bot", b.ID, "error", err)
	}
	return s.held(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		switch b.LeaseUntil = tx.Now(); {
		case err == nil && a.OK():
			b.ToldAt = tx.Now()
			if b.Ref == "" {
				b.Ref = a.Ref
			}
		case err == nil && !passes(a) && b.State.May(lanyard.BotFailed):
			return s.move(tx, e, &b, lanyard.BotFailed, said{by: "runner", code: lanyard.CodeRunnerRefused})
		case b.State.Over(): // perhaps it has been told, though its answer was lost
			if b.ToldAt = tx.Now(); err == nil {
				b.ToldAt = time.Time{}
			}
		default:
			b.LeaseUntil = tx.Now().Add(s.scaled(often))
		}
		return lanyard.Entry{}, nil
	})
}

// passes says whether a refusal may pass.
func passes(a runner.Answer) bool {
	return a.Status >= 500 || a.Status == 429 || a.Status == 408 || a.Status == 425
}

// dismiss tells a runner that a bot which it was asked for is over, for ten minutes.
func (s *Service) dismiss(ctx context.Context, p lanyard.Principal, b lanyard.Bot) error {
	joined := b.State == lanyard.BotLeft
	done := s.Store.Clock().Sub(b.EndedAt) >= s.scaled(oweFor)
	if r, err := s.Runners.Find(ctx, b.Project, b.Runner); errors.Is(err, lanyard.NotFound) {
		done = true
	} else if err == nil && !done {
		a, err := s.Runners.Stop(ctx, r, nameOf(b), joined)
		done = err == nil && !passes(a)
	}
	return s.held(ctx, p, &b, func(tx *store.Tx, _ lanyard.Entry) (lanyard.Entry, error) {
		if b.LeaseUntil = tx.Now().Add(s.scaled(often)); done {
			b.ToldAt = time.Time{}
		}
		return lanyard.Entry{}, nil
	})
}

// watch asks a vendor how its bot is. What it says moves the bot as a report does.
func (s *Service) watch(ctx context.Context, p lanyard.Principal, b lanyard.Bot, now time.Time) error {
	var seen runner.Seen
	r, err := s.Runners.Find(ctx, b.Project, b.Runner)
	if err == nil {
		seen, err = s.Runners.Status(ctx, r, b.Ref)
	}
	if err != nil {
		s.Logger.WarnContext(ctx, "a runner does not say how a bot is", "bot", b.ID, "error", err)
	}
	news, ok := newsOf(b, seen)
	if ok && news.State.Over() {
		if done, err := s.instead(ctx, p, b, news, now); done || err != nil {
			return err
		}
	}
	if ok {
		if err := s.heard(ctx, p, b, news, "runner"); err != nil && !errors.Is(err, lanyard.CodeBotOver) {
			return err
		}
	}
	late := seen.State == "" && now.Sub(later(b.JoinAt, b.CreatedAt)) >= s.scaled(unheard)
	return s.held(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		if seen.State != "" && !seen.State.Over() {
			b.OutAt = time.Time{}
		}
		switch b.LeaseUntil = tx.Now(); {
		case late && b.State.May(lanyard.BotFailed):
			return s.move(tx, e, &b, lanyard.BotFailed, said{by: "lanyard", code: lanyard.CodeBotSilent})
		case b.State == lanyard.BotWaitingForPerson && !b.GiveUpAt.IsZero() && !tx.Now().Before(b.GiveUpAt):
			return s.move(tx, e, &b, lanyard.BotFailed, said{by: "lanyard", code: gaveUp(b)})
		}
		return lanyard.Entry{}, nil
	})
}

// newsOf is what a vendor's word says that was not known. That it tries to join is said of
// a bot for whose person it waits, too, and is no news then.
func newsOf(b lanyard.Bot, seen runner.Seen) (Report, bool) {
	switch seen.State {
	case "", b.State, lanyard.BotScheduled, lanyard.BotReady:
		return Report{}, false
	case lanyard.BotJoining:
		return Report{State: seen.State}, b.State == lanyard.BotReady
	}
	return Report{State: seen.State, SDK: seen.SDK, Code: seen.Code}, true
}

// walk moves a bot that a vendor has been seen to be further on with: what came between
// happened, too.
func (s *Service) walk(tx *store.Tx, e lanyard.Entry, b *lanyard.Bot, to lanyard.BotState, w said) (lanyard.Entry, error) {
	for _, via := range []lanyard.BotState{lanyard.BotReady, lanyard.BotJoined} {
		if !b.Vendor() || b.State == to || b.May(to) || !b.State.May(via) || via == lanyard.BotReady && b.State != lanyard.BotScheduled {
			continue
		}
		between := e
		between.ID = lanyard.NewID[lanyard.EntryID]("aud_")
		between, err := s.move(tx, between, b, via, said{by: w.by, connection: w.connection})
		if err != nil {
			return lanyard.Entry{}, err
		}
		tx.AddEntry(between)
	}
	return s.move(tx, e, b, to, w)
}

// held is change for the node that holds a bot's lease; another's by now is left alone.
func (s *Service) held(ctx context.Context, p lanyard.Principal, b *lanyard.Bot, fn func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error)) error {
	leased := b.LeaseUntil
	return s.change(ctx, p, b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		if !b.LeaseUntil.Equal(leased) {
			return lanyard.Entry{}, nil
		}
		return fn(tx, e)
	})
}

// look has a bot looked at soon: somebody has just asked its vendor for something.
func (s *Service) look(ctx context.Context, b lanyard.Bot) error {
	return s.Store.Bookkeep(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		is, err := tx.LockBot(b.Project, b.ID)
		if err != nil || is.State.Over() || is.State == lanyard.BotScheduled {
			return err
		}
		is.NextAt = tx.Now()
		return tx.PutBot(is)
	})
}
