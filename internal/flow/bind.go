package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/fault"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// bind finds out whose account it is and stores grants and connections, all in
// one transaction. What cannot be bound is adopted or given back, never left
// lying about (T10).
func (s *Service) bind(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued) ([]lanyard.ConnectionID, error) {
	who := make([]provider.Identity, len(issued))
	for i := range issued {
		if issued[i].Tokens.Access.Empty() {
			var err error
			issued, err = s.fill(ctx, f, ready, issued, i)
			switch {
			case errors.Is(err, lanyard.CodeCodeRejected):
				return nil, s.reject(ctx, p, f, d, ready, issued, nil, err)
			case err != nil || issued[i].Tokens.Access.Empty():
				return nil, &lanyard.Error{Code: lanyard.CodeIdentityUnavailable, Err: err}
			}
		}
		call, stop := context.WithTimeout(ctx, ready.Target.Deadline)
		id, err := ready.Target.Identify(call, issued[i], d.Nonce)
		stop()
		if down := fault.At(ctx, fault.FlowIdentify); down != nil {
			err = &lanyard.Error{Code: lanyard.CodeIdentityUnavailable, Err: down}
		}
		if err != nil {
			if less := d.lacks(issued); less != nil { // and so it may be that this one cannot be asked
				return nil, s.reject(ctx, p, f, d, ready, issued, nil, less)
			}
			code := lanyard.CodeOf(err)
			// A page of maintenance is no account either; where giving back would end the good grant of
			// an account that is known here, it is worth asking again.
			unseen := code == lanyard.CodeProviderAnswerInvalid && ready.Target.RevokesMore()
			if unseen || lanyard.RowOf(code).Kind == lanyard.Unavailable || code == lanyard.CodeInternal {
				s.Logger.Warn("identity not available; the tokens are kept and it is tried again", "app", f.App, "code", code)
				return nil, &lanyard.Error{Code: lanyard.CodeIdentityUnavailable, Err: err}
			}
			return nil, s.reject(ctx, p, f, d, ready, issued, nil, err)
		}
		who[i] = id
	}
	if err := d.lacks(issued); err != nil {
		return nil, s.reject(ctx, p, f, d, ready, issued, who, err)
	}
	for _, id := range who {
		if !id.Active {
			return nil, s.reject(ctx, p, f, d, ready, issued, who, lanyard.Errorf(lanyard.CodeAccountNotActive, ""))
		}
	}
	if d.Expects || d.Origin == originLink {
		if err := s.expected(ctx, f, issued, who); err != nil {
			return nil, s.rejectUnless(ctx, p, f, d, ready, issued, who, err)
		}
	}
	switch d.Origin {
	case originReconnect:
		return s.rebind(ctx, p, f, d, ready, issued, who)
	case originUnbound:
		if err := d.judge(issued, who); err != nil {
			return nil, s.reject(ctx, p, f, d, ready, issued, who, err)
		}
		var err error
		if f, err = s.owner(ctx, f, ready, who[0]); err != nil {
			return nil, err
		}
	}
	if err := fault.At(ctx, fault.FlowBind); err != nil {
		return nil, err
	}
	return s.store(ctx, p, f, d, ready, issued, who, "")
}

// rejectUnless is reject, but for what is no refusal: then it is tried again.
func (s *Service) rejectUnless(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity, err error) error {
	if !errors.Is(err, lanyard.CodeAccountMismatch) {
		return err
	}
	return s.reject(ctx, p, f, d, ready, issued, who, err)
}

// rebind binds a new consent to the connection that was to be reconnected, and
// to no other account's (T09).
func (s *Service) rebind(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity) ([]lanyard.ConnectionID, error) {
	var c lanyard.Connection
	var g lanyard.Grant
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		c, g, err = q.Connection(f.Project, d.Connection)
		return err
	})
	if err != nil && !errors.Is(err, lanyard.NotFound) {
		return nil, err
	}
	if err != nil || c.State == lanyard.Revoked || g.ID == "" { // let go of while the person was at the provider's
		return nil, s.reject(ctx, p, f, d, ready, issued, who, lanyard.Errorf(lanyard.CodeLinkExpired, ""))
	}
	for i := range issued {
		if issued[i].Kind == g.Kind && who[i].Issuer == g.Issuer && string(s.Grants.SubjectHash(ready.App, who[i])) == string(g.SubjectHash) {
			return s.store(ctx, p, f, d, ready, issued, who, d.Connection)
		}
	}
	return nil, s.reject(ctx, p, f, d, ready, issued, who, lanyard.Errorf(lanyard.CodeAccountMismatch, ""))
}

