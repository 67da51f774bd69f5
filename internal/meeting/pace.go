package meeting

import (
	"errors"
	"math/rand/v2" //nolint:depguard // spreads out lists; nobody gains by guessing them
	"strconv"
	"time"

	"lanyard"
)

const (
	daily    = day
	weekly   = 7 * day // where nobody has used the connection for a week: listing renews its token
	firstTry = time.Minute
	lastTry  = 6 * time.Hour
)

// passes says whether a list that did not work may work when tried again soon. What is
// not so waits for the next day, or for a new consent of the person, which asks for one.
func passes(code lanyard.Code) bool {
	if code == "" {
		return false
	}
	switch lanyard.RowOf(code).Kind {
	case lanyard.Unavailable, lanyard.Limited, lanyard.Upstream, lanyard.Internal:
		return true
	}
	return false
}

// next is how long until the next list: a day or a week, a fifth more or less; where a
// list did not work, from a minute, twice as long each time, and as long as the provider asks.
func next(l lanyard.Listing, g lanyard.Grant, cause error, now time.Time) time.Duration {
	wait := daily
	switch {
	case l.Tries > 0:
		wait = min(firstTry<<min(l.Tries-1, 10), lastTry)
	case now.Sub(g.UsedAt) > weekly:
		wait = weekly
	}
	wait = time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // as above
	if e, ok := errors.AsType[*lanyard.Error](cause); ok {
		wait = max(wait, e.RetryAfter)
	}
	return wait
}

// entry is what the log says of a list: whose token was used for it.
func (s *Service) entry(r *round, cause error) lanyard.Entry {
	e := lanyard.NewEntry(lanyard.Principal{Project: r.Project, Name: "lanyard"}, lanyard.ActMeetingsListed)
	e.App, e.Grant = r.App, r.Listing.Grant
	e.Detail = map[string]string{"provider": r.app.Provider, "meetings": strconv.Itoa(r.found)}
	switch {
	case cause != nil:
		return e.Failed(cause)
	case !r.whole:
		e.Detail["cut"] = "yes"
	}
	return e
}
