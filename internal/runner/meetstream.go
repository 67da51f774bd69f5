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

// meetstream is MeetStream. Source: its API reference, docs.meetstream.ai.
type meetstream struct{}

func (meetstream) base() string                        { return "https://api.meetstream.ai/api/v1" }
func (meetstream) authorize(h http.Header, key string) { token(h, key) }
func (meetstream) bot(ref string) string               { return "/bots/" + url.PathEscape(ref) }
func (meetstream) list() string                        { return "/bots" }
func (m meetstream) status(ref string) string          { return m.bot(ref) + "/status" }

// start: zoom.obf_url and zoom.zak_url exclude each other, and neither may come with the
// members of MeetStream's hosted OAuth. Asked twice with one Idempotency-Key, MeetStream
// says 507 and makes no second bot.
func (meetstream) start(j Job, now time.Time) (call, error) {
	obf, zak := oneOf(j)
	key := j.DedupKey
	if key == "" {
		key = string(j.Bot)
	}
	body, err := j.body([]change{text("meeting_link", j.MeetingURL), text("bot_name", j.name()), text("join_at", j.later(now)),
		dict("custom_attributes", j.Metadata), text("deduplication_key", j.once(key))},
		[]change{{name: "zoom", within: []change{{name: "use_zoom_obf"}, {name: "zoom_oauth_connection_user_id"},
			text("obf_url", obf), text("zak_url", zak)}}})
	c := post("/bots/create_bot", body)
	c.header.Set("Idempotency-Key", j.once(string(j.Bot)))
	return c, err
}

func (meetstream) ref(answer []byte) string {
	var a struct {
		BotID string `json:"bot_id"`
	}
	_ = json.Unmarshal(answer, &a)
	return a.BotID
}

func (m meetstream) stop(ref string, _ bool) []call {
	return []call{{method: http.MethodGet, path: m.bot(ref) + "/remove_bot"}}
}

var meetstreamStates = map[string]lanyard.BotState{
	"active": lanyard.BotReady, "scheduled": lanyard.BotScheduled, "joining": lanyard.BotJoining, "inwaitingroom": lanyard.BotWaitingRoom,
	"waitingroom": lanyard.BotWaitingRoom, "inmeeting": lanyard.BotJoined, "recording": lanyard.BotJoined, "leaving": lanyard.BotJoined,
	"stopped": lanyard.BotLeft, "kicked": lanyard.BotLeft, "done": lanyard.BotLeft, "completed": lanyard.BotLeft,
	"notallowed": lanyard.BotFailed, "denied": lanyard.BotFailed, "error": lanyard.BotFailed, "failed": lanyard.BotFailed,
}

func (meetstream) seen(answer []byte) (Seen, error) {
	var a struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return Seen{}, fmt.Errorf("read how the bot is: %w", err)
	}
	word := strings.NewReplacer("_", "", " ", "", "-", "", "bot.", "").Replace(strings.ToLower(a.Status)) // as a status and as an event it is spelled differently
	return Seen{State: meetstreamStates[word], Raw: a.Status}, nil
}
