package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2" //nolint:depguard // spreads out tries; nobody gains by guessing them
	"time"

	gomail "github.com/wneessen/go-mail"

	"lanyard"
	"lanyard/internal/store"
)

const (
	atOnce   = 40 // copies over one connection
	leaseFor = 5 * time.Minute
	sendFor  = 4 * time.Minute // of the lease; what is not sent by then is given back
	pauseFor = 15 * time.Second
	laterFor = time.Minute
	triedFor = 48 * time.Hour // since it was to go out, and a copy is given up
)

// waits are the times between the tries of a copy.
var waits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
	8 * time.Hour, 12 * time.Hour}

// round sends some of what is due over one connection, and says whether there may be
// more. Nothing is claimed while the mail server cannot be reached.
func (s *Service) round(ctx context.Context) (bool, error) {
	var due []lanyard.ProjectID
	err := s.Store.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err == nil {
			due, err = q.DueMailProjects(now, atOnce)
		}
		return err
	})
	if err != nil || len(due) == 0 || s.paused() {
		return false, err
	}
	c, err := s.Server.dial(ctx)
	if ctx.Err() != nil {
		return false, nil
	}
	if err != nil {
		s.note(err)
		return false, nil
	}
	defer hang(c)
	var claimed []lanyard.MailCopy
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		for _, project := range due {
			some, err := tx.ClaimCopies(project, tx.Now().Add(leaseFor), max(1, atOnce/len(due)))
			if err != nil {
				return err
			}
			claimed = append(claimed, some...)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("claim mails: %w", err)
	}
	keep, until := context.WithoutCancel(ctx), time.Now().Add(sendFor)
	for i, one := range claimed {
		if ctx.Err() != nil || time.Now().After(until) {
			return ctx.Err() == nil, s.giveBack(keep, claimed[i:], 0)
		}
		down, err := s.try(ctx, c, one)
		if err != nil {
			return false, err
		}
		s.note(down)
		if down != nil {
			return false, s.giveBack(keep, claimed[i+1:], laterFor)
		}
	}
	return len(claimed) > 0, nil
}

// try writes and sends one copy, and notes what became of it. Down is why the mail
// server takes no other mail of ours for now, either.
func (s *Service) try(ctx context.Context, c *gomail.Client, one lanyard.MailCopy) (down, err error) {
	keep := context.WithoutCancel(ctx)
	if s.Store.Clock().Sub(one.CreatedAt) > s.scaled(triedFor)+time.Hour { // the digest waits for its hour
		return nil, s.end(keep, one, lanyard.MailFailed, 0)
	}
	l, err := s.write(ctx, one)
	switch {
	case errors.Is(err, errOver):
		return nil, s.end(keep, one, lanyard.MailDropped, 0)
	case err != nil:
		s.Logger.LogAttrs(ctx, slog.LevelError, "a mail could not be written; it is tried again", slog.String("mail", string(one.Mail)), slog.String("error", err.Error()))
		return nil, s.giveBack(keep, []lanyard.MailCopy{one}, laterFor)
	}
	m, err := s.message(l, string(one.ID))
	if err != nil { // not an address that a mail can go to
		return nil, s.end(keep, one, lanyard.MailDropped, 0)
	}
	err = c.Send(m)
	if err == nil || m.IsDelivered() { // or only what comes after it went wrong
		return err, s.end(keep, one, lanyard.MailSent, 250)
	}
	what, code := fault(err)
	if hopeless(err, code) {
		return err, s.end(keep, one, lanyard.MailPending, code)
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "the mail server did not take a mail", slog.String("mail", string(one.Mail)), slog.String("why", what), slog.Int("answer", code))
	if forGood(err, code) {
		return nil, s.end(keep, one, lanyard.MailFailed, code)
	}
	return nil, s.end(keep, one, lanyard.MailPending, code)
}

// hopeless says whether the next mail would fare no better: the connection is lost, the
// server has no time for us (421), or does not take our sender.
func hopeless(err error, code int) bool {
	var send *gomail.SendError
	return code == 0 || code == 421 || errors.As(err, &send) && send.Reason == gomail.ErrSMTPMailFrom
}

// forGood says whether a mail will not be taken by a later try either: a 5xx about the
// address or the text. One about the sender is the operator's to mend.
func forGood(err error, code int) bool {
	var send *gomail.SendError
	if !errors.As(err, &send) || code < 500 {
		return false
	}
	switch send.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return true
	}
	return false
}

// end writes the outcome of a try; of what is over, an entry.
func (s *Service) end(ctx context.Context, c lanyard.MailCopy, state lanyard.MailState, code int) error {
	leased := c.TryAt
	c.Answer = int64(code)
	wait := waits[min(max(c.Tries, 1), int64(len(waits)))-1]
	wait += time.Duration(float64(wait) * 0.2 * rand.Float64()) //nolint:gosec // as above
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		c.State, c.TryAt = state, time.Time{}
		if state == lanyard.MailPending {
			if c.TryAt = tx.Now().Add(s.scaled(wait)); c.TryAt.Sub(c.CreatedAt) > s.scaled(triedFor)+time.Hour {
				c.State, c.TryAt = lanyard.MailFailed, time.Time{}
			}
		}
		mine, err := tx.EndCopy(c, leased)
		if err != nil || !mine || c.State == lanyard.MailPending || c.State == lanyard.MailDropped {
			return lanyard.Entry{}, err
		}
		m, err := tx.Mail(c.Project, c.Mail)
		if err != nil {
			return lanyard.Entry{}, err
		}
		e := lanyard.NewEntry(lanyard.Principal{Project: c.Project, Name: "lanyard"}, lanyard.ActMailSent)
		e.Connection = m.Connection
		e.Detail = map[string]string{"to": string(m.Audience), "about": m.Cause}
		if c.State == lanyard.MailFailed {
			e.What, e.Outcome, e.Code = lanyard.ActMailFailed, "failed", lanyard.CodeMailFailed
		}
		return e, nil
	})
}

// giveBack ends leases without an outcome: the tries do not count.
func (s *Service) giveBack(ctx context.Context, list []lanyard.MailCopy, after time.Duration) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		for _, c := range list {
			leased := c.TryAt
			c.Tries--
			c.State, c.TryAt = lanyard.MailPending, tx.Now().Add(s.scaled(after))
			if _, err := tx.EndCopy(c, leased); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.downUntil)
}

// note remembers whether the mail server can be used, and says so when that changes.
func (s *Service) note(err error) {
	what, code := "", 0
	if err != nil {
		what, code = fault(err)
	}
	s.mu.Lock()
	was := s.down
	s.down, s.downUntil = what, time.Time{}
	if err != nil {
		s.downUntil = time.Now().Add(s.scaled(pauseFor))
	}
	s.mu.Unlock()
	switch {
	case what != "" && what != was:
		s.Logger.Error("the mail server cannot be used; mails wait", "host", s.Server.host, "why", what, "answer", code)
	case what == "" && was != "":
		s.Logger.Info("the mail server can be used again", "host", s.Server.host)
	}
}
