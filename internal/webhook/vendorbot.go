package webhook

import (
	"context"
	"encoding/base64"
	"errors"

	"lanyard"
	"lanyard/internal/store"
)

type attendeeBotMessage struct {
	IdempotencyKey string            `json:"idempotency_key"`
	Bot            string            `json:"bot_id"`
	Metadata       map[string]string `json:"bot_metadata"`
	Trigger        string            `json:"trigger"`
	Data           attendeeBotData   `json:"data"`
}

type attendeeBotData struct {
	New       string   `json:"new_state"`
	Old       string   `json:"old_state"`
	CreatedAt string   `json:"created_at"`
	Type      string   `json:"event_type"`
	SubType   *string  `json:"event_sub_type"`
	Metadata  struct{} `json:"event_metadata"`
}

// attendeeBot says whether an event is one that Attendee tells of a bot: its state is
// another in Attendee's words, too.
func attendeeBot(ev lanyard.Event) (is, was lanyard.BotState, ok bool) {
	is, was = lanyard.BotState(ev.Data["state"]), lanyard.BotState(ev.Data["was"])
	name, _ := lanyard.AttendeeBotEvent(is, "", "", false)
	return is, was, ev.Data["bot_id"] != "" && ev.Type == is.Event() && name != "" && lanyard.AttendeeBotState(is) != lanyard.AttendeeBotState(was)
}

// attendeeBot builds a message of a bot as Attendee sends it.
func (s *Service) attendeeBot(ctx context.Context, m *message, ev lanyard.Event, d lanyard.Delivery, secret lanyard.Secret) error {
	is, was, _ := attendeeBot(ev)
	b, err := s.bot(ctx, ev)
	if err != nil {
		return err
	}
	out := attendeeBotMessage{IdempotencyKey: uuidOf(string(d.Endpoint) + "." + string(ev.ID)), Bot: ev.Data["bot_id"], Trigger: "bot.state_change",
		Data: attendeeBotData{New: lanyard.AttendeeBotState(is), Old: lanyard.AttendeeBotState(was), CreatedAt: micros(ev.At) + "Z"}}
	if len(b.Metadata) > 0 {
		out.Metadata = b.Metadata
	}
	if out.Data.Old == "" { // new
		out.Data.Old = "ready"
	}
	name, sub := lanyard.AttendeeBotEvent(is, lanyard.Code(ev.Data["reason"]), ev.Data["sdk_code"], was == lanyard.BotJoined)
	if out.Data.Type = name; sub != "" {
		out.Data.SubType = &sub
	}
	if m.body, err = canonical(out); err != nil {
		return err
	}
	m.header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(sum(secret.Reveal()[:hmacKey], m.body)))
	return nil
}

// bot is the one that an event is about; the zero Bot where it is gone: what happened to it
// is told all the same.
func (s *Service) bot(ctx context.Context, ev lanyard.Event) (b lanyard.Bot, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if b, err = q.Bot(ev.Project, lanyard.BotID(ev.Data["bot_id"])); errors.Is(err, lanyard.NotFound) {
			err = nil
		}
		return err
	})
	return b, err
}
