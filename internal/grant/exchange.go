package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Trade is an authorization code on its way to the provider.
type Trade struct {
	Ready       app.Ready
	Flow        lanyard.FlowID
	Code        lanyard.Secret
	RedirectURI string // byte for byte as at the authorization endpoint (RFC 6749 §4.1.3)
	Verifier    lanyard.Secret

	// Refresh, instead of Code: what an exchange brought without an access token.
	Refresh lanyard.Secret

	// Spend runs in the transaction that writes the intent, so that a code is spent
	// if and only if the attempt is on record. Its error is returned, and nothing is sent.
	Spend func(*store.Tx) error
}

func (t Trade) kind() lanyard.AttemptKind {
	if !t.Refresh.Empty() {
		return lanyard.AttemptRefresh
	}
	return lanyard.AttemptCode
}

func (t Trade) send(ctx context.Context, cred provider.Credentials) provider.Answer {
	if !t.Refresh.Empty() {
		return t.Ready.Target.Refresh(ctx, cred, t.Refresh)
	}
	return t.Ready.Target.Exchange(ctx, cred, provider.ExchangeRequest{Code: t.Code, RedirectURI: t.RedirectURI, Verifier: t.Verifier})
}

// Exchange trades a code, once: a durable attempt, then one call (I1, I3, I21).
// keep seals what was issued; what it returns stores that in the transaction that
// ends the attempt, and may be called again where the reply to a commit was lost.
//
// Errors: that of Spend, code_rejected, app_misconfigured, provider_unavailable
// (the code is then lost: begin again), provider_answer_invalid.
func (s *Service) Exchange(ctx context.Context, t Trade, keep func(issued []provider.Issued) (func(*store.Tx) error, error)) ([]provider.Issued, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx = context.WithoutCancel(ctx)
	receiver, err := s.receiver(ctx, t.Ready.App.Project)
	if err != nil {
		return nil, err
	}
	defer receiver.release()
	a := lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: t.Ready.App.Project, App: t.Ready.App.ID,
		Flow: t.Flow, Kind: t.kind(), Node: s.Node, Class: string(t.Ready.Target.Class)}
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		if t.Spend != nil {
			if err := t.Spend(tx); err != nil {
				return err
			}
		}
		a.StartedAt, a.Deadline = tx.Now(), tx.Now().Add(t.Ready.Target.Deadline)
		return tx.AddAttempt(a)
	})
	if err != nil {
		s.unsent.note(a.ID)
		return nil, fmt.Errorf("note code exchange: %w", err)
	}
	defer s.hold(a.ID)()
	_ = fault.At(ctx, fault.FlowRedeem)
	var r provider.Result
	until := fence(t.Ready.Target)             // from now: nobody else waits for a code's attempt to end
	for i, cred := range t.Ready.Credentials { // an answer about the client spends no code
		if i > 0 {
			if receiver.ready() != nil {
				break // what the first said stands
			}
			if a, err = s.again(ctx, a, r); err != nil {
				return nil, fmt.Errorf("note code exchange: %w", err)
			}
			until = fence(t.Ready.Target)
			defer s.hold(a.ID)()
		}
		call, stop := context.WithDeadline(ctx, until)
		answer := dated(a, t.send(call, cred))
		stop()
		receiver.keep(a, answer)
		r = s.parse(t.Ready.Target, t.kind(), answer)
		a.Status, a.RequestID = answer.Status, answer.RequestID
		if r.Outcome != lanyard.OutcomeAppError {
			break
		}
	}
	a.Outcome, a.Error = r.Outcome, r.Error
	put := func(*store.Tx) error { return nil }
	if len(r.Tokens) > 0 {
		err = s.insist(ctx, func() (err error) {
			put, err = keep(r.Tokens)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("seal exchanged tokens: %w", err)
		}
	}
	err = s.insist(ctx, func() error {
		return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			a.EndedAt = tx.Now()
			if _, err := tx.EndAttempt(a); err != nil {
				return err
			}
			return put(tx)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("keep exchanged tokens: %w", err)
	}
	_ = fault.At(ctx, fault.FlowRedeemed)
	s.Spool.Settle(a.ID)
	return r.Tokens, exchangeError(r)
}

func exchangeError(r provider.Result) error {
	switch r.Outcome {
	case lanyard.OutcomeOK, lanyard.OutcomePartial:
		if len(r.Tokens) > 0 {
			return nil
		}
		return lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "")
	case lanyard.OutcomeRejected, lanyard.OutcomeInteraction:
		return lanyard.Errorf(lanyard.CodeCodeRejected, "")
	case lanyard.OutcomeAppError:
		return lanyard.Errorf(lanyard.CodeAppMisconfigured, "")
	case lanyard.OutcomeThrottled:
		return &lanyard.Error{Code: lanyard.CodeProviderUnavailable, RetryAfter: r.RetryAfter}
	}
	return lanyard.Errorf(lanyard.CodeProviderUnavailable, "")
}

