package bot

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/jointoken"
	"lanyard/internal/meeting"
	"lanyard/internal/preflight"
	"lanyard/internal/runner"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/webhook"
)

const (
	early    = 2 * time.Minute  // before its hour a bot may ask for join tokens
	between  = 30 * time.Second // two tries on behalf of somebody who is not in the meeting
	patience = 10 * time.Minute // for somebody to come
)

// Config is what a Service needs; Hold, Pace and Logger may be left out.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Access      *access.Service
	Apps        *app.Service
	Connections *connection.Service
	Meetings    *meeting.Service
	Tokens      *jointoken.Service
	Preflight   *preflight.Service
	Runners     *runner.Service
	Events      *webhook.Service
	Hold        func() error // why nothing may be done of itself now; nil: nothing is in the way
	Pace        float64      // how much faster than usual time goes for bots, for tests; 1
	Logger      *slog.Logger
}

// Service keeps bots. It is safe for concurrent use.
type Service struct{ Config }

// NewService returns a Service.
func NewService(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Pace == 0 {
		c.Pace = 1
	}
	if c.Hold == nil {
		c.Hold = func() error { return nil }
	}
	return &Service{c}
}

// View is a bot with what belongs to it, opened for its owner.
type View struct {
	lanyard.Bot
	Data      lanyard.BotData // without what was asked for in a vendor's words, and without its token URLs
	Steps     []lanyard.BotStep
	Answer    *runner.Answer    // what its vendor has just answered, a refusal too; nil: nothing
	Preflight *preflight.Report // how it looks, where that was asked; in the answer to Create alone
	Key       lanyard.Secret    // its own, where one was asked for; in the answer to Create alone
}

// Passed is what a vendor of that kind has answered, for a caller who speaks its words; to
// any other a refusal is an error.
func (v View) Passed(kind lanyard.RunnerKind) (*runner.Answer, error) {
	switch {
	case v.Answer == nil:
		return nil, nil
	case v.Kind == kind:
		return v.Answer, nil
	}
	return nil, v.Answer.Err()
}

// Get returns one bot: by its id, or by what its runner calls it.
func (s *Service) Get(ctx context.Context, p lanyard.Principal, ref string) (View, error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return View{}, err
	}
	return s.get(ctx, p, ref)
}

func (s *Service) get(ctx context.Context, p lanyard.Principal, ref string) (View, error) {
	b, data, err := s.open(ctx, p, ref)
	if err != nil {
		return View{}, err
	}
	v := View{Bot: b, Data: shown(data)}
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		v.Steps, err = q.BotSteps(p.Project, b.ID)
		return err
	})
	return v, err
}

// List returns the project's bots, newest first, without their time lines, and the next cursor.
func (s *Service) List(ctx context.Context, p lanyard.Principal, f lanyard.BotFilter, page lanyard.Page) (out []View, next string, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, "", err
	}
	var bots []lanyard.Bot
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		bots, next, err = q.Bots(p.Project, f, page)
		return err
	})
	for _, b := range bots {
		if err := s.sees(ctx, p, b); errors.Is(err, lanyard.CodeKeyLimited) {
			continue // the page is shorter
		} else if err != nil {
			return nil, "", err
		}
		data, err := s.unseal(ctx, b)
		if err != nil {
			return nil, "", err
		}
		out = append(out, View{Bot: b, Data: shown(data)})
	}
	return out, next, err
}

// Lines puts into bots, as List returns them, their time lines.
func (s *Service) Lines(ctx context.Context, p lanyard.Principal, list []View) error {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return err
	}
	at, ids := map[lanyard.BotID]int{}, make([]lanyard.BotID, len(list))
	for i, v := range list {
		at[v.ID], ids[i] = i, v.ID
	}
	return s.Store.View(ctx, func(q *store.Query) error {
		steps, err := q.BotStepsOf(p.Project, ids)
		for _, step := range steps {
			v := &list[at[step.Bot]]
			v.Steps = append(v.Steps, step)
		}
		return err
	})
}

// Requested returns the body with which a bot was asked for in a vendor's words; nil where
// it was not.
func (s *Service) Requested(ctx context.Context, p lanyard.Principal, ref string) ([]byte, error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, err
	}
	_, data, err := s.open(ctx, p, ref)
	return data.Request, err
}

// find is the one place where a bot is looked up for a caller: another project's is
// absent, and to a bot's own key every other bot is.
func (s *Service) find(ctx context.Context, p lanyard.Principal, ref string) (b lanyard.Bot, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if lanyard.ValidID("bot_", ref) {
			b, err = q.Bot(p.Project, lanyard.BotID(ref))
		} else {
			b, err = q.BotByRef(p.Project, ref)
		}
		return err
	})
	if err == nil && p.Bot != "" && p.Bot != b.ID {
		return lanyard.Bot{}, lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	if err == nil {
		err = s.sees(ctx, p, b)
	}
	return b, err
}

func (s *Service) open(ctx context.Context, p lanyard.Principal, ref string) (lanyard.Bot, lanyard.BotData, error) {
	b, err := s.find(ctx, p, ref)
	if err != nil {
		return b, lanyard.BotData{}, err
	}
	data, err := s.unseal(ctx, b)
	return b, data, err
}

func (s *Service) unseal(ctx context.Context, b lanyard.Bot) (d lanyard.BotData, err error) {
	raw, err := s.Vault.Open(ctx, vault.ProjectKey(b.Project), place(b), b.Sealed)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(raw.Reveal(), &d)
}

func (s *Service) seal(ctx context.Context, b lanyard.Bot, d lanyard.BotData) ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return s.Vault.Seal(ctx, vault.ProjectKey(b.Project), place(b), lanyard.NewSecret(string(raw)))
}

func place(b lanyard.Bot) vault.Place {
	return vault.Place{Project: b.Project, Row: string(b.ID), Field: "bots.sealed"}
}

func shown(d lanyard.BotData) lanyard.BotData {
	d.Request, d.TokenURLs = nil, nil
	return d
}

func (s *Service) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Pace)
}
