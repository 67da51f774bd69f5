package meetstream

import (
	"context"
	"io"
	"net/http"
	"strings"

	"lanyard"
	"lanyard/internal/bot"
	"lanyard/internal/runner"
)

// relay serves a path of a bot that MeetStream runs by asking MeetStream, and passes its
// answer on as it is. Of a bot that it does not run there is nothing at such a path.
func (d *Dialect) relay(scope lanyard.Scope) http.HandlerFunc {
	return d.ask(scope, func(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
		v, err := d.Bots.Get(ctx, p.Also(lanyard.ScopeRead), r.PathValue("id"))
		if err != nil {
			return reply{}, err
		}
		if !theirs(v) {
			return reply{}, lanyard.Errorf(lanyard.CodeNotFound, "MeetStream does not run this bot, so it has nothing of it")
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return reply{}, lanyard.Errorf(lanyard.CodeBodyTooLarge, "the body did not arrive in full, or is larger than 1 MiB")
		}
		return d.onward(ctx, p, v, r, raw)
	})
}

// onward asks MeetStream the same of a bot that it runs.
func (d *Dialect) onward(ctx context.Context, p lanyard.Principal, v bot.View, r *http.Request, raw []byte) (reply, error) {
	below := r.Pattern[strings.Index(r.Pattern, "{id}")+len("{id}"):]
	a, err := d.Bots.Relay(ctx, p, string(v.ID), runner.Call{Method: r.Method, Path: below, Query: r.URL.Query(), Header: r.Header, Body: raw})
	if err != nil {
		return reply{}, err
	}
	return passed(a), nil
}
