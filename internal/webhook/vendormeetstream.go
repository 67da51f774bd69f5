package webhook

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"lanyard"
)

type meetstreamMessage struct {
	Event      string            `json:"event"`
	BotEvent   string            `json:"bot_event,omitempty"`
	Bot        string            `json:"bot_id"`
	Status     string            `json:"bot_status"`
	Message    string            `json:"message"`
	StatusCode int               `json:"status_code"`
	Attributes map[string]string `json:"custom_attributes"`
	Timestamp  time.Time         `json:"timestamp"`
	Data       map[string]string `json:"data,omitzero"` // ours; not to a callback_url
}

// meetstreamBot is what MeetStream says of a bot; false: it has no word for that.
func meetstreamBot(ev lanyard.Event) (m meetstreamMessage, ok bool) {
	is, was := lanyard.BotState(ev.Data["state"]), lanyard.BotState(ev.Data["was"])
	if ev.Data["bot_id"] == "" || ev.Type != is.Event() {
		return m, false
	}
	switch is {
	case lanyard.BotScheduled:
		m.Event, m.Status, m.Message = "bot.scheduled", "Scheduled", "The bot is scheduled"
	case lanyard.BotJoining:
		m.Event, m.Status, m.Message = "bot.joining", "Joining", "The bot is joining the meeting"
	case lanyard.BotWaitingRoom:
		m.Event, m.Status, m.Message = "bot.in_waiting_room", "InWaitingRoom", "The bot waits to be let in"
	case lanyard.BotJoined:
		m.Event, m.Status, m.Message = "bot.inmeeting", "InMeeting", "The bot is in the meeting"
	case lanyard.BotLeft:
		m.Event, m.BotEvent, m.Status, m.Message = "bot.stopped", "bot.stopped", "Stopped", "The bot has left the meeting"
	case lanyard.BotCancelled:
		m.Event, m.BotEvent, m.Status, m.Message = "bot.stopped", "bot.stopped", "Stopped", "The bot was called off"
	case lanyard.BotFailed:
		m.Event, m.BotEvent, m.Status, m.Message = "bot.stopped", "bot.failed", "Error", "The bot could not join the meeting"
		if was == lanyard.BotWaitingRoom {
			m.BotEvent, m.Status = "bot.notallowed", "NotAllowed"
		}
		if code := lanyard.Code(ev.Data["reason"]); code != "" {
			m.Message = lanyard.RowOf(code).Happened
		}
	default: // it is ready, or waits for a person
		return m, false
	}
	return m, true
}

// meetstream builds a message in MeetStream's envelope: of a bot in its words, and of all
// else in ours. What goes to a bot's callback_url is not signed, as at MeetStream.
func (s *Service) meetstream(ctx context.Context, m *message, e lanyard.Endpoint, ev lanyard.Event, c lanyard.Connection, data map[string]string, at time.Time, secret lanyard.Secret) error {
	out, ok := meetstreamBot(ev)
	if !ok {
		out.Event, out.Message = string(ev.Type), data["user_message"]
	}
	if out.Attributes = c.Metadata; ev.Data["bot_id"] != "" {
		b, err := s.bot(ctx, ev)
		if err != nil {
			return err
		}
		out.Bot, out.Attributes = ev.Data["bot_id"], b.Metadata
	}
	if out.Attributes == nil {
		out.Attributes = map[string]string{}
	}
	if out.StatusCode, out.Timestamp = http.StatusOK, ev.At.UTC(); e.Bot == "" {
		out.Data = data
	}
	var err error
	if m.body, err = json.Marshal(out); err != nil || e.Bot != "" {
		return err
	}
	m.header.Set("X-MeetStream-Signature", "sha256="+hex.EncodeToString(sum(secret.Reveal(), m.body)))
	m.header.Set("X-MeetStream-Timestamp", at.UTC().Format(time.RFC3339))
	return nil
}
