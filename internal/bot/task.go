package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

const (
	lease   = 2 * time.Minute // longer than anything takes that is done for a bot
	atOnce  = 10
	keptFor = 90 * 24 * time.Hour // after it is over
)

// Tasks do what is due, and forget what has been over for long.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{{Name: "bot.due", Every: time.Second, Run: s.due}, {Name: "bot.purge", Every: time.Hour, Run: s.purge}}
}

func (s *Service) purge(ctx context.Context) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		_, err := tx.PurgeBots(tx.Now().Add(-keptFor), 1000)
		return err
	})
}

// due does what is due for some bots; other nodes leave them alone meanwhile.
func (s *Service) due(ctx context.Context) error {
	if s.Hold() != nil {
		return nil
	}
	there, bots := false, []lanyard.Bot(nil)
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		there, err = q.BotDue(s.Store.Clock())
		return err
	})
	if err == nil && there {
		err = s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
			bots, err = tx.ClaimBots(tx.Now().Add(lease), atOnce)
			return err
		})
	}
	if errors.Is(err, lanyard.Unavailable) { // not worth a line a second
		return nil
	}
	var all sync.WaitGroup // a runner that is slow keeps no other bot waiting until its lease is over
	failed := make([]error, len(bots))
	for i, b := range bots {
		all.Go(func() { failed[i] = s.one(ctx, b) })
	}
	all.Wait()
	return errors.Join(append(failed, err)...)
}

// untold says whether a webhook has yet to be told that a bot may join.
func untold(b lanyard.Bot) bool {
	return b.Kind == lanyard.RunnerWebhook && b.ToldAt.IsZero() && !b.State.Over() && b.State != lanyard.BotScheduled
}

// one does what is due for a bot, which this node holds.
func (s *Service) one(ctx context.Context, b lanyard.Bot) error {
	p := lanyard.Principal{Project: b.Project, Name: "lanyard", Scopes: []lanyard.Scope{lanyard.ScopeRead}}
	now, watched := s.Store.Clock(), b.Vendor() && b.Ref != ""
	was, to, w := b.State, b.State, said{by: "lanyard", connection: b.Used}
	switch {
	case b.Stop != lanyard.StopNone:
		return s.finish(ctx, p, b)
	case !b.AskedAt.IsZero():
		return s.sure(ctx, p, b, now)
	case b.State.Over():
		return s.dismiss(ctx, p, b)
	case watched && b.State != lanyard.BotScheduled && !unsent(b):
		return s.watch(ctx, p, b, now)
	case !b.GiveUpAt.IsZero() && !now.Before(b.GiveUpAt) && (b.State == lanyard.BotReady || b.State == lanyard.BotWaitingForPerson):
		to, w.code = lanyard.BotFailed, gaveUp(b)
	case unsent(b):
		return s.again(ctx, p, b, now)
	case untold(b):
		return s.inform(ctx, p, b)
	case now.Sub(b.UpdatedAt) >= s.scaled(silence) && b.State != lanyard.BotScheduled:
		to, w.code = lanyard.BotFailed, lanyard.CodeBotSilent
	case b.State == lanyard.BotScheduled:
		to = lanyard.BotReady
	case b.State == lanyard.BotWaitingForPerson && !b.Vendor():
		some, err := s.somebody(ctx, p, b, now)
		if err != nil {
			s.Logger.WarnContext(ctx, "a bot waits, and who is there cannot be read", "bot", b.ID, "error", err)
		} else if some {
			to = lanyard.BotReady
		}
	}
	return s.held(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		b.LeaseUntil = time.Time{}
		if b.State != was || !b.May(to) { // moved meanwhile, by whoever runs it
			return lanyard.Entry{}, nil
		}
		return s.move(tx, e, &b, to, w)
	})
}

// gaveUp says why a bot that has not come in is given up.
func gaveUp(b lanyard.Bot) lanyard.Code {
	if b.Starts > 0 && b.Ref == "" && b.State == lanyard.BotReady {
		return lanyard.CodeRunnerNoAnswer
	}
	for _, t := range b.Tries {
		if t.Absent {
			return lanyard.CodePersonAbsent
		}
	}
	if b.Vendor() && b.Ref == "" {
		return lanyard.CodeRunnerNoAnswer
	}
	return lanyard.CodeBotNotStarted
}

// somebody says whether there is anybody on whose behalf a try may be made now.
func (s *Service) somebody(ctx context.Context, p lanyard.Principal, b lanyard.Bot, now time.Time) (bool, error) {
	d, err := s.unseal(ctx, b)
	if err != nil {
		return false, err
	}
	people, err := s.people(ctx, p, b, d)
	for _, who := range people {
		if t, tried := b.Try(who.ID); tried && (t.Absent || t.Code == "") && s.wait(b, who, now) == 0 {
			return true, err
		}
	}
	return false, err
}

// Rules says what a bot may call through the proxy, and on whose behalf.
func (s *Service) Rules(ctx context.Context, p lanyard.Principal, id lanyard.BotID) ([]lanyard.ProxyRule, []lanyard.Candidate, error) {
	b, err := s.find(ctx, p, string(id))
	if err == nil && b.State.Over() {
		err = lanyard.Errorf(lanyard.CodeBotOver, "")
	}
	return b.Allow.Proxy, b.Candidates, err
}
