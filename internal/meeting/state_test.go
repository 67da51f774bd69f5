package meeting

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// What may be said of where somebody is, and what may not.
func TestWhere(t *testing.T) {
	at := func(m int) time.Time { return began.Add(time.Duration(m) * time.Minute) }
	told := lanyard.Meeting{State: lanyard.RunStarted, Run: []byte("r"), RunAt: at(1), ToldAt: at(1)}
	with := func(f func(*lanyard.Meeting)) lanyard.Meeting {
		m := told
		f(&m)
		return m
	}
	untold := with(func(m *lanyard.Meeting) { m.ToldAt = time.Time{} })
	ended := with(func(m *lanyard.Meeting) { m.State = lanyard.RunEnded })
	for name, c := range map[string]struct {
		m             lanyard.Meeting
		deaf          bool // no notices come
		mine, unnamed int64
		named         bool
		after         time.Duration
		want          lanyard.Presence
	}{
		"came":                                  {m: told, mine: 1, want: lanyard.Present},
		"came, the start was not told":          {m: untold, mine: 1, want: lanyard.Present},
		"twice, once gone":                      {m: told, mine: 1, named: true, want: lanyard.Present},
		"came, and strangers too":               {m: told, mine: 1, unnamed: 3, want: lanyard.Present},
		"not come":                              {m: told, want: lanyard.Absent},
		"not come, the start was not told":      {m: untold, want: lanyard.NotKnowable},
		"not come, but somebody without a name": {m: told, unnamed: 1, want: lanyard.NotKnowable},
		"went":                                  {m: told, named: true, want: lanyard.Absent},
		"went, and somebody without a name":     {m: told, named: true, unnamed: 1, want: lanyard.Absent},
		"ended":                                 {m: ended, want: lanyard.Absent},
		"ended, and somebody forgot to go":      {m: ended, mine: 1, want: lanyard.Absent},
		"no notices come":                       {m: told, mine: 1, deaf: true, want: lanyard.NotKnowable},
		"ended, and no notices come any more":   {m: ended, deaf: true, want: lanyard.NotKnowable},
		"deleted":                               {m: with(func(m *lanyard.Meeting) { m.Gone = true }), mine: 1, want: lanyard.NotKnowable},
		"never begun, as far as we know":        {m: lanyard.Meeting{}, want: lanyard.NotKnowable},
		"nothing heard for long":                {m: told, mine: 1, after: longestRun, want: lanyard.NotKnowable},
		"ended long ago":                        {m: ended, after: longestRun, want: lanyard.NotKnowable},
	} {
		if got := where(c.m, !c.deaf, c.mine, c.unnamed, c.named, at(2).Add(c.after)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// A run that is over does not begin again, and takes nobody in.
func TestARunThatIsOver(t *testing.T) {
	over := lanyard.Meeting{State: lanyard.RunEnded, Run: []byte("r"), RunAt: began, ToldAt: began}
	for _, change := range []provider.MeetingChange{provider.MeetingStarted, provider.MeetingJoined, provider.MeetingLeft, provider.MeetingEnded} {
		if m, ok := ran(over, change, over.Run, began.Add(time.Hour)); ok || m.State != lanyard.RunEnded {
			t.Errorf("%s: got %+v, %v, want nothing changed", change, m, ok)
		}
		if _, ok := ran(over, change, nil, began.Add(time.Hour)); ok {
			t.Errorf("%s of no run: got it applied", change)
		}
	}
	next, ok := ran(over, provider.MeetingJoined, []byte("r2"), began)
	if !ok || next.State != lanyard.RunStarted || !next.ToldAt.IsZero() {
		t.Errorf("got %+v, %v, want another run whose start was not told", next, ok)
	}
	if m, ok := ran(next, provider.MeetingEnded, over.Run, began); ok {
		t.Errorf("the end of the run before, of the same moment: got %+v", m)
	}
}

// How long a meeting is known after something was said of it.
func TestKeepUntil(t *testing.T) {
	for name, c := range map[string]struct{ ends, want time.Time }{
		"no one end":       {time.Time{}, began.Add(openFor)},
		"tomorrow":         {began.Add(day), began.Add(day + overFor)},
		"in the past":      {began.Add(-99 * day), began.Add(overFor)},
		"in the year 9999": {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), began.Add(longestFor + overFor)},
	} {
		if got := keepUntil(c.ends, began); !got.Equal(c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// How soon a list is made again.
func TestNext(t *testing.T) {
	used := lanyard.Grant{UsedAt: began}
	for name, c := range map[string]struct {
		l     lanyard.Listing
		g     lanyard.Grant
		cause error
		want  time.Duration
	}{
		"in use":                 {g: used, want: day},
		"not used for long":      {want: 7 * day},
		"failed once":            {l: lanyard.Listing{Tries: 1}, g: used, want: time.Minute},
		"failed a hundred times": {l: lanyard.Listing{Tries: 100}, g: used, want: 6 * time.Hour},
	} {
		low, high := c.want*8/10, c.want*12/10
		if got := next(c.l, c.g, c.cause, began); got < low || got > high {
			t.Errorf("%s: got %s, want about %s", name, got, c.want)
		}
	}
	asked := &lanyard.Error{Code: lanyard.CodeRateLimited, RetryAfter: time.Hour}
	if got := next(lanyard.Listing{Tries: 1}, used, asked, began); got < time.Hour {
		t.Errorf("asked to wait an hour: got %s", got)
	}
	for code, want := range map[lanyard.Code]bool{"": false, lanyard.CodeRateLimited: true, lanyard.CodeProviderUnavailable: true,
		lanyard.CodeProviderAnswerInvalid: true, lanyard.CodeScopesMissing: false, lanyard.CodeConnectionPaused: false, lanyard.CodeUserRevoked: false} {
		if got := passes(code); got != want {
			t.Errorf("%q: got %v, want %v", code, got, want)
		}
	}
}
