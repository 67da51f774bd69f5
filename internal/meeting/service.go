package meeting

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Providers   *provider.Set
	Apps        *app.Service
	Connections *connection.Service
	Hold        func() error // why no provider may be called now; nil: nothing is in the way
	Pace        float64      // how much faster than usual the schedule is, for tests; 1
	Stop        bool         // list nothing; what notices say is known all the same
}

// Lister is code for a provider whose accounts have meetings.
type Lister interface {
	ParseMeetingLink(text string) (provider.Meeting, error)
	MeetingScopes() []string
	MeetingAccount(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet) (provider.MeetingAccount, error)
	ListMeetings(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, page string) (provider.MeetingPage, error)
}

// Service knows whose meeting it is. It is safe for concurrent use.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Tasks list what is due, and forget what is over. They go by true time; when a list is
// due is in the database.
func (s *Service) Tasks() []worker.Task {
	out := []worker.Task{{Name: "meeting.purge", Every: s.scaled(time.Hour), Run: s.purge}}
	if s.Stop {
		return out
	}
	for range atOnce {
		out = append(out, worker.Task{Name: "meeting.list", Every: look, Run: s.list})
	}
	return out
}

func (s *Service) purge(ctx context.Context) error {
	for {
		n := 0
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			meetings, err := tx.PurgeMeetings(some)
			if err != nil {
				return err
			}
			stays, err := tx.PurgeAttendances(tx.Now().Add(-s.scaled(longestRun)), some)
			if err != nil {
				return err
			}
			lists, err := tx.PurgeListings(some)
			n = max(meetings, stays, lists)
			return err
		})
		if err != nil || n < some {
			return err
		}
	}
}

const some = 1000 // rows in one transaction

// key is what a meeting is looked up by. Numbers are unique at a provider, whichever
// app is told of them.
func (s *Service) key(project lanyard.ProjectID, issuer, number string) []byte {
	return s.Vault.Digest(project, "meeting", issuer, number)
}

// Key is what a meeting is looked up by where it does not matter which app, and which of
// the provider's places, knows of it.
func (s *Service) Key(project lanyard.ProjectID, providerID, number string) []byte {
	return s.Vault.Digest(project, "meeting-of", providerID, number)
}

func (s *Service) hash(a lanyard.App, what, id string) []byte {
	if id == "" {
		return nil
	}
	return s.Vault.Digest(a.Project, what, string(a.ID), id)
}

// account is Listing.Account.
func (s *Service) account(a lanyard.App, issuer, subject string) []byte {
	if subject == "" {
		return nil
	}
	return s.Connections.Grants.AccountHash(a, provider.Identity{Issuer: issuer, Subject: subject})
}

func (s *Service) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Pace)
}
