package access

import (
	"context"
	"crypto/subtle"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// FieldAnswer is where the answer under an Idempotency-Key lies, sealed.
const FieldAnswer = "idempotency.answer"

const (
	answersKept = 24 * time.Hour
	claimHolds  = 5 * time.Minute // longer than any call lasts
)

// Claim begins a call of p's project that carries an Idempotency-Key: status 0
// and the name of the claim if it is to be run, or what was answered before.
// request is a hash of the request; another one under the same key is
// CodeIdempotencyKeyReused, one that still runs CodeIdempotencyInProgress. A
// claim that was neither kept nor released, because its node died, lapses after
// five minutes.
func (s *Service) Claim(ctx context.Context, p lanyard.Principal, route, key string, request []byte) (claim string, status int, body []byte, err error) {
	row := store.Idempotency{
		ID: lanyard.NewID[string]("idm_"), Project: p.Project, Key: p.Key, Route: route,
		KeyHash:  s.vault.Digest(p.Project, "idempotency-key", key),
		BodyHash: s.vault.Digest(p.Project, "idempotency-request", string(request)),
	}
	var there *store.Idempotency
	err = s.db.Bookkeep(ctx, func(tx *store.Tx) (err error) {
		row.ExpiresAt = tx.Now().Add(claimHolds)
		there, err = tx.ClaimIdempotency(row)
		return err
	})
	switch {
	case err != nil:
		return "", 0, nil, err
	case there == nil:
		return row.ID, 0, nil, nil
	case subtle.ConstantTimeCompare(there.BodyHash, row.BodyHash) != 1:
		return "", 0, nil, lanyard.Errorf(lanyard.CodeIdempotencyKeyReused, "")
	case there.Status == 0:
		e := lanyard.Errorf(lanyard.CodeIdempotencyInProgress, "")
		e.RetryAfter = time.Second
		return "", 0, nil, e
	}
	answer, err := s.vault.Open(ctx, vault.ProjectKey(p.Project), answerPlace(p.Project, there.ID), there.Answer)
	if err != nil {
		return "", 0, nil, err
	}
	return there.ID, there.Status, answer.Reveal(), nil
}

// Keep stores the answer of a claim, sealed, for 24 hours from now.
func (s *Service) Keep(ctx context.Context, p lanyard.Principal, claim string, status int, body []byte) error {
	sealed, err := s.vault.Seal(ctx, vault.ProjectKey(p.Project), answerPlace(p.Project, claim), lanyard.SecretBytes(body))
	if err != nil {
		return err
	}
	return s.db.Bookkeep(ctx, func(tx *store.Tx) error {
		return tx.FinishIdempotency(store.Idempotency{ID: claim, Project: p.Project, Status: status, Answer: sealed,
			ExpiresAt: tx.Now().Add(answersKept)})
	})
}

// Release forgets a claim, so that the same key may be tried again.
func (s *Service) Release(ctx context.Context, p lanyard.Principal, claim string) error {
	return s.db.Bookkeep(ctx, func(tx *store.Tx) error {
		return tx.DropIdempotency(store.Idempotency{ID: claim, Project: p.Project})
	})
}

func answerPlace(project lanyard.ProjectID, claim string) vault.Place {
	return vault.Place{Project: project, Row: claim, Field: FieldAnswer}
}
