package api

import (
	"context"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
	"lanyard/internal/jointoken"
	"lanyard/internal/provider"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountTokens(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/connections/{id}/token", ID: "getToken", Tag: "Tokens", Scope: lanyard.ScopeToken, ForBot: true,
		Summary:     "Read the access token",
		Description: "Renewed first if it would not live long enough. A token that still lives is handed out even when renewing fails, with a warning. With a bot's own key: of a connection among the bot's candidates, from two minutes before its hour until it is over, and only if it carries no scope that is not in allow.scopes."}, a.getToken)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/tokens", ID: "getTokenFor", Tag: "Tokens", Scope: lanyard.ScopeToken,
		Summary:     "Read an access token by end user",
		Description: "Where nothing is connected yet, the answer is 409 with a connect_url to show (if the key may invite); where several connections fit, 409 with the choices."}, a.getTokenFor)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/connections/{id}/token/report", ID: "reportToken", Tag: "Tokens", Scope: lanyard.ScopeToken,
		Summary: "Say that the provider refused a token", Description: "It is renewed once if it is still the current one."}, a.reportToken)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/connections/{id}/refresh", ID: "refreshConnection", Tag: "Tokens", Scope: lanyard.ScopeToken,
		Summary: "Renew now", Description: "If the fingerprint is that of the current token, and not twice within 30 seconds."}, a.refresh)
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/join-tokens", ID: "createJoinTokens", Tag: "Tokens", Scope: web.Known,
		Summary:     "Mint what a meeting needs",
		Description: "Zoom's on-behalf, ZAK and local-recording tokens, minted per call and not stored. The key needs join:onbehalf, join:zak or join:recording, one for each type. The answer carries the SDK's parameter names."}, a.joinTokens)
}

type getToken struct {
	ID   string `path:"id"`
	Body wire.TokenRequest
}

func (a *API) getToken(ctx context.Context, p lanyard.Principal, in *getToken) (*wire.Token, error) {
	read := a.Connections.Token
	if p.Bot != "" {
		read = a.Bots.Token
	}
	t, err := read(ctx, p, lanyard.ConnectionID(in.ID), connection.TokenRequest{MinTTL: time.Duration(in.Body.MinTTLSeconds) * time.Second, Scopes: in.Body.Scopes})
	return tokenOf(t), err
}

type getTokenFor struct{ Body wire.TokenFor }

func (a *API) getTokenFor(ctx context.Context, p lanyard.Principal, in *getTokenFor) (*wire.Token, error) {
	b := in.Body
	t, err := a.Flow.TokenFor(ctx, p, flow.TokenFor{EndUser: b.EndUserID, Provider: b.Provider, App: lanyard.AppID(b.AppID), Label: b.Label, ReturnURL: b.ReturnURL,
		Request: connection.TokenRequest{MinTTL: time.Duration(b.MinTTLSeconds) * time.Second, Scopes: b.Scopes}})
	return tokenOf(t), err
}

type reportToken struct {
	ID   string `path:"id"`
	Body wire.TokenReport
}

func (a *API) reportToken(ctx context.Context, p lanyard.Principal, in *reportToken) (*wire.Renewed, error) {
	ok, err := a.Connections.Report(ctx, p, lanyard.ConnectionID(in.ID), in.Body.Fingerprint, in.Body.Status)
	return &wire.Renewed{Renewed: ok}, err
}

type refresh struct {
	ID   string `path:"id"`
	Body wire.ForcedRefresh
}

func (a *API) refresh(ctx context.Context, p lanyard.Principal, in *refresh) (*wire.Renewed, error) {
	ok, err := a.Connections.Refresh(ctx, p, lanyard.ConnectionID(in.ID), in.Body.Fingerprint)
	return &wire.Renewed{Renewed: ok}, err
}

type joinTokens struct{ Body wire.JoinTokenRequest }

func (a *API) joinTokens(ctx context.Context, p lanyard.Principal, in *joinTokens) (*wire.JoinTokens, error) {
	b := in.Body
	if len(b.Candidates) > 0 {
		return a.firstTokens(ctx, p, b)
	}
	m, err := a.JoinTokens.Mint(ctx, p, jointoken.Request{Connection: lanyard.ConnectionID(b.ConnectionID), MeetingURL: b.MeetingURL, MeetingNumber: b.MeetingNumber, Types: b.Types})
	if err != nil {
		return nil, err
	}
	return joinTokensOf(m), nil
}

// firstTokens mints on behalf of the first of several who can be used.
func (a *API) firstTokens(ctx context.Context, p lanyard.Principal, b wire.JoinTokenRequest) (*wire.JoinTokens, error) {
	if b.ConnectionID != "" {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "connection_id, candidates: one of them")
	}
	first, err := a.JoinTokens.MintNamed(ctx, p, whoOf(b.Candidates), jointoken.FirstRequest{MeetingURL: b.MeetingURL, MeetingNumber: b.MeetingNumber, Types: b.Types})
	if err != nil {
		return nil, err
	}
	return firstOf(first), nil
}

func firstOf(first jointoken.First) *wire.JoinTokens {
	out := joinTokensOf(first.Minted)
	out.Used, out.Skipped = string(first.Used.ID), web.SkippedOf(first.Skipped)
	return out
}

func joinTokensOf(m jointoken.Minted) *wire.JoinTokens {
	out := &wire.JoinTokens{MeetingNumber: m.Meeting.Number, Passcode: m.Meeting.Passcode, RegistrantTK: m.Meeting.TK}
	for _, t := range m.Tokens {
		out.Tokens = append(out.Tokens, wire.JoinToken{Type: t.Type, Token: string(t.Token.Reveal()), ExpiresAt: optional(t.ExpiresAt), Parameters: parameters(t.SDK)})
	}
	for _, f := range m.Failed {
		code := lanyard.CodeOf(f.Err)
		row := lanyard.RowOf(code)
		out.Failed = append(out.Failed, wire.JoinFailure{Type: f.Type, Code: string(code), Detail: row.Happened + " " + row.Do, UserMessage: row.UserMessage})
	}
	return out
}

// parameters are the names that a parameter has in the SDKs.
func parameters(n provider.SDKNames) map[string]string {
	out := map[string]string{}
	for sdk, name := range map[string]string{"web": n.Web, "native": n.Native, "android": n.Android, "ios": n.IOS} {
		if name != "" {
			out[sdk] = name
		}
	}
	return out
}

func tokenOf(t connection.Token) *wire.Token {
	return &wire.Token{ConnectionID: string(t.Connection), AccessToken: string(t.Access.Reveal()), TokenType: t.TokenType, ExpiresAt: optional(t.ExpiresAt),
		Scopes: some(t.Scopes), MissingScopes: some(t.Missing), Fingerprint: t.Fingerprint, APIBase: t.APIBase, Warning: string(t.Warning)}
}
