package bot

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/runner"
	"lanyard/internal/store"
)

// Who runs a bot. A vendor is asked when the bot is made, because it keeps the hour itself;
// a webhook is told when the bot is ready. Every call happens between two transactions:
// the first notes that it is made, the second what came of it.

// equip makes the token URLs that a runner is given for a bot: none for one that gets no
// tokens of ours. They reach no further than the key that asks for the bot.
func (s *Service) equip(ctx context.Context, p lanyard.Principal, b lanyard.Bot, r lanyard.Runner) (map[string]lanyard.Secret, error) {
	if len(b.Candidates) == 0 || b.Provider == "" {
		return nil, nil
	}
	urls := map[string]lanyard.Secret{}
	for _, n := range runner.Needs(r, b.Allow.Types) {
		_, u, err := s.Tokens.CreateTokenURL(ctx, p, jointoken.NewTokenURL{Name: "of a bot", Contract: n.Contract, Types: n.Types, Bot: b.ID, ExpiresAt: p.ExpiresAt})
		if err != nil {
			return nil, err
		}
		urls[n.Name] = u
	}
	return urls, nil
}

func job(b lanyard.Bot, d lanyard.BotData, urls map[string]lanyard.Secret) runner.Job {
	return runner.Job{Bot: b.ID, Dialect: b.Dialect, Request: d.Request, MeetingURL: d.MeetingURL, Name: d.Name, JoinAt: b.JoinAt, Metadata: b.Metadata,
		DedupKey: b.DedupKey, TokenURLs: urls, Types: b.Allow.Types, Again: b.Starts, AskedAt: b.AskedAt}
}

// launch asks a vendor for a bot that has just been written, because its token URLs are
// asked before the vendor has answered. Refused, the bot is unmade. Where the answer was
// lost it is kept, and sure finds out what came of it, or it has no name there.
func (s *Service) launch(ctx context.Context, p lanyard.Principal, b lanyard.Bot, r lanyard.Runner, j runner.Job) (*runner.Answer, error) {
	ctx = context.WithoutCancel(ctx) // who hangs up leaves no bot behind of which nothing is known
	a, err := s.Runners.Start(ctx, r, j)
	switch lost := errors.Is(err, lanyard.CodeRunnerNoAnswer); {
	case lost:
		return nil, s.lost(ctx, p, b, r, j)
	case err == nil && a.OK() && a.Ref == "":
		if err = s.started(ctx, p, b, "", lanyard.CodeRunnerNoAnswer); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, errors.Join(err, s.unmake(ctx, p, b, lanyard.CodeOf(err)))
	case !a.OK():
		if err := s.unmake(ctx, p, b, lanyard.CodeRunnerRefused); err != nil {
			return nil, err
		}
	default:
		if err := s.started(ctx, p, b, a.Ref, ""); err != nil {
			return nil, err
		}
	}
	return &a, nil
}

// started notes what a vendor calls a bot, and tells of it. Its tokens may have been handed
// out by now, somebody may have called it off, and where this comes late another node may
// have found it out.
func (s *Service) started(ctx context.Context, p lanyard.Principal, b lanyard.Bot, ref string, why lanyard.Code) error {
	asked, starts := b.AskedAt, b.Starts
	return s.change(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		if !b.AskedAt.Equal(asked) && (ref == "" || b.Ref != "" || b.Starts != starts) {
			return lanyard.Entry{}, nil
		}
		b.Ref, b.AskedAt, b.LeaseUntil = ref, time.Time{}, tx.Now()
		if b.State.Over() {
			return lanyard.Entry{}, nil
		}
		if err := s.announce(tx, b); err != nil {
			return lanyard.Entry{}, err
		}
		if why != "" {
			if err := s.step(tx, b, said{by: "lanyard", code: why}); err != nil {
				return lanyard.Entry{}, err
			}
		}
		if b.State != lanyard.BotScheduled || s.next(b, tx.Now()).After(tx.Now()) {
			return lanyard.Entry{}, nil
		}
		return s.move(tx, e, &b, lanyard.BotReady, said{by: "lanyard"})
	})
}

// announce tells of a new bot, once.
func (s *Service) announce(tx *store.Tx, b lanyard.Bot) error {
	there, err := tx.BotSteps(b.Project, b.ID)
	if err == nil && len(there) == 0 {
		_, err = s.tell(tx, lanyard.Entry{}, b, "", said{by: "caller"})
	}
	return err
}

// unmake removes a bot that its runner has refused; the log keeps that it was asked for.
func (s *Service) unmake(ctx context.Context, p lanyard.Principal, b lanyard.Bot, why lanyard.Code) error {
	e, err := s.Connections.Entry(ctx, p, lanyard.ActBotDeleted)
	if err != nil {
		return err
	}
	e.Detail = map[string]string{"bot": string(b.ID), "reason": string(why)}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		switch is, err := tx.LockBot(p.Project, b.ID); {
		case err != nil:
			return lanyard.Entry{}, err
		case !is.AskedAt.Equal(b.AskedAt): // another node has found out that there is one
			return lanyard.Entry{}, nil
		}
		if err := s.Tokens.RevokeTokenURLsOf(tx, p, b.ID); err != nil {
			return lanyard.Entry{}, err
		}
		return e, tx.DeleteBot(p.Project, b.ID)
	})
	if errors.Is(err, lanyard.NotFound) { // deleted meanwhile
		return nil
	}
	return err
}

// bare ends what was made for a bot that has not come to be: its key and its token URLs.
func (s *Service) bare(ctx context.Context, p lanyard.Principal, id lanyard.BotID) error {
	return s.Store.Bookkeep(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		return errors.Join(tx.RevokeKeysOf(id), s.Tokens.RevokeTokenURLsOf(tx, p, id))
	})
}

// owed says whether a runner has to be told that a bot is no longer wanted: it was asked for
// the bot, and has not said itself that it is out.
func owed(b lanyard.Bot) bool {
	return b.Runner != "" && !b.ToldAt.IsZero() && (!b.Vendor() || b.Ref != "" && b.OutAt.IsZero())
}

// stop has the vendor that runs a bot take it out, or call it off. What it no longer knows is
// stopped too. nil: there is nobody to ask; a webhook is told when the bot is over.
func (s *Service) stop(ctx context.Context, b lanyard.Bot) (*runner.Answer, bool, error) {
	if !owed(b) || !b.Vendor() && !b.State.Over() {
		return nil, true, nil
	}
	r, err := s.Runners.Find(ctx, b.Project, b.Runner)
	if err != nil {
		return nil, false, err
	}
	a, err := s.Runners.Stop(ctx, r, nameOf(b), b.State.Inside() || b.State == lanyard.BotLeft)
	if err != nil {
		return nil, false, err
	}
	return &a, a.OK() || gone(a), nil
}

// nameOf is what a runner knows a bot by.
func nameOf(b lanyard.Bot) string {
	if b.Ref == "" {
		return string(b.ID)
	}
	return b.Ref
}

// gone says whether a runner does not know the bot any more.
func gone(a runner.Answer) bool { return a.Status == 404 || a.Status == 410 }
