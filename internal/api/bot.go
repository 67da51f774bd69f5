package api

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/bot"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountBots(f *web.Front) {
	op := func(method, path, id string, scope lanyard.Scope, summary, more string) web.Operation {
		return web.Operation{Method: method, Path: path, ID: id, Tag: "Bots", Scope: scope, Summary: summary, Description: more}
	}
	own := func(o web.Operation) web.Operation { o.ForBot = true; return o }
	made := op("POST", "/v1/bots", "createBot", lanyard.ScopeConnect, "Make a bot", "Scheduled for its hour, or ready at once.")
	made.Status, made.Creates = 201, true
	web.JSON(f, made, a.createBot)
	web.JSON(f, op("GET", "/v1/bots", "listBots", lanyard.ScopeRead, "List bots", "Newest first, without their time lines."), a.listBots)
	web.JSON(f, own(op("GET", "/v1/bots/{id}", "getBot", lanyard.ScopeRead, "Read a bot and its time line", "")), a.getBot)
	web.JSON(f, op("PATCH", "/v1/bots/{id}", "updateBot", lanyard.ScopeConnect, "Change a bot", "Its hour, meeting and name while it is scheduled; its metadata at any time."), a.updateBot)
	web.JSON(f, op("DELETE", "/v1/bots/{id}", "deleteBot", lanyard.ScopeConnect, "Delete a bot", "One that is over, or that has not begun."), a.deleteBot)
	web.JSON(f, op("POST", "/v1/bots/{id}/cancel", "cancelBot", lanyard.ScopeConnect, "Call a bot off", "One that is not in its meeting."), a.cancelBot)
	web.JSON(f, op("POST", "/v1/bots/{id}/leave", "leaveBot", lanyard.ScopeConnect, "Have a bot leave", "One that is not in yet is called off."), a.leaveBot)
	web.JSON(f, own(op("POST", "/v1/bots/{id}/join-tokens", "createBotTokens", web.Known, "Mint what a bot joins with now",
		"On behalf of the first who can be used. Not earlier than two minutes before its hour; while the person is not in the meeting once in 30 seconds. The key needs the scope of each type.")), a.botTokens)
	web.JSON(f, own(op("POST", "/v1/bots/{id}/report", "reportBot", web.Known, "Say what came of it", "A state, a code of the Meeting SDK, or both. With connect, a join scope, or the bot's own key.")), a.reportBot)
}

type createBot struct{ Body wire.NewBot }

func (a *API) createBot(ctx context.Context, p lanyard.Principal, in *createBot) (*wire.MadeBot, error) {
	b := in.Body
	n := bot.New{Runner: b.Runner, MeetingURL: b.MeetingURL, Name: b.Name, JoinAt: orZero(b.JoinAt), Metadata: b.Metadata, DedupKey: b.DedupKey,
		GiveUpAfter: time.Duration(b.GiveUpAfter) * time.Second, Key: b.Key, Look: true, Trial: b.Trial, Candidates: whoOf(b.Candidates),
		Allow: lanyard.BotAllow{Types: b.Allow.Types, Scopes: b.Allow.Scopes, Proxy: rulesFrom(b.Allow.Proxy)}}
	v, err := a.Bots.Create(ctx, p, n)
	if err == nil {
		_, err = v.Passed("")
	}
	if err != nil {
		return nil, err
	}
	out := &wire.MadeBot{Bot: *botOf(v), Credential: string(v.Key.Reveal())}
	if v.Preflight != nil {
		out.Preflight = preflightOf(*v.Preflight)
	}
	return out, nil
}

type listBots struct {
	Page
	State    string            `query:"state" enum:"scheduled,ready,joining,waiting_for_person,waiting_room,joined,left,failed,cancelled"`
	Metadata map[string]string `query:"metadata,deepObject" doc:"metadata[order]=17: this member has this value; repeat it for more"`
	DedupKey string            `query:"deduplication_key" maxLength:"255"`
	Dialect  string            `query:"dialect" enum:"attendee,meetstream" doc:"In which vendor's words it was asked for"`
	Provider string            `query:"provider" maxLength:"64"`
	From     time.Time         `query:"from" doc:"It is to join then, or later"`
	To       time.Time         `query:"to" doc:"It is to join before"`
}

func (a *API) listBots(ctx context.Context, p lanyard.Principal, in *listBots) (*wire.List[wire.Bot], error) {
	f := lanyard.BotFilter{Metadata: in.Metadata, DedupKey: in.DedupKey, Dialect: lanyard.Dialect(in.Dialect), Provider: in.Provider, From: in.From, To: in.To}
	if in.State != "" {
		f.States = []lanyard.BotState{lanyard.BotState(in.State)}
	}
	list, next, err := a.Bots.List(ctx, p, f, in.page())
	out := &wire.List[wire.Bot]{Data: []wire.Bot{}, NextCursor: next}
	for _, v := range list {
		out.Data = append(out.Data, *botOf(v))
	}
	return out, err
}

