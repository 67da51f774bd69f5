package meeting

import (
	"bytes"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

const (
	day = 24 * time.Hour

	noticeFor  = 7 * day   // an older notice tells nothing any more
	goneFor    = 8 * day   // longer than that, so that none brings back what was deleted
	overFor    = 3 * day   // after its end
	openFor    = 30 * day  // what has no one end, since it was last said to be there
	longestFor = 400 * day // whatever its end is said to be
	longestRun = 30 * time.Hour
)

// fact is what was said of a meeting.
type fact struct {
	at       time.Time
	host     []byte
	personal bool
	listed   bool
	gone     bool
	keep     time.Time
}

// keepUntil is until when a meeting is known that ends then; zero: it has no one end.
func keepUntil(ends, at time.Time) time.Time {
	if ends.IsZero() {
		return at.Add(openFor)
	}
	return later(earlier(ends, at.Add(longestFor)), at).Add(overFor)
}

// said applies a fact, unless a later one is known.
func said(m lanyard.Meeting, f fact) (lanyard.Meeting, bool) {
	if f.at.Before(m.SaidAt) {
		return m, false
	}
	same := bytes.Equal(m.Host, f.host)
	m.Listed = !f.gone && (f.listed || m.Listed && same)
	m.Personal = f.personal || m.Personal && same
	m.Host, m.Gone, m.SaidAt = f.host, f.gone, f.at
	if f.gone {
		m.KeepUntil = f.keep
	} else {
		m.KeepUntil = later(m.KeepUntil, f.keep)
	}
	return m, true
}

// ran applies what a notice says of a run, unless it is over, or a later one has begun.
func ran(m lanyard.Meeting, change provider.MeetingChange, run []byte, at time.Time) (lanyard.Meeting, bool) {
	same := bytes.Equal(m.Run, run)
	newer := at.After(m.RunAt) || at.Equal(m.RunAt) && m.State != lanyard.RunStarted
	switch {
	case len(run) == 0, !same && !newer, same && m.State == lanyard.RunEnded:
		return m, false
	case change == provider.MeetingEnded:
		m.State = lanyard.RunEnded
	case change == provider.MeetingStarted && same: // somebody's coming was told first
		m.ToldAt = at
	case change == provider.MeetingStarted:
		m.State, m.ToldAt = lanyard.RunStarted, at
	case !same: // its start was not told, or comes late
		m.State, m.ToldAt = lanyard.RunStarted, time.Time{}
	}
	if !same {
		m.RunAt = at
		if m.State == lanyard.RunEnded {
			m.ToldAt = time.Time{}
		}
	}
	m.Run, m.RunAt = run, later(m.RunAt, at)
	m.KeepUntil = later(m.KeepUntil, at.Add(overFor))
	return m, true
}

// where says whether an account is in a meeting. alive: the host's connection works and
// the app has a webhook secret, so that notices come. mine are the account's stays, and
// others those of participants that the provider does not name.
func where(m lanyard.Meeting, alive bool, mine, unnamed int64, wasNamed bool, now time.Time) lanyard.Presence {
	fresh := !m.RunAt.IsZero() && now.Sub(m.RunAt) < longestRun
	switch {
	case !alive || m.Gone || !fresh:
		return lanyard.NotKnowable
	case m.State == lanyard.RunEnded:
		return lanyard.Absent
	case mine > 0:
		return lanyard.Present
	case !m.ToldAt.IsZero() && (wasNamed || unnamed == 0):
		return lanyard.Absent
	}
	return lanyard.NotKnowable
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
