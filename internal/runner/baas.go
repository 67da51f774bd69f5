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

// baas is Meeting BaaS, version 2. Source: docs.meetingbaas.com.
type baas struct{}

func (baas) base() string                        { return "https://api.meetingbaas.com/v2" }
func (baas) authorize(h http.Header, key string) { h.Set("X-Meeting-Baas-Api-Key", key) }
func (baas) bot(ref string) string               { return "/bots/" + url.PathEscape(ref) }
func (baas) list() string                        { return "/bots?limit=1" }
func (b baas) status(ref string) string          { return b.bot(ref) + "/status" }

// start: a credential_id stays, because it also says under whose app's name the bot is
// shown, and a token URL goes before it.
func (baas) start(j Job, now time.Time) (call, error) {
	obf, zak := oneOf(j)
	later := j.later(now)
	body, err := j.body([]change{text("meeting_url", j.MeetingURL), text("bot_name", j.name()), text("join_at", later), dict("extra", j.Metadata)},
		[]change{{name: "zoom_config", within: []change{{name: "obf_token"}, {name: "credential_user_id"},
			text("obf_token_url", obf), text("zak_token_url", zak)}}})
	path := "/bots"
	if later != "" || j.Request != nil && asksForLater(j.Request) {
		path = "/bots/scheduled"
	}
	return post(path, body), err
}

func asksForLater(request []byte) bool {
	var r struct {
		JoinAt string `json:"join_at"`
	}
	return json.Unmarshal(request, &r) == nil && r.JoinAt != ""
}

func (baas) ref(answer []byte) string {
	var a struct {
		BotID string `json:"bot_id"`
		Data  struct {
			BotID string `json:"bot_id"`
		} `json:"data"`
	}
	_ = json.Unmarshal(answer, &a)
	if a.BotID != "" {
		return a.BotID
	}
	return a.Data.BotID
}

func (b baas) stop(ref string, joined bool) []call {
	leave := post(b.bot(ref)+"/leave", nil)
	if joined {
		return []call{leave}
	}
	return []call{{method: http.MethodDelete, path: "/bots/scheduled/" + url.PathEscape(ref)}, leave}
}

var baasStates = map[string]lanyard.BotState{
	"scheduled": lanyard.BotScheduled, "queued": lanyard.BotReady, "joining": lanyard.BotJoining, "joining_call": lanyard.BotJoining,
	"in_waiting_room": lanyard.BotWaitingRoom, "in_call_not_recording": lanyard.BotJoined, "in_call_recording": lanyard.BotJoined,
	"recording_paused": lanyard.BotJoined, "recording_resumed": lanyard.BotJoined, "call_ended": lanyard.BotLeft,
	"transcribing": lanyard.BotLeft, "completed": lanyard.BotLeft, "cancelled": lanyard.BotCancelled,
	"failed": lanyard.BotFailed, "bot_rejected": lanyard.BotFailed, "bot_removed": lanyard.BotLeft,
	"bot_removed_too_early": lanyard.BotLeft, "waiting_room_timeout": lanyard.BotFailed,
	"invalid_meeting_url": lanyard.BotFailed, "meeting_error": lanyard.BotFailed,
}

func (baas) seen(answer []byte) (Seen, error) {
	var a struct {
		Data struct {
			Status    string `json:"status"`
			ErrorCode string `json:"error_code"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return Seen{}, fmt.Errorf("read how the bot is: %w", err)
	}
	s := Seen{State: baasStates[a.Data.Status], Raw: strings.TrimSuffix(a.Data.Status+": "+a.Data.ErrorCode, ": ")}
	s.SDK, s.Code = sdkCode(a.Data.ErrorCode)
	return s, nil
}

// baasV1 is version 1, for a runner whose URL does not end in /v2. It has no address that
// says how a bot is before it is over, so nothing is asked.
type baasV1 struct{ baas }

func (baasV1) start(j Job, now time.Time) (call, error) {
	obf, _ := oneOf(j)
	made := []change{text("meeting_url", j.MeetingURL), text("bot_name", j.name()), {name: "reserved", to: false},
		dict("extra", j.Metadata), text("deduplication_key", j.once(j.DedupKey))}
	if j.later(now) != "" {
		made = append(made, change{name: "start_time", to: j.JoinAt.UnixMilli()})
	}
	body, err := j.body(made, []change{{name: "zoom_obf_token"}, {name: "zoom_obf_token_user_id"}, text("zoom_obf_token_url", obf)})
	return post("/bots", body), err
}

func (baasV1) list() string         { return "/bots/bots_with_metadata?limit=1" }
func (baasV1) status(string) string { return "" }

func (b baasV1) stop(ref string, _ bool) []call {
	return []call{{method: http.MethodDelete, path: b.bot(ref)}}
}
