package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/meeting"
	"lanyard/internal/runner"
	"lanyard/internal/store"
)

// When the person leaves on whose behalf a vendor's bot is in, the provider puts it out, and
// for the vendor it is over. Then the vendor is asked for another, which joins on behalf of
// the next candidate; here it is the same bot, which has waited for a person.

const (
	mostStarts = 10               // after the first
	tardy      = 30 * time.Second // a notice may come so long after what it tells
)

// theirs says whether a bot was asked for in the words of the vendor who runs it. Then the
// caller knows it by the vendor's name for it, and asks for another itself.
func theirs(b lanyard.Bot) bool { return string(b.Dialect) == string(b.Kind) }

func urlsOf(d lanyard.BotData) map[string]lanyard.Secret {
	urls := map[string]lanyard.Secret{}
	for name, u := range d.TokenURLs {
		urls[name] = lanyard.NewSecret(u)
	}
	return urls
}

// unsent says whether a vendor is to be asked for a bot again.
func unsent(b lanyard.Bot) bool {
	return b.Vendor() && b.State == lanyard.BotWaitingForPerson && !b.OutAt.IsZero()
}

// instead keeps a bot that its vendor says is over, where that is because its person has
// left and another may be there: it waits, and its vendor is asked again. done says that
// nothing else follows from what the vendor said.
func (s *Service) instead(ctx context.Context, p lanyard.Principal, b lanyard.Bot, news Report, now time.Time) (done bool, err error) {
	if theirs(b) || !b.LeaveAt.IsZero() || !b.GiveUpAt.IsZero() && !now.Before(b.GiveUpAt) || !b.State.May(lanyard.BotWaitingForPerson) && b.State != lanyard.BotWaitingForPerson {
		return false, nil
	}
	d, err := s.unseal(ctx, b)
	if err != nil || len(d.TokenURLs) == 0 || b.Used == "" {
		return false, err
	}
	people, err := s.people(ctx, p, b, d)
	if err != nil { // nobody of them is there any more
		return false, s.unlessMeant(err)
	}
	if !slices.ContainsFunc(people, func(o person) bool { return o.ID != b.Used && mayCome(o) }) {
		return false, nil
	}
	why, _ := lanyard.JoinCode(news.SDK, news.Code)
	absentee := why.Class == lanyard.JoinWaitForPerson || why.Class == lanyard.JoinPersonLeft
	in := b.State.Inside() || news.State == lanyard.BotLeft
	if !absentee && in { // the vendor does not say why it is out
		run, presence, err := s.used(ctx, p, b, d)
		if err != nil {
			return false, err
		}
		running, waits := run == lanyard.RunStarted, b.State == lanyard.BotWaitingForPerson
		absentee = running && (waits || presence == lanyard.Absent)
		// It is looked at twice: when a meeting is over, the notices of who has left it come
		// one after the other.
		if running && !waits && (b.OutAt.IsZero() || !absentee && now.Sub(b.OutAt) < s.scaled(tardy)) {
			return true, s.held(ctx, p, &b, func(tx *store.Tx, _ lanyard.Entry) (lanyard.Entry, error) {
				if b.LeaseUntil = tx.Now(); b.OutAt.IsZero() {
					b.OutAt = tx.Now()
				}
				return lanyard.Entry{}, nil
			})
		}
	}
	if !absentee {
		return false, nil
	}
	return true, s.held(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		b.LeaseUntil = tx.Now()
		if b.State.Over() || !b.LeaveAt.IsZero() { // told to leave meanwhile
			return lanyard.Entry{}, nil
		}
		absent(&b, b.Used, tx, in)
		if b.Starts >= mostStarts {
			to := lanyard.BotFailed
			if in {
				to = lanyard.BotLeft
			}
			return s.walk(tx, e, &b, to, said{by: "runner", connection: b.Used, code: lanyard.CodeBotRestarts, sdk: news.Code})
		}
		b.OutAt = tx.Now()
		return s.walk(tx, e, &b, lanyard.BotWaitingForPerson, said{by: "runner", connection: b.Used, code: lanyard.CodePersonAbsent, sdk: news.Code})
	})
}

// out is the state in which a bot ends that waits for its vendor to be asked again: it has
// left if it was in before.
func out(b lanyard.Bot, otherwise lanyard.BotState) lanyard.BotState {
	if b.May(lanyard.BotLeft) {
		return lanyard.BotLeft
	}
	return otherwise
}

// unlessMeant is nil for an error that says who cannot be used, and not that something is wrong.
func (s *Service) unlessMeant(err error) error {
	if lanyard.RowOf(lanyard.CodeOf(err)).Kind == lanyard.Internal || errors.Is(err, lanyard.Unavailable) {
		return err
	}
	return nil
}

