package connection

import (
	"context"
	"errors"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/worker"
)

// noticesFor is how long a notice that had its effect is remembered: longer than one
// may lie on the disk of a node that is down.
const noticesFor = 90 * 24 * time.Hour

// Told does what follows from a verified notice about an account of an app, or about all
// accounts of an organisation, once: the digest stands for it, on whichever node it
// arrives and however often. An app or an account that is not there, or that has
// consented since, is no error, and nothing happens. Errors: store_unavailable, and
// others that are ours; then nothing has happened, and it is to be called again.
//
// Where the consent is over, hand-out stops with the transaction, on every node; the
// tokens go with it, and what was read of the account when the project says, as
// providers ask; and nothing keeps the same account from connecting again.
func (s *Service) Told(ctx context.Context, id lanyard.AppID, digest []byte, n provider.Notice) error {
	switch n.Effect {
	case provider.NoticeGone, provider.NoticeBarred, provider.NoticeCheck, provider.NoticeAlert:
	default:
		return nil
	}
	var a lanyard.App
	var pr lanyard.Project
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if a, err = q.AppByID(id); err == nil {
			pr, err = q.Project(a.Project)
		}
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
		grants, err := s.concerned(tx, a, who, n.At)
		if err != nil || len(grants) == 0 {
			return lanyard.Entry{}, err
		}
		fresh, err := tx.AddNotice(store.Notice{App: a.ID, Digest: digest, Project: a.Project, Event: n.Event})
		if err != nil || !fresh {
			return lanyard.Entry{}, err
		}
		e = noticed(a, lanyard.ActNoticeReceived, n)
		for _, g := range grants {
			done, err := s.follow(tx, a, pr, g, n)
			if err != nil {
				return lanyard.Entry{}, err
			}
			if done {
				happened, e.Grant = true, g.ID
			}
		}
		if !happened {
			return lanyard.Entry{}, nil
		}
		if len(grants) > 1 {
			e.Grant, e.Detail["grants"] = "", strconv.Itoa(len(grants))
		}
		return e, nil
	})
	if err == nil && happened && s.Grants.Lost != nil && (n.Effect == provider.NoticeGone || n.Effect == provider.NoticeBarred) {
		s.Grants.Lost(n.Reason)
	}
	return err
}

// follow does to one grant what a notice says. False: nothing is to be done.
func (s *Service) follow(tx *store.Tx, a lanyard.App, pr lanyard.Project, g lanyard.Grant, n provider.Notice) (bool, error) {
	switch n.Effect {
	case provider.NoticeGone:
		return true, s.gone(tx, a, pr, g, n)
	case provider.NoticeBarred:
		return s.Grants.Bar(tx, a, g, n.Reason)
	case provider.NoticeCheck:
		return s.Grants.TryNow(tx, g)
	}
	return s.alert(tx, g, n)
}

// alert tells everybody who holds a grant that something has happened to the account.
func (s *Service) alert(tx *store.Tx, g lanyard.Grant, n provider.Notice) (told bool, err error) {
	held, err := tx.ConnectionsOf(g.ID)
	for _, c := range held {
		if c.State == lanyard.Revoked || err != nil {
			continue
		}
		told, err = true, tx.AddEvent(c.Event(lanyard.EventAccountAlert, map[string]string{"what": n.Event, "by": "provider"}))
	}
	return told, err
}

// gone ends every hold on a grant whose consent is over. Its tokens are erased; what was
// read of the account is too, now or when the project says.
func (s *Service) gone(tx *store.Tx, a lanyard.App, pr lanyard.Project, g lanyard.Grant, n provider.Notice) error {
	held, err := tx.ConnectionsOf(g.ID)
	if err != nil {
		return err
	}
	for _, c := range held {
		ch := lanyard.Change{Was: StatusOf(c, g), Is: lanyard.StatusRevoked, Why: lanyard.CauseEnded, Reason: n.Reason}
		c.State = lanyard.Revoked
		if pr.Settings.EraseAfter == 0 {
			c.Account = nil
		}
		if err := tx.PutConnection(c); err != nil {
			return err
		}
		if len(c.Account) > 0 {
			if err := tx.EraseAt(c.Project, c.ID, tx.Now().AddDate(0, 0, pr.Settings.EraseAfter)); err != nil {
				return err
			}
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
	e.Detail = map[string]string{"provider": a.Provider, "event": n.Event}
	if n.Reason != "" {
		e.Detail["reason"] = string(n.Reason)
	}
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
