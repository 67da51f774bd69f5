package bot

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// A vendor is asked to let a bot go between two transactions, too. The first writes who wants
// it (an entry of the log), Bot.Stop, and Bot.LeaveAt, since when the bot is never sent again,
// whatever becomes of the answer. The second takes Stop away. Where the process is gone in
// between, the node that holds the bot next asks once more: to let a bot go twice is once.

// intend writes that the vendor of a bot is about to be asked to let it go.
func (s *Service) intend(ctx context.Context, p lanyard.Principal, b *lanyard.Bot, to lanyard.BotStop) error {
	if !b.Vendor() || to == lanyard.StopDelete && !owed(*b) {
		return nil
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActBotStopping)
	if err != nil {
		return err
	}
	e.Detail = map[string]string{"bot": string(b.ID), "to": string(to)}
	return s.Store.Update(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
		if *b, err = tx.LockBot(b.Project, b.ID); err != nil {
			return lanyard.Entry{}, err
		}
		switch {
		case to == lanyard.StopDelete:
			if err := deletable(*b); err != nil {
				return lanyard.Entry{}, err
			}
		case b.State.Over():
			return lanyard.Entry{}, nil
		}
		if b.Stop, b.LeaveAt = to, tx.Now(); b.AskedAt.IsZero() {
			b.LeaseUntil = tx.Now().Add(lease)
		}
		return e, s.put(tx, *b)
	})
}

// withdraw notes that a vendor was asked to let a bot go, and what it said is the caller's.
func (s *Service) withdraw(ctx context.Context, b lanyard.Bot) error {
	if !b.Vendor() {
		return nil
	}
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		is, err := tx.LockBot(b.Project, b.ID)
		if err != nil {
			return err
		}
		stopped(&is, tx)
		return s.put(tx, is)
	})
}

// stopped says that nobody asks the vendor of a bot any more to let it go.
func stopped(b *lanyard.Bot, tx *store.Tx) {
	if b.Stop == lanyard.StopNone {
		return
	}
	if b.Stop = lanyard.StopNone; b.AskedAt.IsZero() {
		b.LeaseUntil = tx.Now()
	}
}

// settle ends a bot that is let go; asked says that its vendor has just done so.
func (s *Service) settle(ctx context.Context, p lanyard.Principal, b *lanyard.Bot, to lanyard.BotState, asked bool) error {
	return s.change(ctx, p, b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		stopped(b, tx)
		if asked { // it need not be told once more
			b.ToldAt = time.Time{}
		}
		switch {
		case b.State.Over() && asked:
			return lanyard.Entry{}, nil
		case to == lanyard.BotCancelled && b.State == lanyard.BotJoined && asked: // it has come in meanwhile, and is out
			to = lanyard.BotLeft
		case to == lanyard.BotLeft && !b.May(to) && b.May(lanyard.BotCancelled): // it has been put out meanwhile, and waits
			to = lanyard.BotCancelled
		}
		return s.move(tx, e, b, to, said{by: "caller", connection: b.Used})
	})
}

// finish asks the vendor of a bot to let it go, because who was to do so is gone.
func (s *Service) finish(ctx context.Context, p lanyard.Principal, b lanyard.Bot) error {
	a, done, err := s.stop(ctx, b)
	if errors.Is(err, lanyard.NotFound) { // its runner was deleted: it runs nothing any more
		done, err = true, nil
	}
	switch {
	case err == nil && done && b.Stop == lanyard.StopDelete:
		return s.remove(ctx, p, b)
	case err == nil && done:
		to := lanyard.BotCancelled
		if b.Stop == lanyard.StopLeave && b.May(lanyard.BotLeft) {
			to = lanyard.BotLeft
		}
		if err = s.settle(ctx, p, &b, to, a != nil); errors.Is(err, lanyard.CodeBotOver) || errors.Is(err, lanyard.CodeBotState) {
			err = s.withdraw(ctx, b)
		}
		return err
	}
	why := lanyard.CodeRunnerRefused
	if err != nil {
		why = lanyard.CodeOf(err)
		s.Logger.WarnContext(ctx, "a runner was asked to let a bot go, and is asked again", "bot", b.ID, "error", err)
	}
	return s.held(ctx, p, &b, func(tx *store.Tx, _ lanyard.Entry) (lanyard.Entry, error) {
		if (err != nil || passes(*a)) && tx.Now().Sub(b.LeaveAt) < s.scaled(oweFor) {
			b.LeaseUntil = tx.Now().Add(s.scaled(often))
			return lanyard.Entry{}, nil
		}
		stopped(&b, tx) // it stays as it is, and its time line says why
		return lanyard.Entry{}, s.step(tx, b, said{by: "runner", connection: b.Used, code: why})
	})
}

// deletable says whether a bot may be removed now.
func deletable(b lanyard.Bot) error {
	switch {
	case !b.AskedAt.IsZero():
		return lanyard.Errorf(lanyard.CodeBotState, "its vendor has been asked for it, and what it said is not known yet: ask again in a moment")
	case !b.State.Over() && b.State != lanyard.BotScheduled:
		return lanyard.Errorf(lanyard.CodeBotState, "one that is under way is cancelled, or leaves, first")
	}
	return nil
}

// remove removes a bot with all that is known of it; the log keeps that it was there.
func (s *Service) remove(ctx context.Context, p lanyard.Principal, b lanyard.Bot) error {
	e, err := s.Connections.Entry(ctx, p, lanyard.ActBotDeleted)
	if err != nil {
		return err
	}
	e.Detail = map[string]string{"bot": string(b.ID)}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		b, err := tx.LockBot(p.Project, b.ID)
		if err == nil {
			err = deletable(b)
		}
		if err != nil {
			return lanyard.Entry{}, err
		}
		if err := s.Tokens.RevokeTokenURLsOf(tx, p, b.ID); err != nil {
			return lanyard.Entry{}, err
		}
		return e, tx.DeleteBot(p.Project, b.ID)
	})
	if errors.Is(err, lanyard.CodeBotState) { // it has begun meanwhile
		return errors.Join(err, s.withdraw(ctx, b))
	}
	return err
}
