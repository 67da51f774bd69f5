package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/egress"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Config is what a Service needs; Logger, Hold and Pace may be left out.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Out         *egress.Client
	Connections *connection.Service
	Logger      *slog.Logger
	Hold        func() error // its error is why nothing may leave now: this is a copy of another instance (T20)
	Pace        float64      // times between tries are divided by it; 0: 1
}

// Service keeps endpoints and delivers events. It is safe for concurrent use.
type Service struct {
	Config
	mu     sync.Mutex
	busy   map[lanyard.EndpointID]int // tries under way from this process
	all    int
	freed  chan struct{} // a try has ended, so there may be room for another
	trying sync.WaitGroup
}

// New returns a Service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Hold == nil {
		c.Hold = func() error { return nil }
	}
	if c.Pace == 0 {
		c.Pace = 1
	}
	return &Service{Config: c, busy: map[lanyard.EndpointID]int{}, freed: make(chan struct{}, 1)}
}

// scaled is a time of the schedule as Pace has it.
func (s *Service) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Pace)
}

// may returns an error unless the caller may manage what a whole project is told:
// a key that is limited to some connections would learn of all others.
func may(p lanyard.Principal) error {
	if err := p.Need(lanyard.ScopeWebhooks); err != nil {
		return err
	}
	if len(p.Providers)+len(p.Labels) > 0 {
		return lanyard.Errorf(lanyard.CodeKeyLimited, "a webhook endpoint is told of all connections, and this key is limited to some")
	}
	return nil
}

// Events lists events of a type, or of those of a noun ("connection.*"), newest first,
// and returns the next cursor; no type means all. A key that is limited sees those of
// the connections that it reaches; its pages may be shorter.
func (s *Service) Events(ctx context.Context, p lanyard.Principal, page lanyard.Page, of lanyard.EventType) (events []lanyard.Event, next string, err error) {
	if err := p.Need(lanyard.ScopeWebhooks); err != nil {
		return nil, "", err
	}
	types := of.Matching()
	if of != "" && len(types) == 0 {
		return nil, "", lanyard.Errorf(lanyard.CodeInvalidRequest, "type: one of %s, or all of a noun, such as connection.*", typeList())
	}
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if events, next, err = q.Events(p.Project, page, types...); err != nil {
			return err
		}
		reach := store.NewReach(q, p)
		kept := events[:0]
		for _, e := range events {
			ok, err := reach.Connection(e.Connection)
			if err != nil {
				return err
			}
			if ok {
				kept = append(kept, e)
			}
		}
		events = kept
		return nil
	})
	return events, next, err
}
