package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

func bot(id, what string) string { return "/v1/bots/" + url.PathEscape(id) + what }

// CreateBot makes a bot.
func (c *Client) CreateBot(ctx context.Context, in wire.NewBot) (*wire.MadeBot, error) {
	return send[wire.MadeBot](c, ctx, http.MethodPost, "/v1/bots", in)
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
