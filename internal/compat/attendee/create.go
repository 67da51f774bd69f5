package attendee

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/bot"
	"lanyard/internal/compat"
	"lanyard/internal/jointoken"
)

// createBot makes a bot. Where Attendee runs it, the request goes on as it came but for
// where tokens come from, and Attendee's answer comes back as it is.
func (a *API) createBot(r *http.Request, p lanyard.Principal) (int, any, error) {
	f, raw, err := read(r, compat.MostOfBot)
	if err != nil {
		return 0, nil, err
	}
	if event := f.maybe("calendar_event_id"); event != "" { // calendars are not kept here
		return 0, nil, bad("Calendar event with id " + name(event) + " does not exist in this project.")
	}
	n := bot.New{Dialect: lanyard.DialectAttendee, Request: raw, MeetingURL: f.text("meeting_url"), Name: f.text("bot_name"),
		JoinAt: f.joinAt(), DedupKey: f.maybe("deduplication_key"), Metadata: f.metadata()}
	who, own := f.onBehalf(), f.tokensURL()
	n.GiveUpAfter = f.patience()
	hooks, known := f.webhooks()
	n.Hooks = hooks
	if err := f.wrongOnly(); err != nil {
		return 0, nil, err
	}
	if own && !strings.HasPrefix(f.inner("callback_settings").string("zoom_tokens_url"), "https://") {
		return 0, nil, &refusal{http.StatusBadRequest, said("zoom_tokens_url", "URL must start with https://")}
	}
	at, _, err := a.Meetings.Find("", n.MeetingURL, "")
	if err != nil && !errors.Is(err, lanyard.CodeInvalidMeetingLink) {
		return 0, nil, unmade(err)
	}
	if who != "" && (err != nil || at != zoom) {
		return 0, nil, bad("zoom_settings.onbehalf_token is for Zoom meetings, and meeting_url is no link to one that we can read.")
	}
	if err == nil && at == zoom {
		if none, err := a.without(r, p); err != nil {
			return 0, nil, err
		} else if none {
			return 0, nil, bad("Zoom App credentials are required to create a Zoom bot. Please add Zoom credentials at " + a.Front.PublicURL() + "/docs")
		}
		switch {
		case own: // then Attendee uses that, and nothing else
		case who != "":
			n.Candidates, n.Allow.Types = []bot.Who{{Account: who}}, []string{jointoken.OnBehalf}
		default: // a token for recording is the host's
			n.Candidates, n.Allow.Types = []bot.Who{{Host: true}}, []string{jointoken.LocalRecording}
		}
	}
	if !known { // Attendee may know more of them
		if run, ok, err := a.Runners.Pick(r.Context(), p, "", lanyard.DialectAttendee); err != nil {
			return 0, nil, err
		} else if !ok || run.Kind != lanyard.RunnerAttendee {
			return 0, nil, &refusal{http.StatusBadRequest, map[string][]string{"webhooks": {"Each of triggers is one of " + strings.Join(triggers, ", ")}}}
		}
	}
	v, err := a.Bots.Create(r.Context(), p, n)
	switch {
	case errors.Is(err, lanyard.NotFound) && who != "":
		if err := a.Front.Record(r, p, err); !errors.Is(err, lanyard.NotFound) {
			return 0, nil, err
		}
		return 0, nil, bad("Zoom user " + name(who) + " has no Zoom OAuth Connection in this project. Connect the user first.")
	case err != nil:
		return 0, nil, unmade(err)
	}
	if got, err := v.Passed(lanyard.RunnerAttendee); err != nil {
		return 0, nil, err
	} else if got != nil {
		return got.Status, passed(*got), nil
	}
	return http.StatusCreated, botOf(v), nil
}

// without says whether the project has no app at Zoom.
func (a *API) without(r *http.Request, p lanyard.Principal) (bool, error) {
	for page := (lanyard.Page{Limit: 200}); ; {
		apps, next, err := a.Apps.List(r.Context(), p, page)
		if err != nil {
			return false, err
		}
		for _, is := range apps {
			if is.Provider == zoom {
				return false, nil
			}
		}
		if page.Cursor = next; next == "" {
			return true, nil
		}
	}
}

// unmade says in Attendee's words why a bot is not as it was asked for: all that is the
// caller's to mend is a 400 there.
func unmade(err error) error {
	e, ok := errors.AsType[*lanyard.Error](err)
	if !ok {
		return err
	}
	switch {
	case e.Code == lanyard.CodeBotDuplicate:
		return bad("Deduplication key already in use. A bot in a non-terminal state with this deduplication key already exists. Please use a different deduplication key or wait for that bot to terminate.")
	case e.Kind() == lanyard.Invalid || e.Kind() == lanyard.Conflict || e.Kind() == lanyard.Reconnect || e.Kind() == lanyard.Gone:
		return bad(e.Error())
	}
	return err
}

