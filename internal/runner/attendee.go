package runner

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"lanyard"
)

// attendee is Attendee, hosted or one's own. Source: its API reference, docs.attendee.dev.
type attendee struct{}

func (attendee) base() string                        { return "https://app.attendee.dev/api/v1" }
func (attendee) authorize(h http.Header, key string) { token(h, key) }
func (attendee) bot(ref string) string               { return "/bots/" + url.PathEscape(ref) }
func (attendee) list() string                        { return "/bots" }
func (a attendee) status(ref string) string          { return a.bot(ref) }

// start: with a zoom_tokens_url Attendee asks only there, for all tokens at once, so what
// names a connection of its own goes.
func (attendee) start(j Job, now time.Time) (call, error) {
	key := j.DedupKey
	if key == "" {
		key = string(j.Bot) // asked twice, Attendee makes one bot
	}
	body, err := j.body([]change{text("meeting_url", j.MeetingURL), text("bot_name", j.name()), text("join_at", j.later(now)),
		dict("metadata", j.Metadata), text("deduplication_key", j.once(key))},
		[]change{
			{name: "zoom_settings", within: []change{{name: "onbehalf_token"}}},
			{name: "callback_settings", within: []change{text("zoom_tokens_url", j.url("attendee"))}},
		})
	return post("/bots", body), err
}

func (attendee) ref(answer []byte) string {
	var a struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(answer, &a)
	return a.ID
}

func (a attendee) stop(ref string, joined bool) []call {
	leave := post(a.bot(ref)+"/leave", []byte("{}"))
	if joined {
		return []call{leave}
	}
	return []call{{method: http.MethodDelete, path: a.bot(ref)}, leave} // what is scheduled can be deleted, and nothing else
}

var attendeeStates = map[string]lanyard.BotState{
	"scheduled": lanyard.BotScheduled, "staged": lanyard.BotScheduled, "ready": lanyard.BotReady, "joining": lanyard.BotJoining,
	"waiting_room": lanyard.BotWaitingRoom, "joined_not_recording": lanyard.BotJoined, "joined_recording": lanyard.BotJoined,
	"joined_recording_paused": lanyard.BotJoined, "joined_recording_permission_denied": lanyard.BotJoined,
	"joining_breakout_room": lanyard.BotJoined, "leaving_breakout_room": lanyard.BotJoined, "leaving": lanyard.BotJoined,
	"post_processing": lanyard.BotLeft, "ended": lanyard.BotLeft, "data_deleted": lanyard.BotLeft, "fatal_error": lanyard.BotFailed,
}

func (attendee) seen(answer []byte) (Seen, error) {
	var a struct {
		State  string `json:"state"`
		Events []struct {
			Type    string `json:"type"`
			SubType string `json:"sub_type"`
		} `json:"events"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return Seen{}, fmt.Errorf("read how the bot is: %w", err)
	}
	s := Seen{State: attendeeStates[a.State], Raw: a.State}
	for _, e := range a.Events {
		if e.Type != "could_not_join_meeting" && e.Type != "could_not_join" && e.Type != "fatal_error" {
			continue
		}
		s.Raw = e.SubType
		s.SDK, s.Code = sdkCode(e.SubType)
		if s.State == lanyard.BotLeft { // it is over, and it was never in
			s.State = lanyard.BotFailed
		}
	}
	return s, nil
}
