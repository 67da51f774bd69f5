package lanyard

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// QueryLimit is what a query parameter may be: one of Values, or in a range of days, or of
// whole numbers. The zero QueryLimit is anything.
type QueryLimit struct {
	Values   []string `json:"values,omitempty"`
	From     string   `json:"from,omitempty"` // a day or later: "today", "today-1d", "2026-12-31"; or a number
	To       string   `json:"to,omitempty"`   // likewise, or earlier: "today+7d"; the whole day
	Required bool     `json:"required,omitempty"`
}

// Fits says whether a value is within the limit. Days are those of now's time zone, and so
// is a time that names none.
func (l QueryLimit) Fits(value string, now time.Time) bool {
	if len(l.Values) > 0 && !slices.Contains(l.Values, value) {
		return false
	}
	if l.From == "" && l.To == "" {
		return true
	}
	if numeric(l.From) || numeric(l.To) {
		n, err := strconv.ParseInt(value, 10, 64)
		from, errFrom := strconv.ParseInt(l.From, 10, 64)
		to, errTo := strconv.ParseInt(l.To, 10, 64)
		return err == nil && (errFrom != nil || n >= from) && (errTo != nil || n <= to)
	}
	at, ok := moment(value, now.Location())
	if !ok {
		return false
	}
	if from, ok := day(l.From, now); ok && at.Before(from) {
		return false
	}
	to, ok := day(l.To, now)
	return !ok || !at.After(to.AddDate(0, 0, 1))
}

// numeric says whether a bound is a number.
func numeric(bound string) bool {
	_, err := strconv.ParseInt(bound, 10, 64)
	return err == nil
}

// moment reads a day, or a time with or without its zone.
func moment(value string, zone *time.Location) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return t, true
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, value, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// day is the beginning of the day that a bound names; false for none.
func day(bound string, now time.Time) (time.Time, bool) {
	if rest, ok := strings.CutPrefix(bound, "today"); ok {
		days, err := 0, error(nil)
		if rest != "" {
			number, unit := strings.CutSuffix(rest, "d")
			if days, err = strconv.Atoi(number); err != nil || !unit || number[0] != '+' && number[0] != '-' {
				return time.Time{}, false
			}
		}
		y, m, d := now.Date()
		return time.Date(y, m, d+days, 0, 0, 0, 0, now.Location()), max(days, -days) <= 3660
	}
	t, err := time.ParseInLocation(time.DateOnly, bound, now.Location())
	return t, err == nil
}

func (l QueryLimit) check() string {
	isDay := func(bound string) bool {
		_, ok := day(bound, time.Unix(0, 0))
		return ok
	}
	switch {
	case len(l.Values) > mostLimits:
		return "values: at most 30"
	case len(l.Values) > 0 && (l.From != "" || l.To != ""):
		return "values, or from and to"
	case l.From != "" && !numeric(l.From) && !isDay(l.From), l.To != "" && !numeric(l.To) && !isDay(l.To):
		return "from, to: today, today+7d, 2026-12-31, or a whole number"
	case l.From != "" && l.To != "" && numeric(l.From) != numeric(l.To):
		return "from, to: two days, or two numbers"
	}
	return ""
}

func (r ProxyRule) equal(o ProxyRule) bool {
	return r.Host == o.Host && r.Path == o.Path && r.MaxAnswer == o.MaxAnswer && slices.Equal(r.Methods, o.Methods) && slices.Equal(r.Headers, o.Headers) &&
		maps.EqualFunc(r.Query, o.Query, func(a, b QueryLimit) bool {
			return a.From == b.From && a.To == b.To && a.Required == b.Required && slices.Equal(a.Values, b.Values)
		})
}

// ParseProxyRule reads a rule as a command line has it; the rule is checked.
//
//	GET /v2/users/me/meetings?type=scheduled|upcoming&page_size=1..100 max=65536
//	GET,POST /calendar/v3/calendars/primary/events?timeMin!=today..today+7d&q host=www.googleapis.com header=X-Goog-FieldMask
//
// A parameter with ! is required; one without = may be anything.
func ParseProxyRule(text string) (ProxyRule, error) {
	var r ProxyRule
	words := strings.Fields(text)
	if len(words) < 2 {
		return r, Errorf(CodeInvalidRequest, "a rule is such as: GET /v2/users/me/meetings?page_size=1..100 max=65536")
	}
	r.Methods = strings.Split(words[0], ",")
	path, query, has := strings.Cut(words[1], "?")
	r.Path = path
	if has {
		r.Query = map[string]QueryLimit{}
	}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, limit, _ := strings.Cut(part, "=")
		var l QueryLimit
		name, l.Required = strings.CutSuffix(name, "!")
		if from, to, ranged := strings.Cut(limit, ".."); ranged {
			l.From, l.To = from, to
		} else if limit != "" {
			l.Values = strings.Split(limit, "|")
		}
		r.Query[name] = l
	}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "max":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return r, Errorf(CodeInvalidRequest, "max: a number of bytes")
			}
			r.MaxAnswer = n
		case "host":
			r.Host = value
		case "header":
			r.Headers = append(r.Headers, value)
		default:
			return r, Errorf(CodeInvalidRequest, "after the path come max=, host= and header=")
		}
	}
	if err := r.check(); err != "" {
		return r, Errorf(CodeInvalidRequest, "%s", err)
	}
	return r, nil
}
