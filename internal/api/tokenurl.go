package api

import (
	"context"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountTokenURLs(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/token-urls", ID: "createTokenURL", Tag: "Token URLs", Scope: lanyard.ScopeConnect, Status: 201, Creates: true,
		Summary:     "Make a URL that a bot vendor calls for a token",
		Description: "The URL is in this answer and nowhere else. The key needs connect, and the scope of each type; the URL reaches no further than the key."}, a.createTokenURL)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/token-urls", ID: "listTokenURLs", Tag: "Token URLs", Scope: lanyard.ScopeRead,
		Summary: "List token URLs", Description: "Newest first, revoked ones too, without those that were made for bots. With `key_id`, all that the key made, those for bots too."}, a.listTokenURLs)
	web.JSON(f, web.Operation{Method: "DELETE", Path: "/v1/token-urls", ID: "revokeTokenURLsOfKey", Tag: "Token URLs", Scope: lanyard.ScopeConnect,
		Summary: "Revoke all token URLs that a key made", Description: "Those for bots too: at once, on every node. The key itself may be withdrawn already, or not: that is another matter. Doing it again changes nothing."}, a.revokeTokenURLsOfKey)
	web.JSON(f, web.Operation{Method: "DELETE", Path: "/v1/token-urls/{id}", ID: "revokeTokenURL", Tag: "Token URLs", Scope: lanyard.ScopeConnect,
		Summary: "Revoke a token URL", Description: "At once, on every node. Doing it again changes nothing."}, a.revokeTokenURL)
}

type createTokenURL struct{ Body wire.NewTokenURL }

func (a *API) createTokenURL(ctx context.Context, p lanyard.Principal, in *createTokenURL) (*wire.MadeTokenURL, error) {
	b := in.Body
	named := make([]jointoken.Who, len(b.Candidates))
	for i, c := range b.Candidates {
		named[i] = jointoken.Who{Connection: lanyard.ConnectionID(c.ConnectionID), EndUser: c.EndUserID, Label: c.Label, Account: c.AccountID, Host: c.Host}
	}
	candidates, err := a.JoinTokens.Candidates(ctx, p, named)
	if err != nil {
		return nil, err
	}
	u, secret, err := a.JoinTokens.CreateTokenURL(ctx, p, jointoken.NewTokenURL{Name: b.Name, Contract: lanyard.TokenContract(b.Contract), Types: b.Types,
		Candidates: candidates, Scopes: b.Scopes, Meetings: b.Meetings, Signing: lanyard.NewSecret(b.SigningSecret), CIDRs: b.CIDRs, ExpiresAt: orZero(b.ExpiresAt)})
	if err != nil {
		return nil, err
	}
	v, err := a.JoinTokens.ViewURL(ctx, u)
	return &wire.MadeTokenURL{TokenURL: tokenURLOf(v), URL: string(secret.Reveal())}, err
}

type listTokenURLs struct {
	Page
	KeyID string `query:"key_id" maxLength:"64" doc:"Made by this key"`
}

func (a *API) listTokenURLs(ctx context.Context, p lanyard.Principal, in *listTokenURLs) (*wire.List[wire.TokenURL], error) {
	list, next, err := a.JoinTokens.TokenURLs(ctx, p, lanyard.KeyID(in.KeyID), in.page())
	out := &wire.List[wire.TokenURL]{Data: []wire.TokenURL{}, NextCursor: next}
	for _, v := range list {
		out.Data = append(out.Data, tokenURLOf(v))
	}
	return out, err
}

type tokenURLID struct {
	ID string `path:"id"`
}

func (a *API) revokeTokenURL(ctx context.Context, p lanyard.Principal, in *tokenURLID) (*web.None, error) {
	return nil, a.JoinTokens.RevokeTokenURL(ctx, p, lanyard.TokenURLID(in.ID))
}

type tokenURLsOfKey struct {
	KeyID string `query:"key_id" required:"true" maxLength:"64" doc:"The key that made them"`
}

func (a *API) revokeTokenURLsOfKey(ctx context.Context, p lanyard.Principal, in *tokenURLsOfKey) (*wire.RevokedTokenURLs, error) {
	n, err := a.JoinTokens.RevokeTokenURLsOfKey(ctx, p, lanyard.KeyID(in.KeyID))
	return &wire.RevokedTokenURLs{Revoked: n}, err
}

func tokenURLOf(v jointoken.URLView) wire.TokenURL {
	out := wire.TokenURL{ID: string(v.ID), Name: v.Name, Contract: string(v.Contract), Types: v.Types, Candidates: []wire.Candidate{}, Scopes: v.Scopes,
		Meetings: v.Meetings, Signed: v.Signed, CIDRs: v.CIDRs, KeyID: string(v.Key), BotID: string(v.Bot), ExpiresAt: optional(v.ExpiresAt), RevokedAt: optional(v.RevokedAt),
		LastUsedAt: optional(v.LastUsedAt), CreatedAt: v.CreatedAt.UTC()}
	for _, c := range v.For {
		out.Candidates = append(out.Candidates, wire.Candidate{ConnectionID: string(c.Connection), EndUserID: c.EndUser, Label: c.Label, Host: c.Host})
	}
	return out
}