// mayCome says whether a bot may be let in on behalf of somebody.
func mayCome(o person) bool { return o.State == lanyard.Live && o.presence != lanyard.Absent }

// used says how a bot's meeting is known to be, and whether the person is there on whose
// behalf it was in last.
func (s *Service) used(ctx context.Context, p lanyard.Principal, b lanyard.Bot, d lanyard.BotData) (run lanyard.RunState, presence lanyard.Presence, err error) {
	known, err := s.Meetings.Ask(ctx, p, meeting.Question{Provider: b.Provider, Number: d.Number, Connections: []lanyard.ConnectionID{b.Used}})
	presence = lanyard.NotKnowable
	for _, c := range known.Connections {
		if c.ID == b.Used {
			presence = c.Presence
		}
	}
	return known.State, presence, s.unlessMeant(err)
}

// again asks a vendor for a bot once more, as soon as there is somebody on whose behalf it
// may be let in. That it is asked is written before; a lost answer is as with the first.
func (s *Service) again(ctx context.Context, p lanyard.Principal, b lanyard.Bot, now time.Time) error {
	d, err := s.unseal(ctx, b)
	if err != nil {
		return err
	}
	people, err := s.people(ctx, p, b, d)
	if err != nil {
		if err := s.unlessMeant(err); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(people, func(o person) bool { return mayCome(o) && s.wait(b, o, now) == 0 })
	r, err := s.Runners.Find(ctx, b.Project, b.Runner)
	run := lanyard.RunState("")
	if err == nil && i < 0 {
		run, _, err = s.used(ctx, p, b, d)
	}
	if err != nil {
		return err
	}
	asks := false
	err = s.held(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		switch {
		case !unsent(b):
		case b.Starts >= mostStarts:
			b.LeaseUntil = tx.Now()
			return s.move(tx, e, &b, lanyard.BotFailed, said{by: "lanyard", code: lanyard.CodeBotRestarts})
		case !b.LeaveAt.IsZero():
			b.LeaseUntil = tx.Now()
			return s.move(tx, e, &b, out(b, lanyard.BotFailed), said{by: "lanyard", code: gaveUp(b)})
		case i < 0 && run == lanyard.RunEnded:
			b.LeaseUntil = tx.Now()
			return s.move(tx, e, &b, out(b, lanyard.BotFailed), said{by: "lanyard", code: lanyard.CodeMeetingOver})
		case i >= 0 && tx.Now().Sub(b.ToldAt) >= s.scaled(between):
			asks = true
			if err := tx.KeepBotRef(b); err != nil {
				return lanyard.Entry{}, err
			}
			b.Starts++
			b.ToldAt, b.AskedAt, b.OutAt, b.Ref, b.LeaseUntil = tx.Now(), tx.Now(), time.Time{}, "", tx.Now().Add(lease)
			return s.move(tx, e, &b, lanyard.BotReady, said{by: "lanyard", connection: people[i].ID})
		}
		b.LeaseUntil = tx.Now()
		return lanyard.Entry{}, nil
	})
	if err != nil || !asks {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	j := job(b, d, urlsOf(d))
	a, err := s.Runners.Start(ctx, r, j)
	switch {
	case errors.Is(err, lanyard.CodeRunnerNoAnswer):
		return s.lost(ctx, p, b, r, j)
	case err == nil && a.OK() && a.Ref == "":
		return s.started(ctx, p, b, "", lanyard.CodeRunnerNoAnswer)
	case err == nil && a.OK():
		return s.started(ctx, p, b, a.Ref, "")
	}
	return s.refused(ctx, p, b, a, err)
}

// refused has a bot wait again that its vendor has not taken; it may be asked once more.
func (s *Service) refused(ctx context.Context, p lanyard.Principal, b lanyard.Bot, a runner.Answer, cause error) error {
	why := lanyard.CodeRunnerRefused
	if cause != nil {
		why = lanyard.CodeOf(cause)
	}
	s.Logger.WarnContext(ctx, "a runner was asked for a bot again, and does not run it", "bot", b.ID, "status", a.Status, "error", cause)
	asked := b.AskedAt
	return s.change(ctx, p, &b, func(tx *store.Tx, e lanyard.Entry) (lanyard.Entry, error) {
		if !b.AskedAt.Equal(asked) { // another node has found out that there is one
			return lanyard.Entry{}, nil
		}
		b.AskedAt, b.LeaseUntil, b.OutAt = time.Time{}, tx.Now(), tx.Now()
		if b.State.Over() {
			return lanyard.Entry{}, nil
		}
		return s.move(tx, e, &b, lanyard.BotWaitingForPerson, said{by: "runner", code: why})
	})
}
