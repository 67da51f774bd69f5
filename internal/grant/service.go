package grant

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/spool"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

// Config is what a Service needs. Logger, Gate and Hold may be left out.
type Config struct {
	Store  *store.DB
	Vault  *vault.Vault
	Apps   *app.Service
	Spool  *spool.Spool
	Node   string // names this process in leases and attempts
	Logger *slog.Logger
	Gate   Gate               // paces calls; nil: each at once
	Hold   func() error       // why this process must call no provider at all; nil, or nil from it: it may
	Pace   float64            // how many times faster than true time schedules and waits run; 0: they do not
	Lost   func(lanyard.Code) // counts what is called dead, by its cause; nil: nobody does
}

// Gate paces calls to providers.
type Gate interface {
	// Enter waits until a call may be made, and returns a function that is told how
	// it went: OutcomeDropped where none was made. An error is a lanyard.Error with
	// RetryAfter; then nothing was sent.
	Enter(ctx context.Context, a Ask) (leave func(o lanyard.Outcome, retryAfter time.Duration), err error)
}

// Ask is a call that wants to be made.
type Ask struct {
	App     lanyard.AppID
	Project lanyard.ProjectID
	Host    string // of the token endpoint
	Rank    lanyard.Rank
	Waiting bool    // somebody waits for it
	Class   string  // the provider's; for counting
	Rate    float64 // calls a second that the provider allows an app; 0: nobody knows
}

type openGate struct{}

func (openGate) Enter(context.Context, Ask) (func(lanyard.Outcome, time.Duration), error) {
	return func(lanyard.Outcome, time.Duration) {}, nil
}

// Service renews, trades, and gives back grants. It is safe for concurrent use.
type Service struct {
	Config
	flights singleflight.Group
	stop    context.Context // done: no new claims
	cancel  context.CancelFunc

	mu      sync.Mutex // between enter and Drain
	running sync.WaitGroup

	calls    sync.Map // lanyard.AttemptID → struct{}: attempts of this process that run
	unsent   unsent
	uses     uses
	pace     pace
	glances  glances
	offering sync.Mutex // one at a time
	offered  offered
	mineOn   atomic.Value // string: the run of the database that has been offered our receipts
	allOn    atomic.Value // string: and everybody's
	outage   outage
}

// New returns a Service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Gate == nil {
		c.Gate = openGate{}
	}
	s := &Service{Config: c, pace: pace(c.Pace)}
	s.outage.settle = max(s.pace.short(settleFor), 2*time.Second)
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
	if s.Hold != nil {
		if err := s.Hold(); err != nil {
			return nil, err
		}
	}
	s.running.Add(1)
	return s.running.Done, nil
}

// hold notes an attempt as one that runs here, until the function it returns: its
// answer is not offered to the database by anybody else meanwhile.
func (s *Service) hold(a lanyard.AttemptID) (release func()) {
	s.calls.Store(a, struct{}{})
	return func() { s.calls.Delete(a) }
}

func stopping() error {
	return &lanyard.Error{Code: lanyard.CodeStoreUnavailable, Message: "this node is stopping; ask again", RetryAfter: time.Second}
}

// Tasks are what grants need done in the background.
func (s *Service) Tasks() []worker.Task {
	return []worker.Task{
		{Name: "grant.used", Every: 10 * time.Second, Run: s.noteUses},
		{Name: "grant.probe", Every: 5 * time.Second, Run: s.probe},
		{Name: "grant.unheld", Every: 10 * time.Second, Run: s.closeUnheld},
		{Name: "grant.plan", Every: time.Minute, Run: s.planned},
		{Name: "grant.expiring", Every: 10 * time.Minute, Run: s.tellExpiring},
		{Name: "grant.silent", Every: 10 * time.Minute, Run: s.closeSilent},
		{Name: "grant.previous", Every: 10 * time.Minute, Run: s.forget},
	}
}

const (
	previousFor = 24 * time.Hour      // the tokens before the last renewal are kept at most (I16)
	deadFor     = 30 * 24 * time.Hour // and those of a grant that was called dead
	attemptsFor = 90 * 24 * time.Hour // attempts are on record
)

// forget drops tokens whose time is over: the next renewal replaces those before
// the last, and one that is far away must not keep them.
func (s *Service) forget(ctx context.Context) error {
	const some = 500
	for _, drop := range []func(*store.Tx) (int, error){
		func(tx *store.Tx) (int, error) { return tx.DropPrevious(tx.Now().Add(-previousFor), some) },
		func(tx *store.Tx) (int, error) { return tx.DropDead(tx.Now().Add(-deadFor), some) },
		func(tx *store.Tx) (int, error) { return tx.PurgeAttempts(tx.Now().Add(-attemptsFor), some) },
	} {
		for n := some; n == some; {
			err := s.Store.Bookkeep(ctx, func(tx *store.Tx) (err error) {
				n, err = drop(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
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
// two client secrets, and the time around them. Where the old refresh token works
// for some seconds more, another node must be able to use them.
func lease(t *provider.Target) time.Duration {
	d := 2*t.Deadline + 30*time.Second
	if t.Class == provider.ClassGrace {
		d = min(d, max(t.Grace-10*time.Second, t.Deadline+2*time.Second))
	}
	return d
}
