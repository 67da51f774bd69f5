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
	running sync.WaitGroup
	stop    context.Context // done: no new claims
	cancel  context.CancelFunc
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
	s.cancel()
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Recover closes the attempts that an earlier process of this node left open:
// what became of them is unknown, and the class of the provider says what may
// be done next (I14).
func (s *Service) Recover(ctx context.Context) error {
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		open, err := tx.OpenAttempts(s.Node)
		if err != nil {
			return err
		}
		for _, a := range open {
			a.EndedAt, a.Outcome, a.Error = tx.Now(), lanyard.OutcomeUnknown, "process_ended"
			if _, err := tx.EndAttempt(a); err != nil {
				return err
			}
		}
		return tx.ReleaseGrants(s.Node)
	})
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
