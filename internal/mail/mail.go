package mail

import (
	"context"
	"errors"
	"log/slog"
	"net/mail"
	"sync"
	"time"

	"lanyard/internal/connection"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

const (
	lookEvery = 2 * time.Second
	handSome  = 50                  // events in one transaction: others wait for the end of it
	keepFor   = 30 * 24 * time.Hour // what a mail was about and when
)

// Config is what a Service needs; Server, ReplyTo, Logger, Hold and Pace may be left out.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Connections *connection.Service
	Server      *Server      // nil: nobody is told by e-mail
	From        mail.Address // needed with Server
	ReplyTo     *mail.Address
	Logger      *slog.Logger
	Hold        func() error // its error is why nothing may leave now: this is a copy of another instance (T20)
	Pace        float64      // times between tries are divided by it; 0: 1
}

// Service tells by e-mail. It is safe for concurrent use.
type Service struct {
	Config
	words map[string]words // by language

	mu        sync.Mutex
	down      string // why the mail server could not be used the last time
	downUntil time.Time
}

// New returns a Service.
func New(c Config) (*Service, error) {
	if c.Server != nil && c.From.Address == "" {
		return nil, errors.New("mail: there is a mail server and no sender")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Hold == nil {
		c.Hold = func() error { return nil }
	}
	if c.Pace == 0 {
		c.Pace = 1
	}
	all, err := loadWords()
	if err != nil {
		return nil, err
	}
	return &Service{Config: c, words: all}, nil
}

// Tasks are what telling by e-mail needs done in the background, by true time. Without
// a mail server there are none: nothing is queued.
func (s *Service) Tasks() []worker.Task {
	if s.Server == nil {
		s.Logger.Info("no mail server is set (smtp_url), so nobody is told by e-mail")
		return nil
	}
	return []worker.Task{
		{Name: "mail.send", Every: s.scaled(lookEvery), Run: s.work},
		{Name: "mail.purge", Every: time.Hour, Run: s.purge},
	}
}

// work hands out new events and sends what is due, until nothing is.
func (s *Service) work(ctx context.Context) error {
	if s.Hold() != nil {
		return nil
	}
	for {
		n, err := s.hand(ctx)
		if err != nil {
			return err
		}
		if n < handSome {
			break
		}
	}
	for ctx.Err() == nil {
		more, err := s.round(ctx)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Waiting counts the copies that are not sent yet.
func (s *Service) Waiting(ctx context.Context) (n int, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		n, err = q.CountWaitingMails()
		return err
	})
	return n, err
}

// scaled is a time of the schedule as Pace has it.
func (s *Service) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Pace)
}

// purge forgets mails of a month ago.
func (s *Service) purge(ctx context.Context) error {
	for {
		n := 0
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.PurgeMails(tx.Now().Add(-keepFor), 1000)
			return err
		})
		if err != nil || n < 1000 {
			return err
		}
	}
}
