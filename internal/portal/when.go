package portal

import (
	"strconv"
	"time"

	"lanyard/internal/page"
)

// clock says times as people do, in the project's time zone.
type clock struct {
	say  words
	now  time.Time
	zone *time.Location
}

func newClock(say words, zone string) clock {
	at, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		at = time.UTC
	}
	return clock{say, time.Now(), at}
}

// when is "today at 14:05". A moment that lies ahead is said with its day as well.
func (c clock) when(t time.Time) string {
	t = t.In(c.zone)
	at := t.Format("15:04")
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	switch now := c.now.In(c.zone); {
	case !t.After(now) && now.Sub(t) < time.Minute:
		return c.say.JustNow
	case day(t) == day(now):
		return page.Fill(c.say.Today, "{time}", at)
	case day(t) == day(now.AddDate(0, 0, -1)):
		return page.Fill(c.say.Yesterday, "{time}", at)
	}
	date := strconv.Itoa(t.Day()) + " " + c.say.Months[t.Month()-1] + " " + strconv.Itoa(t.Year())
	return page.Fill(c.say.On, "{date}", date, "{time}", at)
}

// stamp is the same for programs.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// until is a moment with its zone, for a sentence that stands alone.
func (c clock) until(t time.Time) string {
	return c.when(t) + " (" + c.zone.String() + ")"
}
