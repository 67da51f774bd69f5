package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/store"
)

// Join asks for join tokens.
type Join struct {
	Types   []string // empty: all that the bot may have, and the key has the scope for
	Meeting string   // the number of the meeting that it is asked for; empty: not said
}

// JoinTokens mints what a bot joins with now, on behalf of the first who can be used, and
// says who that was and why those before were not. The bot is joining then. While nobody
// is in the meeting it waits for them, and the error says when to ask again.
//
// Errors: not_found, bot_over, bot_too_early, bot_not_allowed, scope_missing, meeting_not_allowed,
// ability_missing, bot_no_candidates, person_absent, and those of minting.
func (s *Service) JoinTokens(ctx context.Context, p lanyard.Principal, ref string, j Join) (jointoken.First, error) {
	b, data, err := s.open(ctx, p, ref)
	if err != nil {
		return jointoken.First{}, err
	}
	types, err := typesFor(p, b, j.Types)
	if err == nil && j.Meeting != "" && j.Meeting != data.Number { // before anything is used up
		err = lanyard.Errorf(lanyard.CodeMeetingNotAllowed, "")
	}
	if err != nil {
		return jointoken.First{}, err
	}
	if err := s.enter(ctx, p, &b); err != nil {
		return jointoken.First{}, err
	}
	people, passed, err := s.everybody(ctx, p, b, data)
	if err != nil {
		return jointoken.First{}, err
	}
	// An on-behalf token is worth something only while its person is in the meeting. The
	// others are not, so they trouble nobody; a recording is the host's to allow.
	paced := slices.Contains(types, jointoken.OnBehalf)
	if slices.Equal(types, []string{jointoken.LocalRecording}) {
		slices.SortStableFunc(people, func(a, b person) int { return first(b.host) - first(a.host) })
	}
	r := jointoken.FirstRequest{MeetingURL: data.MeetingURL, Types: types, Passed: passed}
	for _, one := range people {
		r.Candidates = append(r.Candidates, lanyard.Candidate{Connection: one.ID})
	}
	if paced {
		r.Skip = func(c lanyard.Connection) error {
			i := slices.IndexFunc(people, func(o person) bool { return o.ID == c.ID })
			return s.reserve(ctx, b, people[i])
		}
	}
	out, err := s.Tokens.MintFirst(ctx, p, r)
	return out, s.handed(ctx, p, b, out, paced, err)
}

func first(host bool) int {
	if host {
		return 1
	}
	return 0
}

// typesFor are those that the bot may have, and the key that asks: each that is named, or
// all that it has the scope for. It comes first, so that who may have none moves no bot.
func typesFor(p lanyard.Principal, b lanyard.Bot, wanted []string) ([]string, error) {
	for _, typ := range wanted {
		if !slices.Contains(b.Allow.Types, typ) {
			return nil, lanyard.Errorf(lanyard.CodeBotNotAllowed, "types: the bot may have those that it was made with in allow.types")
		}
		if err := p.Need(lanyard.ScopeOfType(typ)); err != nil {
			return nil, err
		}
	}
	if len(wanted) > 0 {
		return wanted, nil
	}
	var out []string
	for _, typ := range b.Allow.Types {
		if p.May(lanyard.ScopeOfType(typ)) {
			out = append(out, typ)
		}
	}
	if len(out) == 0 {
		return nil, p.Need(lanyard.ScopeOfType(b.Allow.Types[0]))
	}
	return out, nil
}

// enter says whether a bot's hour has come, and makes it ready if nobody has yet.
func (s *Service) enter(ctx context.Context, p lanyard.Principal, b *lanyard.Bot) error {
	if err := s.begun(*b); err != nil || b.State != lanyard.BotScheduled {
		return err
	}
	return s.change(ctx, p, b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		if b.State != lanyard.BotScheduled {
			return lanyard.Entry{}, nil
		}
		return s.move(tx, e, b, lanyard.BotReady, said{by: "lanyard"})
	})
}

// begun says whether a bot may have any token: its hour has come, and it is not over.
func (s *Service) begun(b lanyard.Bot) error {
	switch wait := b.JoinAt.Add(-s.scaled(early)).Sub(s.Store.Clock()); {
	case b.State.Over():
		return lanyard.Errorf(lanyard.CodeBotOver, "")
	case b.State == lanyard.BotScheduled && wait > 0:
		return &lanyard.Error{Code: lanyard.CodeBotTooEarly, RetryAfter: max(wait, time.Second)}
	}
	return nil
}

