package bot

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

// Change says what is to be otherwise about a bot; nil leaves a field as it is.
type Change struct {
	JoinAt     *time.Time
	MeetingURL *string
	Name       *string
	Metadata   map[string]string // the whole of it; metadata may change at any time
	Told       bool              // the vendor that runs it has made the change already
}

// Update changes a bot: its hour, its meeting and its name while it is scheduled, and its
// metadata as long as it is kept. Errors: scope_missing, invalid_request, not_found,
// bot_state, changed_meanwhile, and those of reading a meeting link.
func (s *Service) Update(ctx context.Context, p lanyard.Principal, ref string, ch Change) (View, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return View{}, err
	}
	was, data, err := s.open(ctx, p, ref)
	if err == nil {
		err = within(p, was)
	}
	if err != nil {
		return View{}, err
	}
	is := was
	if ch.Metadata != nil {
		if is.Metadata, err = ch.Metadata, metadata(was.Dialect, ch.Metadata); err != nil {
			return View{}, err
		}
	}
	early := ch.JoinAt != nil || ch.MeetingURL != nil || ch.Name != nil
	switch now := s.Store.Clock(); {
	case !early:
	case was.State != lanyard.BotScheduled:
		return View{}, lanyard.Errorf(lanyard.CodeBotState, "its hour, its meeting and its name change while it is scheduled")
	case was.Vendor() && !ch.Told:
		return View{}, lanyard.Errorf(lanyard.CodeBotState, "its vendor keeps its hour, its meeting and its name: cancel it and make another")
	case ch.JoinAt != nil && (ch.JoinAt.Before(now.Add(-longAgo)) || ch.JoinAt.After(now.Add(farAway))):
		return View{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "join_at: has passed, or is more than 400 days away")
	}
	if ch.JoinAt != nil {
		is.JoinAt = ch.JoinAt.UTC().Truncate(time.Microsecond)
	}
	if ch.Name != nil {
		if data.Name, err = *ch.Name, named(*ch.Name); err != nil {
			return View{}, err
		}
	}
	if ch.MeetingURL != nil {
		data.MeetingURL = *ch.MeetingURL
		if err := s.at(&is, &data, len(was.Candidates) > 0); err != nil {
			return View{}, err
		}
	}
	if is.Sealed, err = s.seal(ctx, is, data); err != nil {
		return View{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActBotChanged)
	if err != nil {
		return View{}, err
	}
	e.Detail = map[string]string{"bot": string(was.ID)}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		b, err := tx.LockBot(p.Project, was.ID)
		if err != nil {
			return lanyard.Entry{}, err
		}
		if early && (b.State != was.State || string(b.Sealed) != string(was.Sealed)) {
			return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeChangedMeanwhile, "")
		}
		b.Metadata = is.Metadata
		if early {
			b.JoinAt, b.Provider, b.Meeting, b.Sealed = is.JoinAt, is.Provider, is.Meeting, is.Sealed
		}
		return e, s.put(tx, b)
	})
	if err != nil {
		return View{}, err
	}
	return s.get(ctx, p, string(was.ID))
}

// Cancel ends a bot that is not in its meeting. A vendor that runs it is asked first, and
// View.Answer is what it said: where that is a refusal, the bot is as it was. A webhook is
// told afterwards. Errors: scope_missing, not_found, bot_over, bot_state, and those of
// asking a runner.
func (s *Service) Cancel(ctx context.Context, p lanyard.Principal, ref string) (View, error) {
	return s.end(ctx, p, ref, lanyard.BotCancelled)
}

// Leave has a bot leave that is in its meeting; one that is not in yet is cancelled.
// Errors: as for Cancel.
func (s *Service) Leave(ctx context.Context, p lanyard.Principal, ref string) (View, error) {
	return s.end(ctx, p, ref, lanyard.BotLeft)
}

func (s *Service) end(ctx context.Context, p lanyard.Principal, ref string, to lanyard.BotState) (View, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return View{}, err
	}
	b, err := s.findToChange(ctx, p, ref)
	if err != nil {
		return View{}, err
	}
	if to == lanyard.BotLeft && !b.May(to) {
		to = lanyard.BotCancelled
	}
	switch {
	case b.State.Over():
		return View{}, lanyard.Errorf(lanyard.CodeBotOver, "")
	case !b.May(to):
		return View{}, lanyard.Errorf(lanyard.CodeBotState, "a bot that is %s does not become %s", string(b.State), string(to))
	}
	stop := lanyard.StopCancel
	if to == lanyard.BotLeft {
		stop = lanyard.StopLeave
	}
	if err := s.intend(ctx, p, &b, stop); err != nil {
		return View{}, err
	}
	ctx = context.WithoutCancel(ctx) // who hangs up has asked for it all the same
	a, done, err := s.stop(ctx, b)
	if err != nil {
		return View{}, errors.Join(err, s.withdraw(ctx, b))
	}
	if !done {
		if err := s.withdraw(ctx, b); err != nil {
			return View{}, err
		}
		v, err := s.get(ctx, p, string(b.ID))
		v.Answer = a
		return v, err
	}
	if err := s.settle(ctx, p, &b, to, a != nil); err != nil {
		return View{}, errors.Join(err, s.withdraw(ctx, b))
	}
	v, err := s.get(ctx, p, string(b.ID))
	v.Answer = a
	return v, err
}

// Delete removes a bot that is over, or that has not begun, with all that is known of it;
// the log keeps that it was there. Errors: scope_missing, not_found, bot_state.
func (s *Service) Delete(ctx context.Context, p lanyard.Principal, ref string) error {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return err
	}
	b, err := s.findToChange(ctx, p, ref)
	if err != nil {
		return err
	}
	if err := deletable(b); err != nil {
		return err
	}
	if err := s.intend(ctx, p, &b, lanyard.StopDelete); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if a, done, err := s.stop(ctx, b); err != nil || !done {
		if err == nil {
			err = a.Err()
		}
		return errors.Join(err, s.withdraw(ctx, b))
	}
	return s.remove(ctx, p, b)
}
