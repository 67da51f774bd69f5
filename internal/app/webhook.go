package app

import (
	"context"
	"errors"

	"lanyard"
	"lanyard/internal/vault"
)

// OpenWebhookSecrets returns what the provider signs an app's notices with: the secret,
// and during a rotation the next one. One that does not open keeps nobody from the
// other. Errors are those of the vault, joined.
func (s *Service) OpenWebhookSecrets(ctx context.Context, a lanyard.App) (out []lanyard.Secret, err error) {
	for _, f := range []struct {
		field  string
		sealed []byte
	}{{"apps.webhook_secret", a.WebhookSecret}, {"apps.next_webhook_secret", a.NextWebhookSecret}} {
		if len(f.sealed) == 0 {
			continue
		}
		secret, bad := s.Vault.Open(ctx, vault.ProjectKey(a.Project), place(a, f.field), f.sealed)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		out = append(out, secret)
	}
	return out, err
}
