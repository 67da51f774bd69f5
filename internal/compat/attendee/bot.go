package attendee

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/bot"
	"lanyard/internal/compat"
	"lanyard/internal/runner"
)

// theirs says whether Attendee runs a bot, with the customer's key.
func theirs(v bot.View) bool { return v.Kind == lanyard.RunnerAttendee && v.Ref != "" }

// further are the states that Attendee's clients may ask for and no bot of ours is in.
var further = []string{"ready", "joined_recording", "leaving", "post_processing", "data_deleted", "staged", "joined_recording_paused",
	"joining_breakout_room", "leaving_breakout_room", "joined_recording_permission_denied"}

type botObject struct {
	ID            string            `json:"id"`
	Metadata      map[string]string `json:"metadata"`
	MeetingURL    string            `json:"meeting_url"`
	State         string            `json:"state"`
	Events        []event           `json:"events"`
	Transcription string            `json:"transcription_state"`
	Recording     string            `json:"recording_state"`
	JoinAt        *stamp            `json:"join_at"`
	DedupKey      *string           `json:"deduplication_key"`
}

type event struct {
	Type      string   `json:"type"`
	SubType   *string  `json:"sub_type"`
	Metadata  struct{} `json:"metadata"`
	CreatedAt stamp    `json:"created_at"`
}

// botOf shows a bot with its time line. Whether it records is not known here.
func botOf(v bot.View) botObject {
	o := botObject{ID: string(v.ID), Metadata: v.Metadata, MeetingURL: v.Data.MeetingURL, State: lanyard.AttendeeBotState(v.State), Events: events(v.Steps),
		Transcription: "not_started", Recording: "not_started"}
	if theirs(v) {
		o.ID = v.Ref
	}
	if len(o.Metadata) == 0 {
		o.Metadata = nil
	}
	if v.JoinAt.After(v.CreatedAt.Add(time.Minute)) || v.State == lanyard.BotScheduled {
		at := stamp(v.JoinAt)
		o.JoinAt = &at
	}
	if v.DedupKey != "" {
		o.DedupKey = &v.DedupKey
	}
	return o
}

// events are a bot's time line as far as Attendee has words for it.
func events(steps []lanyard.BotStep) []event {
	out, in := []event{}, false
	for _, s := range steps {
		name, sub := lanyard.AttendeeBotEvent(s.State, s.Code, s.SDK, in)
		in = in || s.State == lanyard.BotJoined
		if name == "" || len(out) > 0 && out[len(out)-1].Type == name {
			continue
		}
		e := event{Type: name, CreatedAt: stamp(s.At)}
		if sub != "" {
			e.SubType = &sub
		}
		out = append(out, e)
	}
	return out
}

// listBots lists bots, the oldest first.
func (a *API) listBots(r *http.Request, p lanyard.Principal) (int, any, error) {
	page, err := pageOf(r, "bot_")
	if err != nil {
		return 0, nil, err
	}
	q := r.URL.Query()
	f := lanyard.BotFilter{DedupKey: q.Get("deduplication_key")}
	asked := q["states"]
	for _, state := range asked {
		of := statesOf(state)
		if len(of) == 0 && !slices.Contains(further, state) {
			return 0, nil, bad("Invalid state: " + name(state) + ". Valid states are: " + strings.Join(allStates(), ", "))
		}
		f.States = append(f.States, of...)
	}
	for field, to := range map[string]*time.Time{"join_at_after": &f.From, "join_at_before": &f.To} {
		if text := q.Get(field); text != "" {
			if *to, err = timeOf(text); err != nil {
				return 0, nil, bad("Invalid " + field + " format. Use ISO 8601 format (e.g., 2024-01-18T12:34:56Z)")
			}
		}
	}
	if !f.From.IsZero() {
		f.From = f.From.Add(time.Microsecond) // after it
	}
	l := list{Results: []botObject{}}
	if len(asked) > 0 && len(f.States) == 0 {
		return http.StatusOK, l, nil
	}
	store := page // which lists the newest first: back is forth here
	store.Back = !page.Back
	found, more, err := a.Bots.List(r.Context(), p, f, store)
	if err != nil {
		return 0, nil, err
	}
	slices.Reverse(found)
	if err := a.Bots.Lines(r.Context(), p, found); err != nil {
		return 0, nil, err
	}
	out, ids := []botObject{}, make([]string, len(found))
	for i, v := range found {
		ids[i] = string(v.ID)
		if link := q.Get("meeting_url"); link == "" || link == v.Data.MeetingURL {
			out = append(out, botOf(v))
		}
	}
	l.Results = out
	l.Next, l.Previous = a.links(r, page, ids, more)
	return http.StatusOK, l, nil
}

func statesOf(word string) (out []lanyard.BotState) {
	for _, s := range lanyard.BotStates {
		if lanyard.AttendeeBotState(s) == word {
			out = append(out, s)
		}
	}
	return out
}

