package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"lanyard/wire"
)

func bot(id, what string) string { return "/v1/bots/" + url.PathEscape(id) + what }

// CreateBot makes a bot.
func (c *Client) CreateBot(ctx context.Context, in wire.NewBot) (*wire.MadeBot, error) {
	return create[wire.MadeBot](c, ctx, "/v1/bots", in)
}

// Bots narrows a list of bots; empty fields do not.
type Bots struct {
	State    string
	Metadata map[string]string // each of these members has this value
	DedupKey string
	Dialect  string
	Provider string
	From, To time.Time // of when it is to join: from the one, before the other
}

// ListBots lists bots, newest first, without their time lines.
func (c *Client) ListBots(ctx context.Context, which Bots, page Page) (*wire.List[wire.Bot], error) {
	q := page.query()
	for name, is := range map[string]string{"state": which.State, "deduplication_key": which.DedupKey, "dialect": which.Dialect, "provider": which.Provider} {
		if is != "" {
			q.Set(name, is)
		}
	}
	for name, is := range which.Metadata {
		q.Set("metadata["+name+"]", is)
	}
	for name, at := range map[string]time.Time{"from": which.From, "to": which.To} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return get[wire.List[wire.Bot]](c, ctx, "/v1/bots", q)
}

// UpdateBot changes a bot.
func (c *Client) UpdateBot(ctx context.Context, id string, in wire.BotChange) (*wire.Bot, error) {
	return send[wire.Bot](c, ctx, http.MethodPatch, bot(id, ""), in)
}

// DeleteBot deletes a bot that is over, or that has not begun.
func (c *Client) DeleteBot(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, bot(id, ""), nil, nil, nil)
}

// LeaveBot has a bot leave; one that is not in yet is called off.
func (c *Client) LeaveBot(ctx context.Context, id string) (*wire.Bot, error) {
	return send[wire.Bot](c, ctx, http.MethodPost, bot(id, "/leave"), nil)
}

// GetBot reads a bot and its time line.
func (c *Client) GetBot(ctx context.Context, id string) (*wire.Bot, error) {
	return get[wire.Bot](c, ctx, bot(id, ""), nil)
}

// CancelBot calls a bot off.
func (c *Client) CancelBot(ctx context.Context, id string) (*wire.Bot, error) {
	return send[wire.Bot](c, ctx, http.MethodPost, bot(id, "/cancel"), nil)
}

// CreateBotTokens mints what a bot joins with now.
func (c *Client) CreateBotTokens(ctx context.Context, id string, in wire.BotJoin) (*wire.BotTokens, error) {
	return send[wire.BotTokens](c, ctx, http.MethodPost, bot(id, "/join-tokens"), in)
}

// ReportBot says what came of it.
func (c *Client) ReportBot(ctx context.Context, id string, in wire.BotReport) (*wire.Bot, error) {
	return send[wire.Bot](c, ctx, http.MethodPost, bot(id, "/report"), in)
}
