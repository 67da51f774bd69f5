package meeting

import (
	"bytes"
	"context"
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

const (
	soon  = 30 * time.Second // after a notice; others may follow
	apart = 10 * time.Minute // two lists that notices have asked for
)

// told is a notice about a meeting, with what it names looked up.
type told struct {
	app          lanyard.App
	at           time.Time
	change       provider.MeetingChange
	meeting      fact
	key, former  []byte // former: of a personal meeting that is none any more
	bots         []byte // what bots that are to join it know it by
	run          []byte
	stay, person []byte
}

// Told does what follows from a verified notice about a meeting. It may come twice, late,
// or in another order than things happened: what is later by the provider's clock holds.
// Errors: store_unavailable, and others that are ours; then nothing has happened, and it
// is to be called again.
func (s *Service) Told(ctx context.Context, id lanyard.AppID, n provider.Notice) error {
	if n.Meeting.Change == "" || s.Store.Clock().Sub(n.At) > noticeFor {
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
	t, err := s.Apps.Providers.Target(a)
	if err != nil {
		return err
	}
	m, issuer := n.Meeting, t.Namespace()
	v := told{app: a, at: n.At, change: m.Change, run: s.hash(a, "run", m.Run), stay: s.hash(a, "stay", m.Stay), person: s.account(a, issuer, m.Account)}
	v.meeting = fact{at: n.At, host: s.account(a, issuer, m.Host), personal: m.Personal, gone: m.Change == provider.MeetingDeleted}
	switch m.Change {
	case provider.MeetingDeleted:
		v.meeting.keep = s.Store.Clock().Add(goneFor)
	case provider.MeetingPlanned, provider.MeetingChanged, provider.MeetingPersonal:
		v.meeting.keep = keepUntil(m.Ends, n.At)
	default:
		v.meeting.keep = n.At.Add(overFor)
	}
	for number, key := range map[string]*[]byte{m.Number: &v.key, m.Former: &v.former} {
		if number != "" {
			*key = s.key(a.Project, issuer, number)
		}
	}
	if m.Change == provider.MeetingJoined {
		v.bots = s.Key(a.Project, a.Provider, m.Number)
	}
	return s.Store.Bookkeep(ctx, func(tx *store.Tx) error { return s.apply(tx, v) })
}

// apply writes what a notice says. Only meetings of accounts that are connected are
// known; one that has gone to another account is not any more.
func (s *Service) apply(tx *store.Tx, v told) error {
	if v.change == provider.MeetingPersonal {
		return s.moved(tx, v)
	}
	m, err := known(tx, v.app, v.key)
	if err != nil {
		return err
	}
	if len(v.meeting.host) == 0 { // as changes may: the list will say
		if len(m.Host) > 0 && !m.Gone {
			return s.soon(tx, v.app, m.Host)
		}
		return nil
	}
	l, err := tx.LockListing(v.app.ID, v.meeting.host)
	if err != nil {
		return err
	}
	if m, err = known(tx, v.app, v.key); err != nil { // as the lock has left it
		return err
	}
	if l.Grant == "" {
		if len(m.Host) == 0 || bytes.Equal(m.Host, v.meeting.host) {
			return nil
		}
		gone := fact{at: v.at, host: m.Host, gone: true, keep: tx.Now().Add(goneFor)}
		if m, ok := said(m, gone); ok {
			return tx.PutMeeting(m)
		}
		return nil
	}
	next, changed := said(m, v.meeting)
	switch v.change {
	case provider.MeetingPlanned, provider.MeetingChanged, provider.MeetingDeleted:
		if err := s.soon(tx, v.app, v.meeting.host); err != nil {
			return err
		}
	default:
		was := next.Run
		var runs bool
		if next, runs = ran(next, v.change, v.run, v.at); runs {
			changed = true
			if err := s.attend(tx, v, next, was); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	return tx.PutMeeting(next)
}

// attend notes who has come or gone, and forgets who was in a run that is over.
func (s *Service) attend(tx *store.Tx, v told, m lanyard.Meeting, was []byte) error {
	if m.State == lanyard.RunEnded || !bytes.Equal(was, v.run) && len(was) > 0 {
		if err := tx.EndRun(m.App, m.Key, was); err != nil {
			return err
		}
	}
	if v.change != provider.MeetingJoined && v.change != provider.MeetingLeft {
		return nil
	}
	if len(v.bots) > 0 { // it may be whom they wait for
		if err := tx.WakeBots(m.Project, v.bots); err != nil {
			return err
		}
	}
	return tx.PutAttendance(lanyard.Attendance{App: m.App, Meeting: m.Key, Run: v.run, Participant: v.stay, Project: m.Project,
		Account: v.person, Here: v.change == provider.MeetingJoined, At: v.at})
}

// moved gives a host another personal meeting.
func (s *Service) moved(tx *store.Tx, v told) error {
	l, err := tx.LockListing(v.app.ID, v.meeting.host)
	if err != nil || l.Grant == "" {
		return err
	}
	gone := fact{at: v.at, host: v.meeting.host, personal: true, gone: true, keep: tx.Now().Add(goneFor)}
	for _, x := range []struct {
		key []byte
		fact
	}{{v.former, gone}, {v.key, v.meeting}} {
		if len(x.key) == 0 || x.gone && bytes.Equal(v.key, v.former) {
			continue
		}
		m, err := known(tx, v.app, x.key)
		if err != nil {
			return err
		}
		if m, ok := said(m, x.fact); ok {
			if err := tx.PutMeeting(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// soon has the meetings of an account listed, not too often, and not while the provider
// has to be left alone.
func (s *Service) soon(tx *store.Tx, a lanyard.App, host []byte) error {
	l, err := tx.ListingOf(a.ID, host)
	if errors.Is(err, lanyard.NotFound) {
		return nil
	}
	if err != nil || l.Tries > 0 {
		return err
	}
	return tx.ListSoon(l.Grant, later(tx.Now().Add(s.scaled(soon)), l.ListedAt.Add(s.scaled(apart))))
}

// known is what is known of a meeting; nothing, where it is new.
func known(tx *store.Tx, a lanyard.App, key []byte) (lanyard.Meeting, error) {
	m, err := tx.Meeting(a.ID, key)
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Meeting{App: a.ID, Key: key, Project: a.Project}, nil
	}
	return m, err
}