// store commits grants and connections. again names the connection that is
// reconnected. It begins anew when a grant moved meanwhile.
func (s *Service) store(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity, again lanyard.ConnectionID) ([]lanyard.ConnectionID, error) {
	for range 10 {
		ids, ok, err := s.storeOnce(ctx, p, f, d, ready, issued, who, again)
		if err != nil || ok {
			return ids, err
		}
	}
	return nil, lanyard.Errorf(lanyard.CodeStoreUnavailable, "the grant kept moving; ask again with the same completion")
}

func (s *Service) storeOnce(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, issued []provider.Issued, who []provider.Identity, again lanyard.ConnectionID) (ids []lanyard.ConnectionID, ok bool, err error) {
	consents := make([]grant.Consent, len(issued))
	conns := make([]lanyard.Connection, len(issued))
	records := make([]lanyard.Consent, len(issued))
	for i := range issued {
		asked := askedOf(d, ready, issued[i])
		if consents[i], err = s.Grants.Prepare(ctx, ready.App, issued[i], who[i], asked, sentAt(f)); err != nil {
			return nil, false, err
		}
		if conns[i], err = s.holdOf(ctx, f, d, ready, consents[i], issued[i].Kind, again); err != nil {
			return nil, false, err
		}
		conns[i].Account, err = s.Connections.SealAccount(ctx, conns[i], lanyard.AccountData{ID: who[i].Subject, Email: who[i].Email,
			DisplayName: who[i].DisplayName, OrganizationID: who[i].OrganizationID})
		if err != nil {
			return nil, false, err
		}
		if records[i], err = s.record(ctx, p, f, d, ready, conns[i], issued[i], asked); err != nil {
			return nil, false, err
		}
	}
	if first := slices.IndexFunc(conns, func(c lanyard.Connection) bool { return c.ID == again }); first >= 0 {
		conns[0], conns[first] = conns[first], conns[0]
		consents[0], consents[first] = consents[first], consents[0]
		records[0], records[first] = records[first], records[0]
	} else if again != "" { // let go of at this moment: rebind says so
		return nil, false, &lanyard.Error{Code: lanyard.CodeStoreUnavailable, RetryAfter: time.Second}
	}
	for _, c := range conns {
		ids = append(ids, c.ID)
	}
	done := f
	done.State, done.Parked = lanyard.FlowDone, nil
	if d.Origin == originHosted || d.Origin == originOwn || d.Origin == originUnbound { // whoever asks again is told; nobody asks about the others
		raw, err := json.Marshal(ids)
		if err == nil {
			done.Parked, err = s.Vault.Seal(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.parked"), lanyard.SecretBytes(raw))
		}
		if err != nil {
			return nil, false, err
		}
	}
	moved := errors.New("moved")
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		var first lanyard.Entry
		for i, c := range conns {
			if ok, err := consents[i].Commit(tx, c.ID); err != nil || !ok {
				if err == nil {
					err = moved
				}
				return lanyard.Entry{}, err
			}
			e, err := s.put(tx, p, f, d, c, &consents[i])
			if errors.Is(err, errTaken) {
				err = moved
			}
			if err == nil {
				err = s.askMeetings(tx, ready, consents[i].Grant, who)
			}
			if consents[i].Late && err == nil {
				e.Detail["tokens"] = "those_of_a_later_consent"
			}
			if err == nil {
				e.Detail["consent"], e.Detail["shown"] = string(records[i].ID), string(records[i].Shown)
				if hash := records[i].TextHash; hash != "" {
					e.Detail["text"] = hash
				}
				records[i].Grant = consents[i].Grant.ID
				err = keepRecord(tx, records[i], d, consents[i].Late)
			}
			if err != nil {
				return lanyard.Entry{}, err
			}
			if i == 0 {
				first = e
			} else {
				tx.AddEntry(e)
			}
		}
		done.ExpiresAt = tx.Now().Add(answerFor)
		if err := s.move(tx, done, lanyard.FlowReceived); err != nil {
			return lanyard.Entry{}, err
		}
		if f.Session != "" {
			in, err := tx.Session(f.Project, f.Session)
			if err != nil {
				return lanyard.Entry{}, err
			}
			in.State, in.Connection, in.LastError = lanyard.SessionConnected, ids[0], ""
			return first, tx.PutSession(in)
		}
		return first, nil
	})
	if _, exists := errors.AsType[*store.ExistsError](err); exists || errors.Is(err, moved) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("store connection: %w", err)
	}
	return ids, true, nil
}