// Consent is a grant with the tokens of a new consent in it, sealed, not stored yet.
type Consent struct {
	Grant  lanyard.Grant
	Known  bool // the account had a grant with this app before
	Late   bool // and has consented anew since: that stays as it is (I12)
	was    lanyard.Grant
	target *provider.Target
	s      *Service
}

// Prepare makes what a new consent is to be stored as: a new family of the
// grant that (app, issuer, subject, kind) has, or a new grant (I11, I12). sent is when
// its code was: what was held up on its way does not take the place of a consent that
// was given later, and may have ended it.
func (s *Service) Prepare(ctx context.Context, a lanyard.App, i provider.Issued, who provider.Identity, requested []string, sent time.Time) (Consent, error) {
	subject := s.SubjectHash(a, who)
	c := Consent{s: s}
	var err error
	if c.target, err = s.Apps.Providers.Target(a); err != nil {
		return c, err
	}
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		c.was, err = q.GrantBySubject(a.ID, who.Issuer, i.Kind, subject)
		return err
	})
	switch {
	case err == nil:
		c.Known, c.Grant = true, c.was
	case errors.Is(err, lanyard.NotFound):
		c.Grant = lanyard.Grant{ID: lanyard.NewID[lanyard.GrantID]("grt_"), Project: a.Project, App: a.ID,
			Issuer: who.Issuer, Kind: i.Kind, SubjectHash: subject,
			AccountHash: s.AccountHash(a, who), OrganizationHash: s.OrganizationHash(a, who)}
	default:
		return c, err
	}
	if c.Late = c.Known && c.was.Health != lanyard.Dead && c.was.ConsentedAt.After(sent); c.Late {
		return c, nil
	}
	g, t := &c.Grant, i.Tokens
	g.ConsentedAt = sent
	if c.Known && t.Refresh.Empty() && c.was.HasRefresh && c.was.Health != lanyard.Dead {
		// Some providers give one at the first consent only. Then it is the same family
		// still, and the same generation: a renewal that is under way goes on, and what is
		// known of its refresh token stays known.
		old, err := s.Tokens(ctx, c.was)
		if err != nil {
			return c, err
		}
		t.Refresh = old.Refresh
	} else {
		g.Family, g.Generation, g.Previous = lanyard.Random(16), 0, nil
	}
	if t.Scopes == nil { // the answer did not say: as requested (RFC 6749 §5.1)
		t.Scopes = requested
	}
	g.Scopes, g.Requested = t.Scopes, requested
	g.Health, g.Reason, g.Lease = lanyard.Healthy, "", lanyard.Lease{}
	g.RetryAt, g.RejectedAt, g.DeadAt = time.Time{}, time.Time{}, time.Time{}
	s.dies(c.target, c.was, g, t, s.Store.Clock())
	return c, s.seal(ctx, g, t)
}

