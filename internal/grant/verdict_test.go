package grant_test

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
)

// start is when the first attempt of a history began; the times in the tables
// count from it.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

// ended is an attempt that ended then.
func ended(d time.Duration, o lanyard.Outcome) lanyard.Attempt {
	return lanyard.Attempt{StartedAt: at(d - time.Second), Deadline: at(d + 20*time.Second), EndedAt: at(d), Outcome: o}
}

// running is an attempt without an end, whose deadline is then.
func running(deadline time.Duration) lanyard.Attempt {
	return lanyard.Attempt{StartedAt: start, Deadline: at(deadline)}
}

func lost(ds ...time.Duration) (out []lanyard.Attempt) {
	for _, d := range ds {
		out = append(out, ended(d, lanyard.OutcomeUnknown))
	}
	return out
}

var classes = []provider.Class{provider.ClassStatic, provider.ClassOverlap, provider.ClassGrace, provider.ClassStrict, provider.ClassReuseKill, ""}

// I7: nobody sends a refresh token while an earlier use of it may still be
// answered, whatever the class; and what is not unknown costs no wait.
func TestMayTryAtWhateverTheClass(t *testing.T) {
	for name, tc := range map[string]struct {
		attempts []lanyard.Attempt
		want     time.Time
	}{
		"nothing was sent yet":                 {nil, at(time.Minute)},
		"one is running":                       {[]lanyard.Attempt{running(2 * time.Minute)}, at(2 * time.Minute)},
		"one is running after others":          {append(lost(10*time.Second), running(90*time.Second)), at(90 * time.Second)},
		"an app's fault spends no token":       {[]lanyard.Attempt{ended(0, lanyard.OutcomeAppError)}, at(time.Minute)},
		"not sent":                             {[]lanyard.Attempt{ended(0, lanyard.OutcomeNotSent)}, at(time.Minute)},
		"throttled: RetryAt says how long":     {[]lanyard.Attempt{ended(0, lanyard.OutcomeThrottled)}, at(time.Minute)},
		"rejected: RetryAt says how long":      {[]lanyard.Attempt{ended(0, lanyard.OutcomeRejected)}, at(time.Minute)},
		"a dropped answer was of another time": {[]lanyard.Attempt{ended(0, lanyard.OutcomeDropped)}, at(time.Minute)},
	} {
		for _, class := range classes {
			if got := grant.MayTryAt(class, 30*time.Second, grant.History{Attempts: tc.attempts}, at(time.Hour), at(time.Minute)); !got.Equal(tc.want) {
				t.Errorf("%s, class %q: got %s, want %s", name, class, got.Sub(start), tc.want.Sub(start))
			}
		}
	}
}

// A call that hung ends after one that began later: the patience counts from its end.
func TestMayTryAtCountsFromTheLastEnd(t *testing.T) {
	slept := []lanyard.Attempt{ended(100*time.Second, lanyard.OutcomeUnknown), ended(10*time.Second, lanyard.OutcomeUnknown)}
	got := grant.MayTryAt(provider.ClassReuseKill, 0, grant.History{Attempts: slept}, at(0), at(101*time.Second))
	if want := at(130 * time.Second); !got.Equal(want) {
		t.Errorf("got %s, want %s", got.Sub(start), want.Sub(start))
	}
}

