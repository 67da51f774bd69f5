package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"lanyard"
	"lanyard/internal/egress"
	"lanyard/internal/webhook"
)

// message is a call to a webhook, by Standard Webhooks.
type message struct {
	id   string // the same on every try: a bot is told of once
	Type string `json:"type"` // bot.join, bot.leave, runner.test
	Data any    `json:"data"`
}

// toJoin is what a webhook is told of a bot that is to join.
type toJoin struct {
	Bot           lanyard.BotID     `json:"bot_id"`
	MeetingURL    string            `json:"meeting_url"`
	Name          string            `json:"name"`
	JoinAt        *time.Time        `json:"join_at,omitempty"`
	Metadata      map[string]string `json:"metadata"`
	DedupKey      string            `json:"deduplication_key,omitempty"`
	Types         []string          `json:"join_token_types"`
	JoinTokensURL string            `json:"join_tokens_url"`      // asked with an API key
	TokenURLs     map[string]string `json:"token_urls,omitempty"` // by type; asked with nothing
}

type toLeave struct {
	Ref    string `json:"ref"` // what the runner calls the bot, or our id where it never said
	Joined bool   `json:"joined"`
}

func (j Job) message(publicURL string) message {
	d := toJoin{Bot: j.Bot, MeetingURL: j.MeetingURL, Name: j.name(), Metadata: j.Metadata, DedupKey: j.DedupKey, Types: j.Types,
		JoinTokensURL: publicURL + "/v1/bots/" + string(j.Bot) + "/join-tokens"}
	if d.Metadata == nil {
		d.Metadata = map[string]string{}
	}
	if d.Types == nil {
		d.Types = []string{}
	}
	if !j.JoinAt.IsZero() {
		d.JoinAt = new(j.JoinAt.UTC())
	}
	for name := range j.TokenURLs {
		if d.TokenURLs == nil {
			d.TokenURLs = map[string]string{}
		}
		d.TokenURLs[name] = j.url(name)
	}
	return message{string(j.Bot) + ".join", "bot.join", d}
}

func leaveMessage(ref string, joined bool) message {
	return message{ref + ".leave", "bot.leave", toLeave{ref, joined}}
}

func testMessage() message {
	return message{lanyard.NewID[string]("msg_"), "runner.test", struct{}{}}
}

const tellFor = 8 * time.Second

// tellWaits are the times between the tries of one call. Whoever starts a bot waits for
// them, so they are short; the message has the same id whenever it comes again.
var tellWaits = []time.Duration{time.Second, 4 * time.Second}

// tell calls a webhook until it takes the message or says that it does not want it.
func (s *Service) tell(ctx context.Context, r lanyard.Runner, m message) (a Answer, err error) {
	secret, err := s.key(ctx, r)
	if err != nil {
		return a, err
	}
	body, err := json.Marshal(struct {
		message
		Timestamp time.Time `json:"timestamp"`
	}{m, s.Store.Clock().UTC()})
	if err != nil {
		return a, fmt.Errorf("make the message: %w", err)
	}
	for try := 0; ; try++ {
		h := http.Header{"Content-Type": {"application/json"}}
		webhook.Sign(h, m.id, s.Store.Clock(), body, secret)
		a, err = s.send(ctx, tellFor, egress.Request{Method: http.MethodPost, URL: r.URL, Header: h, Body: body})
		if err == nil && a.OK() {
			a.Ref = refOf(a.Body)
			return a, nil
		}
		if err == nil && !passing(a.Status) || try == len(tellWaits) {
			return a, err
		}
		if err := s.wait(ctx, tellWaits[try]); err != nil {
			return a, err
		}
	}
}

// passing says whether a refusal is one that may pass.
func passing(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusTooEarly
}

func (s *Service) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(time.Duration(float64(d) / s.Pace))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// refOf is what a webhook calls the bot, if it says so.
func refOf(answer []byte) string {
	var a struct {
		Ref string `json:"ref"`
	}
	_ = json.Unmarshal(answer, &a)
	return plainRef(a.Ref)
}
