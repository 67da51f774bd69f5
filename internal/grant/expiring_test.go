package grant

import (
	"testing"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// When a refresh token dies, and when that is told, after what a provider gives. The
// grant has a refresh token from ten days ago that dies in ten, and it is to be told in
// three that it does.
func TestWhenARefreshTokenDies(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(d) }
	fresh := lanyard.TokenSet{Refresh: lanyard.NewSecret("new")}
	lasts := func(d time.Duration, set lanyard.TokenSet) lanyard.TokenSet {
		set.RefreshExpires = at(d)
		return set
	}
	for name, tc := range map[string]struct {
		target   provider.Target
		tokens   lanyard.TokenSet
		change   func(was, is *lanyard.Grant)
		dies     time.Duration // from now; 0: not known
		expiring time.Duration // 0: not told any more
	}{
		"nothing is known": {change: func(was, is *lanyard.Grant) {
			was.RefreshExpires, was.ExpiringAt = time.Time{}, time.Time{}
			*is = *was
		}},
		"the old one stays, and so does its end": {dies: 10 * day, expiring: 3 * day},
		"a new one lives as the catalogue says":  {target: provider.Target{RefreshTTL: 90 * day}, tokens: fresh, dies: 90 * day, expiring: 83 * day},
		"a short one is told late":               {target: provider.Target{RefreshTTL: 12 * day}, tokens: fresh, dies: 12 * day, expiring: 9 * day},
		"the answer says so":                     {target: provider.Target{RefreshTTL: 90 * day}, tokens: lasts(30*day, fresh), dies: 30 * day, expiring: 23 * day},
		"the answer says that no time is won":    {tokens: lasts(10*day+20*time.Second, fresh), dies: 10*day + 20*time.Second, expiring: 3 * day},
		"told, and no time is won": {tokens: lasts(10*day+20*time.Second, fresh), dies: 10*day + 20*time.Second,
			change: func(was, is *lanyard.Grant) { was.ExpiringAt, is.ExpiringAt = time.Time{}, time.Time{} }},
		"told, and time is won": {target: provider.Target{RefreshTTL: 90 * day}, tokens: fresh, dies: 90 * day, expiring: 83 * day,
			change: func(was, is *lanyard.Grant) { was.ExpiringAt, is.ExpiringAt = time.Time{}, time.Time{} }},
		"use alone keeps it alive":                       {target: provider.Target{RefreshIdle: 20 * day}, dies: 20 * day, expiring: 15 * day},
		"use does, and an earlier answer has set an end": {target: provider.Target{RefreshIdle: 60 * day}, dies: 10 * day, expiring: 3 * day},
		"the answer repeats that end":                    {target: provider.Target{RefreshIdle: 60 * day}, tokens: lasts(10*day, lanyard.TokenSet{}), dies: 10 * day, expiring: 3 * day},
		"a year from the consent, whatever is renewed": {target: provider.Target{RefreshIdle: 90 * day, ConsentTTL: 365 * day}, tokens: fresh, dies: 40 * day, expiring: 33 * day,
			change: func(_, is *lanyard.Grant) { is.ConsentedAt = at(-325 * day) }},
		"the year ends no later than before": {target: provider.Target{RefreshIdle: 90 * day, ConsentTTL: 365 * day}, tokens: fresh, dies: 10 * day, expiring: 3 * day,
			change: func(_, is *lanyard.Grant) { is.ConsentedAt = at(-355 * day) }},
		"a new consent that lives no longer": {target: provider.Target{RefreshTTL: 10 * day}, tokens: fresh, dies: 10 * day, expiring: 7*day + 12*time.Hour,
			change: func(was, is *lanyard.Grant) { was.ExpiringAt, is.Family = time.Time{}, "another" }},
	} {
		was := lanyard.Grant{Family: "fam", HasRefresh: true, RefreshedAt: at(-10 * day), RefreshExpires: at(10 * day), ExpiringAt: at(3 * day)}
		is := was
		if tc.change != nil {
			tc.change(&was, &is)
		}
		(&Service{}).dies(&tc.target, was, &is, tc.tokens, now)
		want := func(d time.Duration) time.Time {
			if d == 0 {
				return time.Time{}
			}
			return at(d)
		}
		if !is.RefreshExpires.Equal(want(tc.dies)) || !is.ExpiringAt.Equal(want(tc.expiring)) {
			t.Errorf("%s: dies %s, told %s from now; want %s and %s", name, is.RefreshExpires.Sub(now), is.ExpiringAt.Sub(now), tc.dies, tc.expiring)
		}
	}
}
