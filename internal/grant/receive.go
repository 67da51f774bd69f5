package grant

import (
	"bytes"
	"context"
	"fmt"

	"lanyard"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/spool"
	"lanyard/internal/vault"
)

// receiver puts a provider's answer on this machine's disk, sealed, before
// anybody looks at it (I4). Everything it needs is there before the call: room on
// the disk and the key in memory (I2).
type receiver struct {
	*Service
	room   *spool.Room // nil: used
	sealer vault.Sealer
}

func (r *receiver) release() {
	if r.room != nil {
		r.room.Release()
	}
}

func (s *Service) receiver(ctx context.Context, project lanyard.ProjectID) (*receiver, error) {
	if err := fault.At(ctx, fault.GrantKey); err != nil {
		return nil, err
	}
	sealer, err := s.Vault.Sealer(ctx, vault.ProjectKey(project))
	if err != nil {
		return nil, fmt.Errorf("key for the answer: %w", err)
	}
	room, err := s.Spool.Reserve()
	if err != nil {
		return nil, err
	}
	return &receiver{s, room, sealer}, nil
}

// ready makes sure that there is room for one more answer.
func (r *receiver) ready() (err error) {
	if r.room == nil {
		r.room, err = r.Spool.Reserve()
	}
	return err
}

// keep returns when the answer is on disk. Where that fails, the answer is still in
// memory and goes to the database, which is better than nowhere; the spool says
// for itself that it is broken, and no new call begins (I20).
func (r *receiver) keep(a lanyard.Attempt, answer provider.Answer) {
	if !mayHoldTokens(answer) {
		return
	}
	_ = fault.At(context.Background(), fault.GrantAnswer)
	sealed, err := r.sealer.Seal(receiptPlace(a.Project, a.App, a.ID, a.Family, a.Generation), answer.Encode())
	if err == nil {
		room := r.room
		r.room = nil
		defer room.Release()
		err = room.Keep(spool.Receipt{Attempt: a.ID, Project: a.Project, App: a.App, Grant: a.Grant, Flow: a.Flow, Kind: a.Kind,
			Family: a.Family, Generation: a.Generation, Sealed: sealed})
	}
	if err != nil {
		r.Logger.Error("an answer could not be put on disk before it is used", "attempt", a.ID, "error", err)
	}
}

// mayHoldTokens says whether an answer is worth a receipt: a success, or any body
// that speaks of tokens, cut or not.
func mayHoldTokens(a provider.Answer) bool {
	body := a.Body.Reveal()
	return a.Sent && len(body) > 0 && (a.Status >= 200 && a.Status < 300 || bytes.Contains(body, []byte("token")))
}

func receiptPlace(project lanyard.ProjectID, app lanyard.AppID, attempt lanyard.AttemptID, family string, generation int64) vault.Place {
	return vault.Place{Project: project, Row: string(attempt), Field: "spool.answer", Family: family, Generation: generation, App: app}
}

// subjectChanged is the error of a renewal that brought somebody else's tokens.
const subjectChanged = "subject_changed"

// mine makes sure that a renewal's tokens are for the account that the grant is
// for (OpenID Connect Core §12.2): those of somebody else are not handed out, and
// say nothing about the grant.
func (s *Service) mine(t *provider.Target, own lanyard.App, g lanyard.Grant, r provider.Result) provider.Result {
	tokens, ok := pick(r, g.Kind)
	if !ok {
		return r
	}
	who, ok := t.Claimed(tokens)
	who.Issuer = g.Issuer // it came from the app's own token endpoint; some write their issuer in two ways
	if !ok || bytes.Equal(s.SubjectHash(own, who), g.SubjectHash) {
		return r
	}
	return provider.Result{Outcome: lanyard.OutcomeUnknown, Error: subjectChanged, Reason: lanyard.CodeProviderAnswerInvalid}
}