// members are those of an object; nil where it is absent or null.
type members map[string]json.RawMessage

func (f *form) inner(field string) members {
	raw, ok := f.is(field)
	if !ok || null(raw) {
		return nil
	}
	var m members
	if json.Unmarshal(raw, &m) != nil {
		f.refuse(field, "Value must be an object.")
	}
	return m
}

func (m members) string(field string) (s string) {
	_ = json.Unmarshal(m[field], &s) // what is no string is none
	return s
}

// onBehalf is the Zoom user on whose behalf the bot joins.
func (f *form) onBehalf() string {
	raw, ok := f.inner("zoom_settings")["onbehalf_token"]
	if !ok || null(raw) {
		return ""
	}
	var m members
	if json.Unmarshal(raw, &m) != nil || m.string("zoom_oauth_connection_user_id") == "" {
		f.refuse("zoom_settings", "onbehalf_token.zoom_oauth_connection_user_id must be the id of a Zoom user.")
	}
	return m.string("zoom_oauth_connection_user_id")
}

// tokensURL says whether the customer has a token server of their own.
func (f *form) tokensURL() bool {
	raw, ok := f.inner("callback_settings")["zoom_tokens_url"]
	return ok && !null(raw)
}

// patience is how long the bot waits for a person; 0: not said.
func (f *form) patience() time.Duration {
	const field, of = "automatic_leave_settings", "authorized_user_not_in_meeting_timeout_seconds"
	raw, ok := f.inner(field)[of]
	if !ok || null(raw) {
		return 0
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 10 || n > 86400 {
		f.refuse(field, of+" must be a whole number from 10 to 86400.")
	}
	return time.Duration(n) * time.Second
}

// triggers are what Attendee's webhooks may be told of; here that is the first.
var triggers = []string{"bot.state_change", "transcript.update", "chat_messages.update", "participant_events.join_leave",
	"participant_events.speech_start_stop", "calendar.events_update", "calendar.state_change", "async_transcription.state_change",
	"zoom_oauth_connection.state_change", "bot_logs.update"}

// webhooks are the bot's own, which take the place of the project's; known says whether all
// their triggers are.
func (f *form) webhooks() (out []bot.Hook, known bool) {
	const field = "webhooks"
	raw, ok := f.is(field)
	if !ok || null(raw) {
		return nil, true
	}
	var hooks []struct {
		URL      string   `json:"url"`
		Triggers []string `json:"triggers"`
	}
	if json.Unmarshal(raw, &hooks) != nil {
		f.refuse(field, "Webhooks must be a list of objects with url and triggers.")
		return nil, true
	}
	seen := map[string]bool{}
	known = true
	for _, h := range hooks {
		switch {
		case !strings.HasPrefix(h.URL, "https://"):
			f.refuse(field, "webhook URL must start with https://")
		case seen[h.URL]:
			f.refuse(field, "URL already subscribed for this bot")
		}
		seen[h.URL] = true
		known = known && len(h.Triggers) > 0 && !slices.ContainsFunc(h.Triggers, func(t string) bool { return !slices.Contains(triggers, t) })
		out = append(out, bot.Hook{Field: field, URL: h.URL, Format: lanyard.FormatAttendee, Off: !slices.Contains(h.Triggers, triggers[0])})
	}
	if len(hooks) > 2 {
		f.refuse(field, "You have reached the maximum number of webhooks for a single bot")
	}
	return out, known
}

// time reads a time; zero where there is none.
func (f *form) time(field string) time.Time {
	raw, ok := f.is(field)
	if !ok || null(raw) {
		return time.Time{}
	}
	at, err := timeOf(string(bytes.Trim(bytes.TrimSpace(raw), `"`)))
	if err != nil {
		f.refuse(field, "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].")
	}
	return at
}

// joinAt is the bot's hour; zero: now.
func (f *form) joinAt() time.Time {
	at := f.time("join_at")
	if !at.IsZero() && at.Before(time.Now()) {
		f.refuse("join_at", "join_at cannot be in the past")
	}
	return at
}

// wrongOnly refuses what was wrong, and leaves alone what it does not know: Attendee has
// more settings of a bot than are of concern here.
func (f *form) wrongOnly() error {
	if len(f.wrong) == 0 {
		return nil
	}
	return &refusal{http.StatusBadRequest, f.wrong}
}
