package bot

import (
	"context"

	"lanyard"
	"lanyard/internal/runner"
	"lanyard/internal/store"
)

// Relay passes a call on a bot on to the vendor who runs it, in the vendor's words, and the
// vendor's answer back as it is. What only looks needs the scope read, anything else
// connect. Errors: scope_missing, not_found (also where no vendor runs it), and those of
// the runner.
func (s *Service) Relay(ctx context.Context, p lanyard.Principal, ref string, c runner.Call) (runner.Answer, error) {
	scope := lanyard.ScopeConnect
	if c.Method == "GET" {
		scope = lanyard.ScopeRead
	}
	if err := p.Need(scope); err != nil {
		return runner.Answer{}, err
	}
	b, err := s.find(ctx, p, ref)
	if err != nil {
		return runner.Answer{}, err
	}
	if !b.Vendor() || b.Ref == "" {
		return runner.Answer{}, lanyard.Errorf(lanyard.CodeNotFound, "no vendor runs this bot")
	}
	r, err := s.Runners.Find(ctx, p.Project, b.Runner)
	if err != nil {
		return runner.Answer{}, err
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActBotRelayed)
	if err != nil {
		return runner.Answer{}, err
	}
	e.Detail = map[string]string{"bot": string(b.ID), "method": c.Method}
	if err := s.Store.Read(ctx, func(*store.Query) (lanyard.Entry, error) { return e, nil }); err != nil {
		return runner.Answer{}, err
	}
	a, err := s.Runners.Relay(ctx, r, b.Ref, c)
	if err == nil && c.Method != "GET" && a.OK() {
		err = s.look(ctx, b)
	}
	return a, err
}
