package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"lanyard"
)

type meetstreamBotMessage struct {
	Event      string            `json:"event"`
	BotEvent   string            `json:"bot_event,omitempty"`
	Bot        string            `json:"bot_id"`
	Status     string            `json:"bot_status"`
	Message    string            `json:"message"`
	StatusCode int               `json:"status_code"`
	Attributes map[string]string `json:"custom_attributes"`
	Timestamp  time.Time         `json:"timestamp"`
}

// meetstreamBot is what MeetStream tells a bot's callback_url of an event; false: nothing.
func meetstreamBot(ev lanyard.Event) (m meetstreamBotMessage, ok bool) {
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
	default: // it is ready, or waits for a person: MeetStream has no word for it
		return m, false
	}
	m.Bot, m.StatusCode, m.Timestamp = ev.Data["bot_id"], http.StatusOK, ev.At.UTC()
	return m, true
}

// meetstreamBot builds a message to a bot's callback_url, which MeetStream does not sign.
func (s *Service) meetstreamBot(ctx context.Context, m *message, ev lanyard.Event) error {
	out, _ := meetstreamBot(ev)
	b, err := s.bot(ctx, ev)
	if err != nil {
		return err
	}
	if out.Attributes = b.Metadata; out.Attributes == nil {
		out.Attributes = map[string]string{}
	}
	m.body, err = json.Marshal(out)
	return err
}
