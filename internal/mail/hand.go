package mail

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

const (
	newsFor     = 24 * time.Hour // an event of before is no news: there was no mail server then
	hourly      = 20             // mails to a project's addresses in an hour, and
	daily       = 60             // in a day; what is more is gathered
	personDaily = 3              // mails to a person in a day; what is more is not sent
	lateFor     = 2 * time.Minute
)

// hand makes mails of new events, and says how many events there were.
func (s *Service) hand(ctx context.Context) (int, error) {
	var events []lanyard.Event
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		events, err = q.UnmailedEvents(handSome)
		return err
	})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return len(events), s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		projects := map[lanyard.ProjectID]lanyard.Project{}
		for _, ev := range events {
			mine, err := tx.MarkMailed(ev.ID)
			if err != nil {
				return err
			}
			if !mine || tx.Now().Sub(ev.At) > newsFor { // another node was faster, or it is too old
				continue
			}
			pr, known := projects[ev.Project]
			if !known {
				if pr, err = tx.Project(ev.Project); err != nil {
					return err
				}
				projects[ev.Project] = pr
			}
			if err := s.tellProject(tx, pr, ev); err != nil {
				return fmt.Errorf("queue a mail to a project: %w", err)
			}
			if err := s.tellPerson(tx, pr, ev); err != nil {
				return fmt.Errorf("queue a mail to a person: %w", err)
			}
		}
		return nil
	})
}

// mailOf is the mail about an event; what it is about is part of the cause, the day
// is the project's.
func mailOf(tx *store.Tx, pr lanyard.Project, ev lanyard.Event, to lanyard.Audience) lanyard.Mail {
	about := string(ev.Connection)
	for _, name := range []string{"app_id", "endpoint_id"} {
		if about == "" {
			about = ev.Data[name]
		}
	}
	return lanyard.Mail{ID: lanyard.NewID[lanyard.MailID]("ml_"), Project: pr.ID, Audience: to, Cause: string(ev.Type) + ":" + about,
		Day: tx.Now().In(zone(pr)).Format(time.DateOnly), Event: ev.ID, Type: ev.Type, Connection: ev.Connection}
}

// zone is where the project's days begin.
func zone(pr lanyard.Project) *time.Location {
	if at, err := time.LoadLocation(pr.Settings.TimeZone); err == nil {
		return at
	}
	return time.UTC
}

// tellProject queues a mail to the project's addresses, or has it told in the digest of
// the hour if there were too many: 10,000 connections may end at one moment (T39).
func (s *Service) tellProject(tx *store.Tx, pr lanyard.Project, ev lanyard.Event) error {
	if len(pr.Settings.NotifyEmails) == 0 {
		return nil
	}
	m := mailOf(tx, pr, ev, lanyard.ToProject)
	hour, err := tx.CountMails(pr.ID, tx.Now().Add(-time.Hour))
	if err != nil {
		return err
	}
	day, err := tx.CountMails(pr.ID, tx.Now().Add(-24*time.Hour))
	if err != nil {
		return err
	}
	if hour < hourly && day < daily {
		fresh, err := tx.AddMail(m)
		if err != nil || !fresh {
			return err
		}
		return s.copies(tx, pr, m.ID, tx.Now())
	}
	ends := tx.Now().Truncate(time.Hour).Add(time.Hour)
	d := lanyard.Mail{ID: lanyard.NewID[lanyard.MailID]("ml_"), Project: pr.ID, Audience: lanyard.ToProject, Cause: lanyard.DigestCause,
		Day: ends.UTC().Format(time.RFC3339)}
	fresh, err := tx.AddMail(d)
	if err != nil {
		return err
	}
	if fresh {
		wait := ends.Sub(tx.Now()) + lateFor
		if err := s.copies(tx, pr, d.ID, tx.Now().Add(s.scaled(wait))); err != nil {
			return err
		}
	} else if d, err = tx.MailOf(pr.ID, lanyard.ToProject, d.Cause, d.Day); err != nil {
		return err
	}
	m.Digest = d.ID
	_, err = tx.AddMail(m)
	return err
}

// copies queues a mail for each of the project's addresses.
func (s *Service) copies(tx *store.Tx, pr lanyard.Project, id lanyard.MailID, at time.Time) error {
	for _, address := range pr.Settings.NotifyEmails {
		err := tx.AddCopy(lanyard.MailCopy{ID: lanyard.NewID[lanyard.MailCopyID]("mc_"), Project: pr.ID, Mail: id,
			Recipient: s.digest(pr.ID, address), TryAt: at})
		if err != nil {
			return err
		}
	}
	return nil
}

// digest stands for an address of a project.
func (s *Service) digest(project lanyard.ProjectID, address string) []byte {
	return s.Vault.Digest(project, "mail-address", address)
}

// tellPerson queues a mail to the person whose connection it is, if the project wants
// that and they have not had enough for a day.
func (s *Service) tellPerson(tx *store.Tx, pr lanyard.Project, ev lanyard.Event) error {
	if !pr.Settings.NotifyPerson || ev.Type != lanyard.EventNeedsReauth && ev.Type != lanyard.EventExpiring {
		return nil
	}
	c, _, err := tx.Connection(pr.ID, ev.Connection)
	if errors.Is(err, lanyard.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m := mailOf(tx, pr, ev, lanyard.ToPerson)
	m.Person = c.Person
	n, err := tx.CountPersonMails(pr.ID, c.Person, tx.Now().Add(-24*time.Hour))
	if err != nil || n >= personDaily {
		return err
	}
	fresh, err := tx.AddMail(m)
	if err != nil || !fresh {
		return err
	}
	return tx.AddCopy(lanyard.MailCopy{ID: lanyard.NewID[lanyard.MailCopyID]("mc_"), Project: pr.ID, Mail: m.ID, TryAt: tx.Now()})
}

// same says whether two digests of addresses are equal, for maps.
func same(digest []byte) string { return hex.EncodeToString(digest) }
