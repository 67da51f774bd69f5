package connection

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Revocation says how letting go went.
type Revocation struct {
	Outcome    string    // "revoked", "not_supported", "failed", "shared" (others still hold the grant), "already_gone"
	Detail     string    // why not, in our words
	LivesUntil time.Time // an access token that the provider did not end works until then; zero: none does
	Again      bool      // failed, and it is tried again for a day
	status     int       // of the provider's answer; 0: there was none
	Lives      []provider.LivingToken
}

// Delete lets go of a connection: hand-out stops at once, and the provider is
// told if nobody else holds the grant (I11). What is ours is deleted whether or
// not that works (RFC 7009 §2.2), and the outcome is on the log.
func (s *Service) Delete(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) (Revocation, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return Revocation{}, err
	}
	if err := s.wake(ctx, p, id); err != nil {
		return Revocation{}, err
	}
	var g lanyard.Grant
	var c lanyard.Connection
	var last bool
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e, err := s.Entry(ctx, p, lanyard.ActConnectionRevoked)
		if err != nil {
			return lanyard.Entry{}, err
		}
		if c, g, err = lockedHold(tx, p.Project, id); err == nil {
			err = s.there(p, c)
		}
		if err != nil {
			return e.Failed(err), err
		}
		e = About(e, c)
		if err := p.Reaches(c.Provider, c.Label); err != nil {
			return e.Failed(err), err
		}
		if c.State == lanyard.Revoked {
			return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeConnectionRevoked, "")
		}
		held, err := tx.ConnectionsOf(g.ID)
		if err != nil {
			return lanyard.Entry{}, err
		}
		last = g.ID != ""
		for _, o := range held {
			if o.ID != c.ID && o.State != lanyard.Revoked {
				last = false
			}
		}
		ch := lanyard.Change{Was: StatusOf(c, g), Is: lanyard.StatusRevoked, Why: lanyard.CauseWish}
		c.State, c.UpdatedAt = lanyard.Revoked, tx.Now()
		if p.Person == "" {
			c.DroppedAt = tx.Now()
		}
		if err := tx.PutConnection(c); err != nil {
			return lanyard.Entry{}, err
		}
		outcome := lanyard.AnswerShared
		if last {
			outcome = lanyard.AnswerPending
		}
		if err := withdraw(tx, c, by(p), "", outcome); err != nil {
			return lanyard.Entry{}, err
		}
		e.Detail["last_hold"] = map[bool]string{true: "yes", false: "no"}[last]
		if last { // no renewal begins from here on; one that runs finds no grant and gives its token back (I13)
			if err := tx.DeleteGrant(g.ID); err != nil {
				return lanyard.Entry{}, err
			}
			if err := owed(tx, c, g); err != nil {
				return lanyard.Entry{}, err
			}
		}
		ev, _ := c.Changed(ch)
		ev.Data["by"], ev.Data["last_hold"] = by(p), e.Detail["last_hold"]
		return e, tx.AddEvent(ev)
	})
	switch {
	case err != nil:
		return Revocation{}, err
	case !last:
		return Revocation{Outcome: "shared", Detail: "other connections hold the same grant"}, nil
	}
	// The row is gone: a caller who leaves now must not keep the token alive at the provider.
	ctx = context.WithoutCancel(ctx)
	r := s.giveBack(ctx, c, g)
	return r, s.told(ctx, p, c, g.ID, r, false)
}

// Drop says that the customer has done with a connection that ended before, by the
// provider or the person: it is not listed among those that are Kept any more.
func (s *Service) Drop(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) error {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e := lanyard.NewEntry(p, lanyard.ActConnectionChanged)
		c, _, err := lockedHold(tx, p.Project, id)
		if err == nil {
			err = s.there(p, c)
		}
		if err != nil {
			return e.Failed(err), err
		}
		e = About(e, c)
		switch err := p.Reaches(c.Provider, c.Label); {
		case err != nil:
			return e.Failed(err), err
		case c.State != lanyard.Revoked || !c.DroppedAt.IsZero():
			return lanyard.Entry{}, nil
		}
		c.DroppedAt = tx.Now()
		e.Detail["dropped"] = "yes"
		return e, tx.PutConnection(c)
	})
}

