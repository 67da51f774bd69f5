package grant

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

// Config is what a Service needs; every field but Logger is required.
type Config struct {
	Store  *store.DB
	Vault  *vault.Vault
	Apps   *app.Service
	Node   string // names this process in leases and attempts
	Logger *slog.Logger
}

// Service renews, trades, and gives back grants. It is safe for concurrent use.
type Service struct {
	Config
	flights singleflight.Group
	stop    context.Context // done: no new claims
	cancel  context.CancelFunc

	mu      sync.Mutex // between enter and Drain
	running sync.WaitGroup
}

// New returns a Service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c}
	s.stop, s.cancel = context.WithCancel(context.Background())
	return s
}

// Drain stops new calls to providers and waits until those that run have ended,
// or ctx has: a planned stop loses nothing (I15).
func (s *Service) Drain(ctx context.Context) error {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter counts a call to a provider in, until leave; an error where none may
// begin any more.
func (s *Service) enter() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop.Err() != nil {
		return nil, stopping()
	}
	s.running.Add(1)
	return s.running.Done, nil
}

func stopping() error {
	return &lanyard.Error{Code: lanyard.CodeStoreUnavailable, Message: "this node is stopping; ask again", RetryAfter: time.Second}
}

// Recover closes the attempts that an earlier process of this node left open:
// what became of them is unknown, and the class of the provider says what may
// be done next (I14). It returns the flows whose code was on its way.
func (s *Service) Recover(ctx context.Context) (lost []lanyard.FlowID, err error) {
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenAttempts(s.Node)
		if err != nil {
			return err
		}
		for _, a := range open {
			a.EndedAt, a.Outcome, a.Error = tx.Now(), lanyard.OutcomeUnknown, "process_ended"
			if _, err := tx.EndAttempt(a); err != nil {
				return err
			}
			if a.Kind == lanyard.AttemptCode {
				lost = append(lost, a.Flow)
			}
		}
		return tx.ReleaseGrants(s.Node)
	})
	return lost, err
}

// previousFor is how long the tokens before the last renewal are kept at most (I16).
const previousFor = 24 * time.Hour

// Tasks are what grants need done in the background.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{{Name: "grant.previous", Every: 10 * time.Minute, Run: s.forget}}
}

// forget drops the tokens before the last renewal: the next renewal replaces
// them, and one that is far away must not keep them.
func (s *Service) forget(ctx context.Context) error {
	const some = 500
	for {
		n := 0
		err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DropPrevious(tx.Now().Add(-previousFor), some)
			return err
		})
		if err != nil || n < some {
			return err
		}
	}
}

// place says where a sealed token set of this grant belongs.
func place(g lanyard.Grant, field string, generation int64) vault.Place {
	return vault.Place{Project: g.Project, Row: string(g.ID), Field: field,
		Family: g.Family, Generation: generation, App: g.App}
}

// Tokens opens the current token set of a grant.
func (s *Service) Tokens(ctx context.Context, g lanyard.Grant) (lanyard.TokenSet, error) {
	raw, err := s.Vault.Open(ctx, vault.ProjectKey(g.Project), place(g, "grants.tokens", g.Generation), g.Tokens)
	if err != nil {
		return lanyard.TokenSet{}, err
	}
	return decode(raw)
}

// seal puts a token set into g, which must have its family and generation.
func (s *Service) seal(ctx context.Context, g *lanyard.Grant, t lanyard.TokenSet) (err error) {
	g.Tokens, err = s.Vault.Seal(ctx, vault.ProjectKey(g.Project), place(*g, "grants.tokens", g.Generation), encode(t))
	g.AccessExpires, g.HasRefresh = t.ExpiresAt, !t.Refresh.Empty()
	return err
}

// lease is how long a node may take for a renewal: two calls, since there may be
// two client secrets, and the time around them.
func lease(t *provider.Target) time.Duration { return 2*t.Deadline + 30*time.Second }
