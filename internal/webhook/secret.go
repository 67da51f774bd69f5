package webhook

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/vault"
)

const (
	hmacKey    = 32
	secretSize = hmacKey + ed25519.SeedSize

	fieldSecret    = "endpoints.secret"
	fieldOldSecret = "endpoints.old_secret"
)

// newSecret makes what an endpoint's messages are signed with: an HMAC key, which the
// customer gets, and the seed of an ed25519 key, of which they get the public half.
// Neither follows from the other.
func newSecret() lanyard.Secret {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails, by the package's promise
	return lanyard.SecretBytes(b)
}

// shown is the HMAC key as a receiver of this format takes it.
func shown(f lanyard.EndpointFormat, s lanyard.Secret) lanyard.Secret {
	key := s.Reveal()[:hmacKey]
	switch f {
	case lanyard.FormatAttendee: // its receivers decode base64
		return lanyard.NewSecret(base64.StdEncoding.EncodeToString(key))
	case lanyard.FormatMeetStream: // its receivers use the text as it is
		return lanyard.NewSecret(hex.EncodeToString(key))
	}
	return lanyard.NewSecret("whsec_" + base64.StdEncoding.EncodeToString(key))
}

func privateKey(s lanyard.Secret) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(s.Reveal()[hmacKey:])
}

// publicKey is the key with which v1a signatures are checked, as text.
func publicKey(s lanyard.Secret) string {
	return "whpk_" + base64.StdEncoding.EncodeToString(privateKey(s).Public().(ed25519.PublicKey))
}

func place(e lanyard.Endpoint, field string) vault.Place {
	return vault.Place{Project: e.Project, Row: string(e.ID), Field: field}
}

func (s *Service) seal(ctx context.Context, e lanyard.Endpoint, field string, secret lanyard.Secret) ([]byte, error) {
	sealed, err := s.Vault.Seal(ctx, vault.ProjectKey(e.Project), place(e, field), secret)
	if err != nil {
		return nil, fmt.Errorf("seal the webhook secret: %w", err)
	}
	return sealed, nil
}

func (s *Service) open(ctx context.Context, e lanyard.Endpoint, field string, sealed []byte) (lanyard.Secret, error) {
	secret, err := s.Vault.Open(ctx, vault.ProjectKey(e.Project), place(e, field), sealed)
	if err == nil && len(secret.Reveal()) != secretSize {
		err = lanyard.Errorf(lanyard.CodeTampered, "")
	}
	if err != nil {
		return lanyard.Secret{}, fmt.Errorf("open the webhook secret: %w", err)
	}
	return secret, nil
}

// secrets returns what messages to an endpoint are signed with now, the newest first. A
// bot's own are signed with what the project has now, or had when the bot was made.
func (s *Service) secrets(ctx context.Context, e lanyard.Endpoint) ([]lanyard.Secret, error) {
	if e.Bot != "" && e.Format == lanyard.FormatAttendee {
		if secret, err := s.attendeeSecret(ctx, e.Project); !errors.Is(err, lanyard.CodeNotFound) {
			return []lanyard.Secret{secret}, err
		}
	}
	secret, err := s.open(ctx, e, fieldSecret, e.Secret)
	if err != nil {
		return nil, err
	}
	if len(e.OldSecret) == 0 || !s.Store.Clock().Before(e.OldUntil) {
		return []lanyard.Secret{secret}, nil
	}
	old, err := s.open(ctx, e, fieldOldSecret, e.OldSecret)
	if err != nil {
		return nil, err
	}
	return []lanyard.Secret{secret, old}, nil
}
