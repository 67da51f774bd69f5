package bot

import (
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

const (
	silence = 24 * time.Hour   // after which nobody is thought to run a bot any more
	young   = 10 * time.Minute // a bot whose vendor is asked often
	often   = 10 * time.Second
	soon    = 3 * time.Second // a bot whose vendor is to be asked again
	seldom  = time.Minute
)

// said is what a move is about.
type said struct {
	by         string // "caller", "runner", "lanyard"
	connection lanyard.ConnectionID
	code       lanyard.Code // why
	sdk        string       // what the Meeting SDK said
}

// move puts a bot, which is locked, into a state, with all that goes with it; the caller
// writes the bot. Nothing moves from a state to itself. Errors: bot_over, bot_state.
func (s *Service) move(tx *store.Tx, e lanyard.Entry, b *lanyard.Bot, to lanyard.BotState, w said) (lanyard.Entry, error) {
	was, now := b.State, tx.Now()
	switch {
	case to == was:
		return lanyard.Entry{}, nil
	case was.Over():
		return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeBotOver, "")
	case !b.May(to):
		return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeBotState, "a bot that is %s does not become %s", string(was), string(to))
	}
	if was == lanyard.BotScheduled {
		if err := s.announce(tx, *b); err != nil {
			return lanyard.Entry{}, err
		}
	}
	b.State = to
	if to == lanyard.BotJoined {
		if b.GiveUpAt = (time.Time{}); b.JoinedAt.IsZero() {
			b.JoinedAt = now
		}
	}
	if b.GiveUpAt.IsZero() && (to == lanyard.BotReady || to == lanyard.BotWaitingForPerson) {
		b.GiveUpAt = later(now, b.JoinAt).Add(s.scaled(b.Patience))
	}
	if to == lanyard.BotFailed {
		b.Reason = w.code
	}
	if to.Over() {
		b.EndedAt = now
		if w.by == "runner" { // who says so need not be told
			b.ToldAt = time.Time{}
		}
		own := lanyard.Principal{Project: b.Project, Name: "lanyard"}
		if err := errors.Join(tx.RevokeKeysOf(b.ID), s.Tokens.RevokeTokenURLsOf(tx, own, b.ID)); err != nil {
			return lanyard.Entry{}, err
		}
	}
	return s.tell(tx, e, *b, was, w)
}

// tell writes the step and the event of a move, and completes its entry.
func (s *Service) tell(tx *store.Tx, e lanyard.Entry, b lanyard.Bot, was lanyard.BotState, w said) (lanyard.Entry, error) {
	if err := s.step(tx, b, w); err != nil {
		return lanyard.Entry{}, err
	}
	data := map[string]string{"bot_id": string(b.ID), "state": string(b.State)}
	detail := map[string]string{"bot": string(b.ID), "to": string(b.State)}
	for name, value := range map[string]string{"was": string(was), "provider": b.Provider, "reason": string(w.code), "sdk_code": w.sdk} {
		if value != "" {
			data[name], detail[name] = value, value
		}
	}
	e.Connection, e.Detail = w.connection, detail
	return e, tx.AddEvent(lanyard.Event{ID: lanyard.NewID[lanyard.EventID]("evt_"), Project: b.Project, At: tx.Now(), Type: b.State.Event(),
		Connection: w.connection, Data: data})
}

func (s *Service) step(tx *store.Tx, b lanyard.Bot, w said) error {
	return tx.AddBotStep(lanyard.BotStep{ID: lanyard.NewID[lanyard.EntryID]("aud_"), Project: b.Project, Bot: b.ID, At: tx.Now(), State: b.State,
		Connection: w.connection, Code: w.code, SDK: w.sdk, By: w.by})
}

// put writes a bot with when there is something to do for it next.
func (s *Service) put(tx *store.Tx, b lanyard.Bot) error {
	b.NextAt = s.next(b, tx.Now())
	return tx.PutBot(b)
}

// next is when there is something to do for a bot; zero: never. It is pure.
func (s *Service) next(b lanyard.Bot, now time.Time) (at time.Time) {
	switch {
	case !b.AskedAt.IsZero() || b.Stop != lanyard.StopNone || b.State.Over() && owed(b):
		return now
	case b.State.Over():
		return time.Time{}
	case b.State == lanyard.BotScheduled:
		return b.JoinAt.Add(-s.scaled(early))
	case untold(b):
		return now
	}
	at = now.Add(s.scaled(silence))
	if !b.GiveUpAt.IsZero() {
		at = earlier(at, b.GiveUpAt)
	}
	switch {
	case unsent(b):
		at = earlier(at, now.Add(s.scaled(soon)))
	case b.Vendor() && b.Ref != "":
		every := seldom
		if now.Sub(later(b.JoinAt, b.CreatedAt)) < s.scaled(young) || !b.OutAt.IsZero() {
			every = often
		}
		at = earlier(at, now.Add(s.scaled(every)))
	case b.Vendor():
	case b.State == lanyard.BotWaitingForPerson:
		for _, t := range b.Tries {
			if free := t.At.Add(s.scaled(between)); t.Code == "" || t.Absent {
				at = earlier(at, later(free, now.Add(s.scaled(time.Second))))
			}
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