// by says who lets go: the person on a page of ours, the operator, or the customer with a key.
func by(p lanyard.Principal) string {
	switch {
	case p.Operator:
		return "operator"
	case p.Person != "":
		return "person"
	}
	return "customer"
}

// lockedHold reads a connection and its grant, which nobody else changes until the
// transaction ends: who lets go, who pauses, who takes hold and who renews see each other.
func lockedHold(tx *store.Tx, project lanyard.ProjectID, id lanyard.ConnectionID) (lanyard.Connection, lanyard.Grant, error) {
	c, g, err := tx.Connection(project, id)
	if err != nil || g.ID == "" {
		return c, g, err
	}
	if _, err := tx.LockGrant(project, g.ID); err != nil {
		return c, g, err
	}
	return tx.Connection(project, id)
}

// wake renews an expired access token before it is given back, since some
// providers take only a living one (Zoom). If that does not work, the revocation
// says so.
func (s *Service) wake(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) error {
	var c lanyard.Connection
	var g lanyard.Grant
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		c, g, err = q.Connection(p.Project, id)
		return err
	})
	switch {
	case errors.Is(err, lanyard.NotFound):
		return nil // the deletion itself says so, with an entry
	case err != nil:
		return err
	case s.there(p, c) == nil && p.Reaches(c.Provider, c.Label) == nil && c.State != lanyard.Revoked && g.Health != lanyard.Dead && g.HasRefresh && s.life(g) <= 0:
		if err := s.renew(ctx, p, g, false); err != nil {
			s.Logger.Info("a connection is deleted whose token could not be renewed first", "connection", id, "code", lanyard.CodeOf(err))
		}
	}
	return nil
}

// giveBack revokes at the provider, twice at most.
func (s *Service) giveBack(ctx context.Context, c lanyard.Connection, g lanyard.Grant) Revocation {
	failed := func(why string) Revocation {
		r := Revocation{Outcome: provider.RevokeFailed, Detail: why, Again: true}
		switch {
		case g.AccessExpires.IsZero():
			r.Detail += "; the access token does not expire by itself"
		case s.life(g) > 0:
			r.LivesUntil = g.AccessExpires
		}
		if s.life(g) > 0 {
			r.Lives = append(r.Lives, provider.LivingToken{Token: "access", Until: g.AccessExpires})
		}
		if g.HasRefresh {
			r.Lives = append(r.Lives, provider.LivingToken{Token: "refresh", Until: g.RefreshExpires})
		}
		return r
	}
	var a lanyard.App
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		a, err = q.App(c.Project, c.App)
		return err
	})
	if err != nil {
		return failed("the app could not be read")
	}
	ready, err := s.Apps.Open(ctx, a)
	if err != nil {
		return failed("the app could not be opened")
	}
	t, err := s.Grants.Tokens(ctx, g)
	if err != nil {
		return failed("the tokens could not be opened")
	}
	var r provider.RevokeResult
	for range 2 {
		if r, err = s.Grants.GiveBack(ctx, ready, g, t); err != nil {
			return failed("the revocation could not be noted")
		}
		if r.Outcome != provider.RevokeFailed || !r.Retry {
			break
		}
	}
	out := Revocation{Outcome: r.Outcome, Detail: r.Detail, status: r.Status, Again: r.Outcome == provider.RevokeFailed && r.Retry, Lives: r.Lives}
	for _, l := range r.Lives {
		switch {
		case l.Token != "access":
		case l.Until.IsZero():
			out.Detail += "; the access token does not expire by itself"
		default:
			out.LivesUntil = l.Until
		}
	}
	return out
}