// reserve notes that a try is made on behalf of somebody now, before anything is minted,
// so that of two who ask at once, on whichever node, one does. Errors: person_absent with
// when to ask again.
func (s *Service) reserve(ctx context.Context, b lanyard.Bot, who person) error {
	absent := &lanyard.Error{Code: lanyard.CodePersonAbsent}
	err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		is, err := tx.LockBot(b.Project, b.ID)
		if err != nil {
			return err
		}
		now := tx.Now()
		if is.State.Over() {
			return lanyard.Errorf(lanyard.CodeBotOver, "")
		}
		if absent.RetryAfter = s.wait(is, who, now); absent.RetryAfter > 0 {
			return nil
		}
		t := lanyard.BotTry{Connection: who.ID, At: now, Seen: who.presence == lanyard.Present}
		// Who is known not to be there is not tried at once. That is the truth for a bot that
		// asks again; a vendor's asks once for all its tries.
		if _, tried := is.Try(who.ID); !tried && who.presence == lanyard.Absent && !is.Vendor() {
			t.Absent, t.Code = true, lanyard.CodePersonAbsent
			absent.RetryAfter = s.scaled(between)
		}
		is.Tried(t)
		return s.put(tx, is)
	})
	if err == nil && absent.RetryAfter > 0 {
		absent.RetryAfter = max(absent.RetryAfter, time.Second)
		return absent
	}
	return err
}

// handed notes what came of it before the tokens leave, and makes the error of it.
func (s *Service) handed(ctx context.Context, p lanyard.Principal, b lanyard.Bot, out jointoken.First, paced bool, cause error) error {
	var soonest time.Duration // when somebody may be tried again
	for _, k := range out.Skipped {
		if e, ok := errors.AsType[*lanyard.Error](k.Err); ok && e.Code == lanyard.CodePersonAbsent && (soonest == 0 || e.RetryAfter < soonest) {
			soonest = e.RetryAfter
		}
	}
	if cause != nil && lanyard.RowOf(lanyard.CodeOf(cause)).Kind == lanyard.Internal {
		return cause
	}
	err := s.change(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		for _, k := range out.Skipped {
			if code := lanyard.CodeOf(k.Err); k.Connection != "" && code != lanyard.CodePersonAbsent {
				b.Tried(lanyard.BotTry{Connection: k.Connection, At: tx.Now(), Code: code})
			}
		}
		switch {
		case cause == nil:
			b.Used = out.Used.ID
			if b.Turn++; paced || !b.State.Inside() {
				if b.State == lanyard.BotJoining { // once more, of somebody else perhaps
					return lanyard.Entry{}, s.step(tx, b, said{by: "lanyard", connection: b.Used})
				}
				return s.move(tx, e, &b, lanyard.BotJoining, said{by: "lanyard", connection: b.Used})
			}
		case soonest > 0 && b.State.May(lanyard.BotWaitingForPerson) && !b.State.Inside():
			return s.move(tx, e, &b, lanyard.BotWaitingForPerson, said{by: "lanyard", code: lanyard.CodePersonAbsent})
		}
		return lanyard.Entry{}, nil
	})
	switch {
	case err != nil:
		return err
	case cause != nil && soonest > 0:
		return &lanyard.Error{Code: lanyard.CodePersonAbsent, RetryAfter: soonest, Skipped: out.Skipped}
	}
	return cause
}

// change changes a bot in one transaction: fn gets it locked, and b is as it is then. What
// fn returns is the entry; the rest of the bot is written with it.
func (s *Service) change(ctx context.Context, p lanyard.Principal, b *lanyard.Bot, fn func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error)) error {
	moved, err := s.Connections.Entry(ctx, p, lanyard.ActBotMoved)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) (e lanyard.Entry, err error) {
		if *b, err = tx.LockBot(b.Project, b.ID); err != nil {
			return lanyard.Entry{}, err
		}
		waited := b.State == lanyard.BotWaitingForPerson
		if e, err = fn(tx, moved); err != nil {
			return e, err
		}
		b.NextAt = s.next(*b, tx.Now())
		if b.State == lanyard.BotWaitingForPerson && !waited && !b.Vendor() {
			b.NextAt = tx.Now() // somebody else may be there, whose notice has woken nobody because nobody waited
		}
		return e, tx.PutBot(*b)
	})
}
