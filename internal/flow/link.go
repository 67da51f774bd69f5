package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// expect makes an invitation one for the account named: where no session of the
// customer's says who is in the browser, the account itself has to (T01).
func (s *Service) expect(ctx context.Context, in *lanyard.Session, x lanyard.Expected) error {
	x.Email = strings.ToLower(strings.TrimSpace(x.Email))
	if len(x.Email) > 320 || len(x.Subject) > 255 || x.Email != "" && !strings.Contains(x.Email, "@") {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "expected_email: an address; expected_subject: the provider's id for the account, at most 255 characters")
	}
	in.Purpose = forLink
	return s.sealExpected(ctx, in, x)
}

func (s *Service) sealExpected(ctx context.Context, in *lanyard.Session, x lanyard.Expected) error {
	raw, err := json.Marshal(x)
	if err != nil {
		return err
	}
	if in.Sealed, err = s.Vault.Seal(ctx, vault.PersonKey(in.Project, in.Person), sessionPlace(*in), lanyard.SecretBytes(raw)); err != nil {
		return fmt.Errorf("seal whose account is expected: %w", err)
	}
	return nil
}

// expected returns account_mismatch unless the person's own credential is for the
// account that the invitation expects, and all that was said of it holds.
func (s *Service) expected(ctx context.Context, f lanyard.Flow, issued []provider.Issued, who []provider.Identity) error {
	var in lanyard.Session
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		in, err = q.Session(f.Project, f.Session)
		return err
	})
	if err != nil {
		return err
	}
	raw, err := s.Vault.Open(ctx, vault.PersonKey(in.Project, in.Person), sessionPlace(in), in.Sealed)
	if err != nil {
		return err
	}
	var x lanyard.Expected
	if err := json.Unmarshal(raw.Reveal(), &x); err != nil {
		return fmt.Errorf("read whose account is expected: %w", err)
	}
	for i := range issued {
		if issued[i].Kind == "user" && (x.Email != "" || x.Subject != "") &&
			(x.Email == "" || strings.EqualFold(x.Email, who[i].Email)) && (x.Subject == "" || x.Subject == who[i].Subject) {
			return nil
		}
	}
	return lanyard.Errorf(lanyard.CodeAccountMismatch, "")
}

func sessionPlace(in lanyard.Session) vault.Place {
	return vault.Place{Project: in.Project, Row: string(in.ID), Field: "sessions.sealed"}
}