func TestMayTryAtAfterALostAnswer(t *testing.T) {
	const never = 100 * time.Hour
	for name, tc := range map[string]struct {
		class    provider.Class
		grace    time.Duration
		attempts []lanyard.Attempt
		expires  time.Duration
		now      time.Duration
		want     time.Duration
	}{
		"static: at once, but not in a row": {provider.ClassStatic, 0, lost(0), never, time.Second, 2 * time.Second},
		"static, third":                     {provider.ClassStatic, 0, lost(0, 2*time.Second, 6*time.Second), never, 7 * time.Second, 14 * time.Second},
		"static, never more than 5 min":     {provider.ClassStatic, 0, lost(make([]time.Duration, 30)...), never, 0, 5 * time.Minute},
		"overlap as static":                 {provider.ClassOverlap, 0, lost(0), never, 0, 2 * time.Second},

		"grace, first: at once":               {provider.ClassGrace, 30 * time.Second, lost(0), never, 0, 0},
		"grace, second":                       {provider.ClassGrace, 30 * time.Second, lost(0, 0), never, 0, 2 * time.Second},
		"grace, third counts from the first":  {provider.ClassGrace, 30 * time.Second, lost(0, time.Second, 3*time.Second), never, 4 * time.Second, 8 * time.Second},
		"grace, fourth":                       {provider.ClassGrace, 30 * time.Second, lost(0, 0, 2*time.Second, 8*time.Second), never, 9 * time.Second, 20 * time.Second},
		"grace, a call took longer":           {provider.ClassGrace, 30 * time.Second, lost(0, 19*time.Second), never, 19 * time.Second, 19 * time.Second},
		"grace, the step would be outside":    {provider.ClassGrace, 8 * time.Second, lost(0, 0, 2*time.Second), never, 3 * time.Second, 2*time.Second + 128*time.Second},
		"grace, one of long ago says nothing": {provider.ClassGrace, 30 * time.Second, lost(0, 40*time.Second), never, 40 * time.Second, 40 * time.Second},
		"grace, over":                         {provider.ClassGrace, 30 * time.Second, lost(0, 0, 2*time.Second, 8*time.Second, 20*time.Second), never, 21 * time.Second, 20*time.Second + 5*time.Minute},
		"grace, a silent node counts as lost": {provider.ClassGrace, 30 * time.Second, []lanyard.Attempt{running(20 * time.Second)}, never, 21 * time.Second, 20 * time.Second},

		"strict: the answer may still be on its way": {provider.ClassStrict, 0, lost(0), never, time.Second, 30 * time.Second},
		"strict, again": {provider.ClassStrict, 0, lost(0, 40*time.Second), never, 41 * time.Second, 100 * time.Second},
		"strict, from the silent node's deadline":         {provider.ClassStrict, 0, []lanyard.Attempt{running(20 * time.Second)}, never, 25 * time.Second, 50 * time.Second},
		"reuse_kill: the old token first serves its time": {provider.ClassReuseKill, 0, lost(0), 20 * time.Minute, time.Second, 19 * time.Minute},
		"reuse_kill, a long life":                         {provider.ClassReuseKill, 0, lost(0), 10 * time.Hour, time.Second, 30 * time.Minute},
		"reuse_kill, nearly dead":                         {provider.ClassReuseKill, 0, lost(0), 70 * time.Second, time.Second, 30 * time.Second},
		"reuse_kill, dead":                                {provider.ClassReuseKill, 0, lost(0), -time.Minute, time.Second, 30 * time.Second},
		"a class nobody knows is reuse_kill":              {"novel", 0, lost(0), 10 * time.Hour, time.Second, 30 * time.Minute},
	} {
		got := grant.MayTryAt(tc.class, tc.grace, grant.History{Attempts: tc.attempts}, at(tc.expires), at(tc.now))
		if !got.Equal(at(tc.want)) {
			t.Errorf("%s: got %s, want %s", name, got.Sub(start), tc.want)
		}
	}
	// An access token that never expires does not end the wait of reuse_kill.
	if got := grant.MayTryAt(provider.ClassReuseKill, 0, grant.History{Attempts: lost(0)}, time.Time{}, at(0)); !got.Equal(at(30 * time.Minute)) {
		t.Errorf("reuse_kill, no expiry: got %s, want 30 min", got.Sub(start))
	}
}

func rejected(ds ...time.Duration) (out []lanyard.Attempt) {
	for _, d := range ds {
		out = append(out, ended(d, lanyard.OutcomeRejected))
	}
	return out
}