func allStates() []string {
	out := slices.Clone(further)
	for _, s := range lanyard.BotStates {
		out = append(out, lanyard.AttendeeBotState(s))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// timeOf reads a time; without a zone it is UTC.
func timeOf(s string) (at time.Time, err error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04"} {
		if at, err = time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return at, err
}

// bot finds the bot that is named in the path.
func (a *API) bot(r *http.Request, p lanyard.Principal) (bot.View, error) {
	v, err := a.Bots.Get(r.Context(), p.Also(lanyard.ScopeRead), r.PathValue("id")) // who may change it may be told how it is
	if errors.Is(err, lanyard.NotFound) {
		if err = a.Front.Record(r, p, err); errors.Is(err, lanyard.NotFound) {
			err = &refusal{http.StatusNotFound, said("error", "Bot not found")}
		}
	}
	return v, err
}

func (a *API) getBot(r *http.Request, p lanyard.Principal) (int, any, error) {
	v, err := a.bot(r, p)
	if err != nil {
		return 0, nil, err
	}
	if theirs(v) {
		return a.onward(r, p, v, nil)
	}
	return http.StatusOK, botOf(v), nil
}

// patchBot changes a bot; where Attendee runs it, there first.
func (a *API) patchBot(r *http.Request, p lanyard.Principal) (int, any, error) {
	v, err := a.bot(r, p)
	if err != nil {
		return 0, nil, err
	}
	f, raw, err := read(r, compat.MostOfBot)
	if err != nil {
		return 0, nil, err
	}
	var ch bot.Change
	for field, to := range map[string]**string{"meeting_url": &ch.MeetingURL, "bot_name": &ch.Name} {
		if _, there := f.fields[field]; there {
			*to = new(f.text(field))
		}
	}
	if at := f.joinAt(); !at.IsZero() {
		ch.JoinAt = &at
	}
	ch.Metadata = f.metadata()
	if err := f.wrongOnly(); err != nil {
		return 0, nil, err
	}
	if (ch.JoinAt != nil || ch.MeetingURL != nil || ch.Name != nil) && v.State != lanyard.BotScheduled {
		return 0, nil, bad("Bot is in state " + lanyard.AttendeeBotState(v.State) + " but the join_at or meeting_url can only be updated when in the scheduled state")
	}
	if theirs(v) {
		status, body, err := a.onward(r, p, v, raw)
		if err != nil || status >= 300 {
			return status, body, err
		}
		ch.Told = true
		_, err = a.Bots.Update(r.Context(), p, string(v.ID), ch)
		return status, body, unmade(err)
	}
	v, err = a.Bots.Update(r.Context(), p, string(v.ID), ch)
	return http.StatusOK, botOf(v), unmade(err)
}

// deleteBot forgets a bot that has not begun.
func (a *API) deleteBot(r *http.Request, p lanyard.Principal) (int, any, error) {
	v, err := a.bot(r, p)
	if err != nil {
		return 0, nil, err
	}
	if v.State != lanyard.BotScheduled {
		return 0, nil, bad("Bot is in state " + lanyard.AttendeeBotState(v.State) + " but can only be deleted when in scheduled state")
	}
	if theirs(v) {
		v, err := a.Bots.Cancel(r.Context(), p, string(v.ID))
		if err != nil {
			return 0, nil, err
		}
		if v.Answer != nil && v.State != lanyard.BotCancelled { // refused
			return v.Answer.Status, passed(*v.Answer), nil
		}
	}
	return http.StatusOK, nil, a.Bots.Delete(r.Context(), p, string(v.ID))
}

// leave has a bot leave its meeting, or not enter it.
func (a *API) leave(r *http.Request, p lanyard.Principal) (int, any, error) {
	v, err := a.bot(r, p)
	switch {
	case err != nil:
		return 0, nil, err
	case theirs(v):
		return a.onward(r, p, v, nil)
	case v.State == lanyard.BotScheduled || v.State.Over():
		return 0, nil, bad("Bot is in state " + lanyard.AttendeeBotState(v.State) + " and cannot leave a meeting")
	}
	v, err = a.Bots.Leave(r.Context(), p, string(v.ID))
	return http.StatusOK, botOf(v), err
}

// relay serves what only Attendee knows of a bot that it runs.
func (a *API) relay(r *http.Request, p lanyard.Principal) (int, any, error) {
	v, err := a.bot(r, p)
	if err != nil {
		return 0, nil, err
	}
	if !theirs(v) {
		return 0, nil, lanyard.Errorf(lanyard.CodeNotFound, "Attendee does not run this bot, so it has nothing of it")
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, lanyard.Errorf(lanyard.CodeBodyTooLarge, "")
	}
	return a.onward(r, p, v, raw)
}

// onward asks Attendee the same of a bot that it runs, and passes the answer on as it is.
func (a *API) onward(r *http.Request, p lanyard.Principal, v bot.View, raw []byte) (int, any, error) {
	below := r.Pattern[strings.Index(r.Pattern, "{id}")+len("{id}"):]
	got, err := a.Bots.Relay(r.Context(), p, string(v.ID), runner.Call{Method: r.Method, Path: below, Query: r.URL.Query(), Header: r.Header, Body: raw})
	if err != nil {
		return 0, nil, err
	}
	return got.Status, passed(got), nil
}

// passed is an answer of Attendee's, which goes out as it came.
type passed runner.Answer
