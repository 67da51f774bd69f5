package connection

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
	"lanyard/internal/worker"
)

// Supersede ends the consent that a connection rested on until r.
func Supersede(tx *store.Tx, r lanyard.Consent) error {
	_, err := tx.EndConsents(r.Project, r.Connection, r.ID, lanyard.Consent{State: lanyard.ConsentSuperseded, SupersededBy: r.ID})
	return err
}

// withdraw ends the consent of a connection that is let go of, in the transaction that
// does it. What the provider says to it follows, with answered.
func withdraw(tx *store.Tx, c lanyard.Connection, by string, reason lanyard.Code, outcome string) error {
	end := lanyard.Consent{State: lanyard.ConsentWithdrawn, EndedBy: by, Reason: reason, Answer: lanyard.ConsentAnswer{Outcome: outcome}}
	if outcome == lanyard.AnswerToldUs {
		end.Answer.At = tx.Now()
	}
	_, err := tx.EndConsents(c.Project, c.ID, "", end)
	return err
}

// answered notes on the consents that ended with a grant what the provider said, now
// or at a later try.
func answered(tx *store.Tx, c lanyard.Connection, id lanyard.GrantID, r Revocation, again bool) error {
	a := lanyard.ConsentAnswer{Outcome: r.Outcome, Status: int64(r.status), Detail: r.Detail, Again: again, LivesUntil: r.LivesUntil}
	if r.Outcome == superseded {
		a.Outcome = lanyard.AnswerConnectedAgain
	}
	return tx.AnswerConsents(c.Project, id, a)
}

// SealConsent seals where a person was when they pressed Continue, under their key.
func (s *Service) SealConsent(ctx context.Context, r lanyard.Consent, from lanyard.Origin) ([]byte, error) {
	raw, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	sealed, err := s.Vault.Seal(ctx, vault.PersonKey(r.Project, r.Person), consentPlace(r), lanyard.SecretBytes(raw))
	if err != nil {
		return nil, fmt.Errorf("seal where a consent came from: %w", err)
	}
	return sealed, nil
}

func consentPlace(r lanyard.Consent) vault.Place {
	return vault.Place{Project: r.Project, Row: string(r.ID), Field: "consents.sealed"}
}

// forgetConsents forgets consents that ended longer ago than they are kept for.
func (s *Service) forgetConsents() worker.Task {
	return worker.Task{Name: "connection.consents", Every: time.Hour, Run: func(ctx context.Context) error {
		if s.ConsentsFor <= 0 {
			return nil
		}
		return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			_, err := tx.PurgeConsents(tx.Now().Add(-s.ConsentsFor), 1000)
			return err
		})
	}}
}