// I8 to I10: what ends a connection is a confirmed rejection and a demand that
// the person act; nothing else ever does, for any class.
func TestAfter(t *testing.T) {
	const min = time.Minute
	dead := func(reason lanyard.Code) grant.Next { return grant.Next{Health: lanyard.Dead, Reason: reason} }
	degraded := func(reason lanyard.Code, retry time.Duration) grant.Next {
		return grant.Next{Health: lanyard.Degraded, Reason: reason, RetryAt: at(retry)}
	}
	for name, tc := range map[string]struct {
		result   provider.Result
		attempts []lanyard.Attempt
		others   bool // another grant of the app was renewed meanwhile
		now      time.Duration
		want     grant.Next
		more     grant.History // what else a verdict rests on
	}{
		"not sent": {provider.Result{Outcome: lanyard.OutcomeNotSent}, []lanyard.Attempt{ended(0, lanyard.OutcomeNotSent)}, false, 0,
			degraded(lanyard.CodeProviderUnavailable, 2*time.Second), grant.History{}},
		"not sent, a minute at most": {provider.Result{Outcome: lanyard.OutcomeNotSent}, func() (out []lanyard.Attempt) {
			for range 40 {
				out = append(out, ended(0, lanyard.OutcomeNotSent))
			}
			return out
		}(), false, 0, degraded(lanyard.CodeProviderUnavailable, min), grant.History{}},
		"throttled":                   {provider.Result{Outcome: lanyard.OutcomeThrottled, RetryAfter: 7 * time.Second}, nil, false, 0, degraded(lanyard.CodeRateLimited, 7*time.Second), grant.History{}},
		"throttled, without a word":   {provider.Result{Outcome: lanyard.OutcomeThrottled}, nil, false, 0, degraded(lanyard.CodeRateLimited, time.Second), grant.History{}},
		"throttled, for a day":        {provider.Result{Outcome: lanyard.OutcomeThrottled, RetryAfter: 24 * time.Hour}, nil, false, 0, degraded(lanyard.CodeRateLimited, 15*min), grant.History{}},
		"the app's fault":             {provider.Result{Outcome: lanyard.OutcomeAppError}, rejected(-10*min, -5*min), true, 0, grant.Next{RetryAt: at(30 * time.Second)}, grant.History{}},
		"the person must act":         {provider.Result{Outcome: lanyard.OutcomeInteraction}, nil, false, 0, dead(lanyard.CodeAdminPolicy), grant.History{}},
		"the person must act, named":  {provider.Result{Outcome: lanyard.OutcomeInteraction, Reason: lanyard.CodeUserRevoked}, nil, false, 0, dead(lanyard.CodeUserRevoked), grant.History{}},
		"one rejection is no verdict": {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0), true, 0, degraded(lanyard.CodeRefreshUnconfirmed, min), grant.History{}},
		"two at once":                 {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, 59*time.Second), true, 59 * time.Second, degraded(lanyard.CodeRefreshUnconfirmed, 59*time.Second+min), grant.History{}},
		"two, another grant works":    {provider.Result{Outcome: lanyard.OutcomeRejected, Reason: lanyard.CodeUserRevoked}, rejected(0, min), true, min, dead(lanyard.CodeUserRevoked), grant.History{}},
		"two, without a reason":       {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, min), true, min, dead(lanyard.CodeNeedsReauth), grant.History{}},
		"two, alone":                  {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, min), false, min, degraded(lanyard.CodeRefreshUnconfirmed, 6*min), grant.History{}},
		"three in too short a time":   {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, min, 9*min), false, 9 * min, degraded(lanyard.CodeRefreshUnconfirmed, 14*min), grant.History{}},
		"three over ten minutes":      {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, 5*min, 10*min), false, 10 * min, dead(lanyard.CodeNeedsReauth), grant.History{Alone: true}},
		"three over ten minutes, after the app was edited": {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, 5*min, 10*min), false, 10 * min,
			degraded(lanyard.CodeRefreshUnconfirmed, 15*min), grant.History{Alone: true, Edited: true}},
		"three over a day, after the app was edited": {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, 5*min, 24*time.Hour), false, 24 * time.Hour,
			dead(lanyard.CodeNeedsReauth), grant.History{Alone: true, Edited: true}},
		"three over ten minutes, and others could say more": {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, 5*min, 10*min), false, 10 * min,
			degraded(lanyard.CodeRefreshUnconfirmed, 15*min), grant.History{}},
		"one, and the access token is refused too": {provider.Result{Outcome: lanyard.OutcomeRejected, Reason: lanyard.CodeUserRevoked}, rejected(0), false, 0,
			dead(lanyard.CodeUserRevoked), grant.History{ProbeRefused: true}},
		"in a storm nobody is believed": {provider.Result{Outcome: lanyard.OutcomeRejected}, rejected(0, min), true, min,
			degraded(lanyard.CodeRefreshUnconfirmed, 2*min), grant.History{ProbeRefused: true, Suspended: true}},
		"in a storm: no policy either": {provider.Result{Outcome: lanyard.OutcomeInteraction}, nil, true, 0,
			degraded(lanyard.CodeRefreshUnconfirmed, min), grant.History{Suspended: true}},
		"the database was put back": {provider.Result{Outcome: lanyard.OutcomeRejected, Reason: lanyard.CodeUserRevoked}, rejected(0, min), true, min,
			dead(lanyard.CodeRestored), grant.History{Restored: true}},
		"an answer of ours was lost before: never 'revoked'": {provider.Result{Outcome: lanyard.OutcomeRejected, Reason: lanyard.CodeUserRevoked},
			append(lost(-min), rejected(0, min)...), true, min, dead(lanyard.CodeResponseLost), grant.History{}},
		"a silent node may have the answer on its disk": {provider.Result{Outcome: lanyard.OutcomeRejected, Reason: lanyard.CodeUserRevoked},
			append([]lanyard.Attempt{running(-min)}, rejected(0, min)...), true, min, degraded(lanyard.CodeRefreshUnconfirmed, 2*min), grant.History{ProbeRefused: true}},
		"and may it for a policy": {provider.Result{Outcome: lanyard.OutcomeInteraction}, []lanyard.Attempt{running(-min)}, true, min,
			degraded(lanyard.CodeRefreshUnconfirmed, 2*min), grant.History{}},
	} {
		for _, class := range classes {
			h := tc.more
			h.Attempts, h.OtherSuccess = tc.attempts, tc.others
			got := grant.After(class, 30*time.Second, tc.result, h, at(time.Hour), at(tc.now))
			want := tc.want
			if want.Reason == lanyard.CodeResponseLost && !class.Rotates() { // what was sent goes on working, whatever was lost
				want.Reason = tc.result.Reason
			}
			if got != want {
				t.Errorf("%s, class %q: got %+v, want %+v", name, class, got, want)
			}
		}
	}
}

