package access

import (
	"context"

	"lanyard"
)

// CreateBotKey makes a key that is a bot's own, with the limits of the key that asks for
// it: providers, labels, networks and life. It ends when the bot is over. Errors: as for
// CreateKey.
func (s *Service) CreateBotKey(ctx context.Context, p lanyard.Principal, bot lanyard.BotID, scopes []lanyard.Scope) (lanyard.Secret, error) {
	n := NewKey{Name: "of a bot", Scopes: scopes, Providers: p.Providers, Labels: p.Labels, ExpiresAt: p.ExpiresAt, Bot: bot}
	if p.Key != "" {
		mine, err := s.rows.get(ctx, p.Key)
		if err != nil {
			return lanyard.Secret{}, err
		}
		n.CIDRs = mine.CIDRs
	}
	_, credential, err := s.CreateKey(ctx, p, n)
	return credential, err
}
