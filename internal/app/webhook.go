package app

import (
	"context"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// OpenWebhookSecret returns what the provider signs an app's notices with. Errors are
// those of the vault.
func (s *Service) OpenWebhookSecret(ctx context.Context, d store.Door) (lanyard.Secret, error) {
	return s.Vault.Open(ctx, vault.ProjectKey(d.Project), place(lanyard.App{ID: d.App, Project: d.Project}, "apps.webhook_secret"), d.WebhookSecret)
}
