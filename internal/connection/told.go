package connection

import (
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

// noticesFor is how long a notice that had its effect is remembered: longer than one
// may lie on the disk of a node that is down.
const noticesFor = 90 * 24 * time.Hour

// Told does what follows from a verified notice about an account of an app, once: the
// digest stands for its bytes, on whichever node they arrive and however often. An app
// or an account that is not there, or that has consented since, is no error, and
// nothing happens. Errors: store_unavailable, and others that are ours; then nothing
// has happened, and it is to be called again.
//
// Where the consent is over, hand-out stops with the transaction, on every node; the
// tokens and what was read of the account go with it, as providers ask; and nothing
// keeps the same account from connecting again.
func (s *Service) Told(ctx context.Context, id lanyard.AppID, digest []byte, n provider.Notice) error {
	if n.Effect != provider.NoticeGone && n.Effect != provider.NoticeBarred {
		return nil
	}
	var a lanyard.App
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		a, err = q.AppByID(id)
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if n.Client != "" && n.Client != a.ClientID {
		s.Logger.Warn("a notice is about another client than its app's, and has no effect", "app", a.ID, "event", n.Event)
		return nil
	}
	t, err := s.Apps.Providers.Target(a)
	if err != nil {
		return err
	}
	who, err := t.Account(n)
	if err != nil {
		s.Logger.Warn("a notice names no account, and has no effect", "app", a.ID, "event", n.Event)
		return nil
	}
	happened := false
	err = s.Store.Update(ctx, func(tx *store.Tx) (e lanyard.Entry, err error) {
		happened = false
		g, err := s.concerned(tx, a, who, n.At)
		if err != nil || g.ID == "" {
			return lanyard.Entry{}, err
		}
		fresh, err := tx.AddNotice(store.Notice{App: a.ID, Digest: digest, Project: a.Project, Event: n.Event})
		if err != nil || !fresh {
			return lanyard.Entry{}, err
		}
		if n.Effect == provider.NoticeGone {
			happened, err = true, s.gone(tx, a, g, n)
		} else {
			happened, err = s.Grants.Bar(tx, a, g, n.Reason)
		}
		if err != nil || !happened {
			return lanyard.Entry{}, err
		}
		e = noticed(a, lanyard.ActNoticeReceived, n)
		e.Grant = g.ID
		return e, nil
	})
	if err == nil && happened && s.Grants.Lost != nil {
		s.Grants.Lost(n.Reason)
	}
	return err
}

// concerned is the grant that a notice is about, locked: who lets go, who takes hold
// and who renews see each other. Without an id: there is none, or its consent is newer
// than what the notice tells.
func (s *Service) concerned(tx *store.Tx, a lanyard.App, who provider.Identity, at time.Time) (lanyard.Grant, error) {
	g, err := tx.GrantBySubject(a.ID, who.Issuer, "user", s.Grants.SubjectHash(a, who))
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Grant{}, nil
	}
	if err != nil {
		return g, err
	}
	if there, err := tx.LockGrant(a.Project, g.ID); err != nil || !there {
		return lanyard.Grant{}, err
	}
	if g, err = tx.Grant(a.Project, g.ID); err != nil {
		return g, err
	}
	since := g.ConsentedAt
	if since.IsZero() {
		since = g.CreatedAt
	}
	if !at.IsZero() && since.After(at) {
		return lanyard.Grant{}, nil
	}
	return g, nil
}

// gone ends every hold on a grant whose consent is over, and erases what came with it.
func (s *Service) gone(tx *store.Tx, a lanyard.App, g lanyard.Grant, n provider.Notice) error {
	held, err := tx.ConnectionsOf(g.ID)
	if err != nil {
		return err
	}
	for _, c := range held {
		ch := lanyard.Change{Was: StatusOf(c, g), Is: lanyard.StatusRevoked, Why: lanyard.CauseEnded, Reason: n.Reason}
		c.State, c.Account = lanyard.Revoked, nil
		if err := tx.PutConnection(c); err != nil {
			return err
		}
		ev, told := c.Changed(ch)
		if !told { // it was let go of before
			continue
		}
		if err := withdraw(tx, c, "provider", n.Reason, lanyard.AnswerToldUs); err != nil {
			return err
		}
		tx.AddEntry(About(noticed(a, lanyard.ActConnectionRevoked, n), c))
		ev.Data["by"] = "provider"
		if err := tx.AddEvent(ev); err != nil {
			return err
		}
	}
	// Who let go before, while others still held the grant, has now left the provider too.
	if err := tx.AnswerConsents(a.Project, g.ID, lanyard.ConsentAnswer{Outcome: lanyard.AnswerToldUs}); err != nil {
		return err
	}
	return tx.DeleteGrant(g.ID)
}

// noticed starts an entry about a notice: it is the provider who acts.
func noticed(a lanyard.App, what lanyard.Action, n provider.Notice) lanyard.Entry {
	e := lanyard.NewEntry(lanyard.Principal{Project: a.Project, Name: "provider"}, what)
	e.App = a.ID
	e.Detail = map[string]string{"provider": a.Provider, "event": n.Event, "reason": string(n.Reason)}
	return e
}

// forgetNotices forgets what no notice can still be a replay of.
func (s *Service) forgetNotices() worker.Task {
	return worker.Task{Name: "connection.notices", Every: time.Hour, Run: func(ctx context.Context) error {
		return s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
			_, err := tx.PurgeNotices(tx.Now().Add(-noticesFor), 1000)
			return err
		})
	}}
}
