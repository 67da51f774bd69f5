package zoom

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// Types of Zoom's meetings that have no one end: recurring ones, and personal rooms.
const (
	typeNoTime     = "3"
	typePersonal   = "4"
	typeRecurring  = "8"
	longestPlanned = 31 * 24 * time.Hour // what says more is no duration
)

// pageSize is the most that Zoom gives in one page.
const pageSize = "300"

// MeetingScopes are those of which any one lets an app list a person's meetings.
func (Zoom) MeetingScopes() []string {
	return []string{"meeting:read:list_meetings", "meeting:read", "meeting:read:list_meetings:admin", "meeting:read:admin"}
}

// MeetingAccount says whose meetings a list is of (GET /v2/users/me). Errors: see apiError.
func (Zoom) MeetingAccount(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet) (provider.MeetingAccount, error) {
	a, err := t.Call(ctx, tokens, "/v2/users/me", nil)
	if err != nil {
		return provider.MeetingAccount{}, err
	}
	if a.Status != 200 {
		return provider.MeetingAccount{}, apiError("", a)
	}
	out := provider.MeetingAccount{Subject: a.Fields.Text("id"), Personal: numberIn(a.Fields, "pmi")}
	if out.Subject == "" {
		return out, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "Zoom's answer has no account in it")
	}
	return out, nil
}

// ListMeetings reads one page of the person's own meetings, planned and running (GET /v2/users/me/meetings). What has no
// number we know the shape of is left out. Errors: see apiError.
func (Zoom) ListMeetings(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, page string) (provider.MeetingPage, error) {
	q := url.Values{"type": {"scheduled"}, "page_size": {pageSize}}
	if page != "" {
		q.Set("next_page_token", page)
	}
	a, err := t.Call(ctx, tokens, "/v2/users/me/meetings", q)
	if err != nil {
		return provider.MeetingPage{}, err
	}
	if a.Status != 200 {
		return provider.MeetingPage{}, apiError("", a)
	}
	list, ok := a.Fields["meetings"].([]any)
	if !ok {
		return provider.MeetingPage{}, lanyard.Errorf(lanyard.CodeProviderAnswerInvalid, "Zoom's answer has no meetings in it")
	}
	out := provider.MeetingPage{Next: a.Fields.Text("next_page_token")}
	for _, one := range list {
		m, _ := one.(provider.Fields)
		n := numberIn(m, "id")
		if n == "" {
			continue
		}
		out.Meetings = append(out.Meetings, provider.ListedMeeting{Number: n, Host: m.Text("host_id"), Personal: personal(m, n), Ends: ends(m)})
	}
	return out, nil
}

// changes are Zoom's notices about meetings.
var changes = map[string]provider.MeetingChange{
	"meeting.created": provider.MeetingPlanned, "meeting.recovered": provider.MeetingPlanned, "meeting.updated": provider.MeetingChanged,
	"meeting.deleted": provider.MeetingDeleted, "meeting.started": provider.MeetingStarted, "meeting.ended": provider.MeetingEnded,
	"meeting.participant_joined": provider.MeetingJoined, "meeting.participant_left": provider.MeetingLeft,
	"user.updated": provider.MeetingPersonal,
}

// readMeeting reads what a notice says of a meeting; one that names none has no Change. The host is object.host_id:
// operator_id is who has made the change, who may be a colleague, or an administrator.
func readMeeting(event string, payload provider.Fields) provider.MeetingNotice {
	o := payload.Object("object")
	m := provider.MeetingNotice{Change: changes[event], Number: numberIn(o, "id"), Run: clean(o.Text("uuid")), Host: clean(o.Text("host_id")), Ends: ends(o)}
	m.Personal = personal(o, m.Number)
	switch m.Change {
	case provider.MeetingPersonal:
		_, said := o["pmi"]
		m = provider.MeetingNotice{Change: m.Change, Host: clean(o.Text("id")), Number: numberIn(o, "pmi"), Former: numberIn(payload.Object("old_object"), "pmi"), Personal: true}
		if !said || m.Host == "" {
			return provider.MeetingNotice{}
		}
		return m
	case provider.MeetingDeleted: // of single dates, the others stay
		if dates, _ := o["occurrences"].([]any); len(dates) > 0 && payload.Text("operation") != "all" {
			m.Change = provider.MeetingChanged
		}
	case provider.MeetingJoined, provider.MeetingLeft:
		who := o.Object("participant")
		m.Account = clean(who.Text("id|participant_user_id"))
		m.Stay = clean(who.Text("user_id|participant_uuid|id"))
		if m.Stay == "" {
			return provider.MeetingNotice{}
		}
	}
	if m.Number == "" {
		return provider.MeetingNotice{}
	}
	return m
}

// numberIn reads a meeting number; "" for what has another shape.
func numberIn(f provider.Fields, name string) string {
	if n := f.Text(name); number.MatchString(n) {
		return n
	}
	return ""
}

// personal says whether a meeting with this number is in the host's personal room.
func personal(m provider.Fields, n string) bool {
	return n != "" && (m.Text("type") == typePersonal || m.Text("pmi") == n)
}

// ends is when a meeting of one date is over.
func ends(m provider.Fields) time.Time {
	start, err := time.Parse(time.RFC3339, m.Text("start_time"))
	minutes, err2 := strconv.ParseInt(m.Text("duration"), 10, 32)
	length := time.Duration(minutes) * time.Minute
	if typ := m.Text("type"); err != nil || err2 != nil || length > longestPlanned || typ == typeNoTime || typ == typeRecurring || typ == typePersonal {
		return time.Time{}
	}
	return start.UTC().Add(length)
}

// clean passes an id of Zoom's on; "" for what is none.
func clean(id string) string {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return ""
		}
	}
	if len(id) > 255 {
		return ""
	}
	return id
}