type botID struct {
	ID string `path:"id"`
}

func (a *API) getBot(ctx context.Context, p lanyard.Principal, in *botID) (*wire.Bot, error) {
	return oneBot(a.Bots.Get(ctx, p, in.ID))
}

type updateBot struct {
	ID   string `path:"id"`
	Body wire.BotChange
}

func (a *API) updateBot(ctx context.Context, p lanyard.Principal, in *updateBot) (*wire.Bot, error) {
	b := in.Body
	return oneBot(a.Bots.Update(ctx, p, in.ID, bot.Change{JoinAt: b.JoinAt, MeetingURL: b.MeetingURL, Name: b.Name, Metadata: b.Metadata}))
}

func (a *API) deleteBot(ctx context.Context, p lanyard.Principal, in *botID) (*web.None, error) {
	return nil, a.Bots.Delete(ctx, p, in.ID)
}

func (a *API) cancelBot(ctx context.Context, p lanyard.Principal, in *botID) (*wire.Bot, error) {
	return oneBot(a.Bots.Cancel(ctx, p, in.ID))
}

func (a *API) leaveBot(ctx context.Context, p lanyard.Principal, in *botID) (*wire.Bot, error) {
	return oneBot(a.Bots.Leave(ctx, p, in.ID))
}

type botTokens struct {
	ID   string `path:"id"`
	Body wire.BotJoin
}

func (a *API) botTokens(ctx context.Context, p lanyard.Principal, in *botTokens) (*wire.BotTokens, error) {
	first, err := a.Bots.JoinTokens(ctx, p, in.ID, bot.Join{Types: in.Body.Types})
	if err != nil {
		return nil, err
	}
	return &wire.BotTokens{JoinTokens: *firstOf(first), ConnectionID: string(first.Used.ID)}, nil
}

type reportBot struct {
	ID   string `path:"id"`
	Body wire.BotReport
}

func (a *API) reportBot(ctx context.Context, p lanyard.Principal, in *reportBot) (*wire.Bot, error) {
	b := in.Body
	return oneBot(a.Bots.Report(ctx, p, in.ID, bot.Report{State: lanyard.BotState(b.State), SDK: b.SDK, Code: b.Code, Connection: lanyard.ConnectionID(b.ConnectionID)}))
}

func oneBot(v bot.View, err error) (*wire.Bot, error) {
	if err == nil {
		_, err = v.Passed("")
	}
	if err != nil {
		return nil, err
	}
	return botOf(v), nil
}

// inWords is a code in a sentence, with the next step; "" for none.
func inWords(c lanyard.Code) string {
	if c == "" {
		return ""
	}
	row := lanyard.RowOf(c)
	return row.Happened + " " + row.Do
}

func botOf(v bot.View) *wire.Bot {
	out := &wire.Bot{ID: string(v.ID), State: string(v.State), Reason: string(v.Reason), Message: inWords(v.Reason), Provider: v.Provider, MeetingURL: v.Data.MeetingURL,
		Name: v.Data.Name, JoinAt: v.JoinAt.UTC(), GiveUpAt: optional(v.GiveUpAt), Runner: string(v.Runner), RunnerRef: v.Ref, Dialect: string(v.Dialect),
		Candidates: []wire.BotCandidate{}, Allow: wire.BotAllow{Types: v.Allow.Types, Scopes: v.Allow.Scopes, Proxy: rulesTo(v.Allow.Proxy)},
		Metadata: v.Metadata, DedupKey: v.DedupKey, Used: string(v.Used), CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(), EndedAt: optional(v.EndedAt)}
	for _, c := range v.Candidates {
		out.Candidates = append(out.Candidates, wire.BotCandidate{ConnectionID: string(c.Connection), PersonID: string(c.Person), Label: c.Label, Host: c.Host})
	}
	for _, t := range v.Tries {
		out.Tries = append(out.Tries, wire.BotTry{ConnectionID: string(t.Connection), At: t.At.UTC(), Code: string(t.Code), Message: inWords(t.Code)})
	}
	for _, s := range v.Steps {
		step := wire.BotStep{At: s.At.UTC(), State: string(s.State), ConnectionID: string(s.Connection), Code: string(s.Code), SDK: s.SDK, By: s.By}
		if f, ok := lanyard.JoinCode("", s.SDK); ok {
			step.Explained = f.Say + " " + f.Do()
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}