func TestAfterALostAnswerTheClassSaysWhen(t *testing.T) {
	for class, want := range map[provider.Class]time.Duration{provider.ClassStatic: 2 * time.Second, provider.ClassOverlap: 2 * time.Second,
		provider.ClassGrace: 0, provider.ClassStrict: 30 * time.Second, provider.ClassReuseKill: 30 * time.Minute} {
		got := grant.After(class, 30*time.Second, provider.Result{Outcome: lanyard.OutcomeUnknown}, grant.History{Attempts: lost(0)}, at(5*time.Hour), at(0))
		if got.Health != lanyard.Degraded || got.Reason != lanyard.CodeProviderUnavailable || !got.RetryAt.Equal(at(want)) {
			t.Errorf("%s: got %+v, want degraded, and another try after %s", class, got, want)
		}
	}
}

// A lost answer, and then the provider's whim to refuse the old token once, used to
// be the end of a connection whose grace was not over: the next try came after it.
func TestInTheGraceARefusalIsTriedAgainBeforeItEnds(t *testing.T) {
	for _, tc := range []struct {
		lost, refused, now time.Duration
		want               time.Duration // of the next try
	}{
		{0, 100 * time.Millisecond, 100 * time.Millisecond, 2 * time.Second},
		{0, 3 * time.Second, 3 * time.Second, 8 * time.Second},
		{0, 9 * time.Second, 9 * time.Second, 20 * time.Second},
		{0, 21 * time.Second, 21 * time.Second, 81 * time.Second}, // it is over soon anyway
	} {
		h := grant.History{Attempts: append(lost(tc.lost), rejected(tc.refused)...)}
		got := grant.After(provider.ClassGrace, 30*time.Second, provider.Result{Outcome: lanyard.OutcomeRejected}, h, at(time.Hour), at(tc.now))
		if got.Health != lanyard.Degraded || !got.RetryAt.Equal(at(tc.want)) {
			t.Errorf("refused after %s: got %+v, want another try at %s", tc.refused, got, tc.want)
		}
	}
	short := grant.After(provider.ClassGrace, 5*time.Second, provider.Result{Outcome: lanyard.OutcomeRejected},
		grant.History{Attempts: append(lost(0), rejected(3*time.Second)...)}, at(time.Hour), at(3*time.Second))
	if !short.RetryAt.Equal(at(63 * time.Second)) {
		t.Errorf("got %s, want no hurry where the next step lies behind the grace", short.RetryAt)
	}
}