// Commit stores the consent in the caller's transaction, with the events of the
// connections that it changes, but for own, of which the caller speaks. False:
// the grant has moved on since Prepare, which is then to be done again.
func (c *Consent) Commit(tx *store.Tx, own lanyard.ConnectionID) (bool, error) {
	if c.Late {
		is, err := tx.Grant(c.was.Project, c.was.ID)
		if errors.Is(err, lanyard.NotFound) || err == nil && is.Family != c.was.Family {
			return false, nil
		}
		c.Grant = is
		return err == nil, err
	}
	if c.Known {
		is, err := tx.LockedGrant(c.was.Project, c.was.ID)
		if err = ignoreGone(err); err != nil {
			return false, err
		}
		if is.Family == c.was.Family && is.Generation == c.was.Generation { // its health may be another by now, and was told
			c.was = is
		}
	}
	now := tx.Now()
	c.Grant.RefreshedAt, c.Grant.UpdatedAt = latest(now, c.was.RefreshedAt.Add(time.Microsecond)), now
	c.Grant.UsedAt = now // who connects means to use it
	c.Grant = c.s.pace.plan(c.target, c.Grant, now)
	if c.Known {
		ok, err := tx.CommitTokens(c.Grant, c.was.Family, c.was.Generation)
		if err == nil && ok {
			err = tx.ConsentGrant(c.Grant.ID, c.Grant.ConsentedAt)
		}
		if err != nil || !ok {
			return false, err
		}
		return true, c.s.tell(tx, c.was, c.Grant, own)
	}
	if _, err := tx.GrantBySubject(c.Grant.App, c.Grant.Issuer, c.Grant.Kind, c.Grant.SubjectHash); !errors.Is(err, lanyard.NotFound) {
		return false, err
	}
	c.Grant.CreatedAt = now
	return true, tx.AddGrant(c.Grant)
}

// Before is the grant that Commit has put this consent in the place of; without an id:
// there was none.
func (c *Consent) Before() lanyard.Grant { return c.was }

// SubjectHash is what an account is looked up by: the keyed hash of its id at
// the provider.
func (s *Service) SubjectHash(a lanyard.App, who provider.Identity) []byte {
	return s.Vault.Digest(a.Project, "subject", string(a.ID), who.Issuer, who.Subject, who.OrganizationID)
}

// AccountHash is that for who does not say which organisation the account is in.
func (s *Service) AccountHash(a lanyard.App, who provider.Identity) []byte {
	return s.Vault.Digest(a.Project, "account", string(a.ID), who.Issuer, who.Subject)
}

// OrganizationHash is that of an organisation alone; nil: the account has none.
func (s *Service) OrganizationHash(a lanyard.App, who provider.Identity) []byte {
	if who.OrganizationID == "" {
		return nil
	}
	return s.Vault.Digest(a.Project, "organization", string(a.ID), who.Issuer, who.OrganizationID)
}

// GiveBack revokes tokens at the provider. The attempt is on record; the
// outcome says what lives on.
func (s *Service) GiveBack(ctx context.Context, ready app.Ready, g lanyard.Grant, t lanyard.TokenSet) (provider.RevokeResult, error) {
	leave, err := s.enter()
	if err != nil {
		return provider.RevokeResult{}, err
	}
	defer leave()
	return s.giveBack(context.WithoutCancel(ctx), ready, g, t)
}

// giveBack is GiveBack for a call that has been let in.
func (s *Service) giveBack(ctx context.Context, ready app.Ready, g lanyard.Grant, t lanyard.TokenSet) (provider.RevokeResult, error) {
	a := lanyard.Attempt{ID: lanyard.NewID[lanyard.AttemptID]("att_"), Project: ready.App.Project, App: ready.App.ID, Grant: g.ID,
		Kind: lanyard.AttemptRevoke, Family: g.Family, Generation: g.Generation, Node: s.Node, Class: string(ready.Target.Class)}
	err := s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		a.StartedAt, a.Deadline = tx.Now(), tx.Now().Add(ready.Target.Deadline)
		return tx.AddAttempt(a)
	})
	if err != nil {
		return provider.RevokeResult{}, fmt.Errorf("note revocation: %w", err)
	}
	r := revoke(ctx, ready, t)
	a.Outcome = lanyard.OutcomeOK
	if r.Outcome == provider.RevokeFailed {
		a.Outcome, a.Error = lanyard.OutcomeUnknown, r.Error
	}
	return r, s.insist(ctx, func() error {
		return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			a.EndedAt = tx.Now()
			_, err := tx.EndAttempt(a)
			return err
		})
	})
}

// revoke gives tokens back, with the next client secret where the provider does
// not take the first.
func revoke(ctx context.Context, ready app.Ready, t lanyard.TokenSet) (r provider.RevokeResult) {
	for _, cred := range ready.Credentials {
		call, stop := context.WithTimeout(ctx, ready.Target.Deadline)
		r = ready.Target.Revoke(call, cred, t)
		stop()
		if r.Outcome != provider.RevokeFailed || r.Retry {
			break
		}
	}
	return r
}
