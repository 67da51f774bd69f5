package runner

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lanyard"
)

// recall is Recall.ai; its regions differ in their host. Source: docs.recall.ai.
type recall struct{}

func (recall) base() string                        { return "https://us-east-1.recall.ai/api/v1" }
func (recall) authorize(h http.Header, key string) { token(h, key) }
func (recall) bot(ref string) string               { return "/bot/" + url.PathEscape(ref) + "/" }
func (recall) list() string                        { return "/bot/" }
func (r recall) status(ref string) string          { return r.bot(ref) }

// start: the token for local recording comes in addition to the one by which the bot joins.
func (recall) start(j Job, now time.Time) (call, error) {
	obf, zak := oneOf(j)
	body, err := j.body([]change{text("meeting_url", j.MeetingURL), text("bot_name", j.name()), text("join_at", j.later(now)),
		dict("metadata", j.Metadata)},
		[]change{{name: "zoom", within: []change{text("obf_token_url", obf), text("zak_url", zak),
			text("join_token_url", j.url("local_recording"))}}})
	return post("/bot/", body), err
}

func (recall) ref(answer []byte) string { return attendee{}.ref(answer) }

func (r recall) stop(ref string, joined bool) []call {
	leave := post(r.bot(ref)+"leave_call/", nil)
	if joined {
		return []call{leave}
	}
	return []call{{method: http.MethodDelete, path: r.bot(ref)}, leave}
}

var recallStates = map[string]lanyard.BotState{
	"ready": lanyard.BotReady, "joining_call": lanyard.BotJoining, "in_waiting_room": lanyard.BotWaitingRoom,
	"in_call_not_recording": lanyard.BotJoined, "recording_permission_allowed": lanyard.BotJoined,
	"recording_permission_denied": lanyard.BotJoined, "in_call_recording": lanyard.BotJoined,
	"recording_done": lanyard.BotLeft, "call_ended": lanyard.BotLeft, "done": lanyard.BotLeft, "analysis_done": lanyard.BotLeft,
	"analysis_failed": lanyard.BotLeft, "media_expired": lanyard.BotLeft, "fatal": lanyard.BotFailed,
}

// seen: of the changes the last that says something about the meeting counts; a bot that is
// out and was never in has failed, and a fatal one stays so, whatever follows.
func (recall) seen(answer []byte) (Seen, error) {
	var a struct {
		JoinAt        string `json:"join_at"`
		StatusChanges []struct {
			Code    string `json:"code"`
			SubCode string `json:"sub_code"`
		} `json:"status_changes"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return Seen{}, fmt.Errorf("read how the bot is: %w", err)
	}
	if len(a.StatusChanges) == 0 {
		return Seen{State: lanyard.BotScheduled, Raw: "no status yet"}, nil
	}
	var s Seen
	in := false
	for _, c := range a.StatusChanges {
		state, known := recallStates[c.Code]
		if !known || s.State == lanyard.BotFailed {
			continue
		}
		in = in || state == lanyard.BotJoined
		if state == lanyard.BotLeft && !in {
			state = lanyard.BotFailed
		}
		s = Seen{State: state, Raw: strings.TrimSuffix(c.Code+": "+c.SubCode, ": ")}
		s.SDK, s.Code = sdkCode(c.SubCode)
	}
	return s, nil
}
