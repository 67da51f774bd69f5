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
func (s *Service) hooks(ctx context.Context, b lanyard.Bot, n New) ([]lanyard.Endpoint, error) {
	if len(n.Hooks) == 0 || b.Vendor() && b.Kind == lanyard.RunnerKind(n.Dialect) {
		return nil, nil
	}
	return s.Events.ForBot(ctx, b, n.Hooks)
}
