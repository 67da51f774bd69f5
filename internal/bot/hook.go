package bot

import (
	"context"

	"lanyard"
	"lanyard/internal/webhook"
)

// Hook is a URL that is told of one bot; see webhook.BotHook.
type Hook = webhook.BotHook

// hooks makes the endpoints of a new bot. Where the vendor in whose words it was asked for
// runs it, that vendor tells them, and there are none here.
func (s *Service) hooks(ctx context.Context, p lanyard.Principal, b lanyard.Bot, n New) ([]lanyard.Endpoint, error) {
	if len(n.Hooks) == 0 {
		return nil, nil
	}
	run, ok, err := s.Runners.Pick(ctx, p, n.Runner, n.Dialect)
	if err != nil || ok && run.Kind == lanyard.RunnerKind(n.Dialect) {
		return nil, err
	}
	return s.Events.ForBot(ctx, b, n.Hooks)
}