// answerFor is how long a backend that was not answered may ask what came of it.
const answerFor = time.Hour

// holdOf is the connection that this person has on a grant, or a new one: the one
// to be reconnected, whatever it is called by now, before one with the same label.
func (s *Service) holdOf(ctx context.Context, f lanyard.Flow, d data, ready app.Ready, c grant.Consent, kind string, again lanyard.ConnectionID) (lanyard.Connection, error) {
	needed := ready.Target.ScopesFor(kind, d.Needed)
	if c.Known {
		var held []lanyard.Connection
		err := s.Store.View(ctx, func(q *store.Query) (err error) {
			held, err = q.ConnectionsOf(c.Grant.ID)
			return err
		})
		if err != nil {
			return lanyard.Connection{}, err
		}
		mine := slices.DeleteFunc(held, func(h lanyard.Connection) bool { return h.Person != f.Person || h.State == lanyard.Revoked })
		at := slices.IndexFunc(mine, func(h lanyard.Connection) bool { return h.ID == again })
		if at < 0 {
			at = slices.IndexFunc(mine, func(h lanyard.Connection) bool { return h.Label == d.Label })
		}
		if at >= 0 {
			mine[at].Needed = needed
			return mine[at], nil
		}
	}
	return lanyard.Connection{ID: lanyard.NewID[lanyard.ConnectionID]("con_"), Project: f.Project, App: f.App, Provider: ready.App.Provider,
		Grant: c.Grant.ID, Person: f.Person, Label: d.Label, State: lanyard.Live, Origin: d.Origin, Needed: needed, Metadata: d.Metadata}, nil
}

// put stores a connection that holds g, with its event. errTaken: it was let go
// of meanwhile.
func (s *Service) put(tx *store.Tx, p lanyard.Principal, f lanyard.Flow, d data, c lanyard.Connection, consent *grant.Consent) (lanyard.Entry, error) {
	what, put, g, replaces := lanyard.ActConnectionCreated, tx.AddConnection, consent.Grant, lanyard.ConnectionID("")
	ch := lanyard.Change{Why: lanyard.CauseConsent, Reason: g.Reason}
	if !c.CreatedAt.IsZero() {
		what, put = lanyard.ActConnectionRenewed, tx.PutConnection
		is, _, err := tx.Connection(c.Project, c.ID) // its label, its pause may be others by now
		if err != nil {
			return lanyard.Entry{}, err
		}
		if is.State == lanyard.Revoked {
			return lanyard.Entry{}, errTaken
		}
		before := consent.Before()
		ch.Was = connection.StatusOf(is, before)
		ch.Gained, ch.Lost = lanyard.MissingScopes(g.Scopes, before.Scopes), lanyard.MissingScopes(before.Scopes, g.Scopes)
		is.Needed, is.Account = c.Needed, c.Account
		if d.Origin == originUnbound && d.Metadata != nil {
			is.Metadata = d.Metadata
		}
		c = is
	} else {
		c.CreatedAt = tx.Now()
		var err error
		if replaces, err = succeeds(tx, &c); err != nil {
			return lanyard.Entry{}, err
		}
	}
	c.UpdatedAt = tx.Now()
	e := connection.About(lanyard.NewEntry(p, what), c)
	e.Session = f.Session
	e.Detail["origin"] = d.Origin
	switch d.Origin {
	case originUnbound:
		e.Detail["callback"] = callbackOf(d.RedirectURI)
		fallthrough
	case originOwn:
		e.Detail["browser"] = "browser_not_seen"
	}
	ch.Is, ch.Missing = connection.StatusOf(c, g), lanyard.MissingScopes(c.Needed, g.Scopes)
	if ch.Is != lanyard.StatusActive {
		e.Detail["status"] = string(ch.Is)
	}
	more := len(lanyard.MissingScopes(g.Scopes, g.Requested))
	if more > 0 { // granted more than was asked for (T07)
		e.Detail["granted_beyond_request"] = strconv.Itoa(more)
		if err := tx.AddEvent(c.Event(lanyard.EventGrantedBeyond, map[string]string{"count": strconv.Itoa(more)})); err != nil {
			return e, err
		}
	}
	if err := put(c); err != nil {
		return e, err
	}
	ev, told := c.Changed(ch)
	if !told {
		return e, nil
	}
	if replaces != "" {
		ev.Data["replaces"] = string(replaces)
	}
	if f.Session != "" {
		ev.Data["session"] = string(f.Session)
	}
	return e, tx.AddEvent(ev)
}
