package api

import (
	"context"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/store"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountKeys(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/keys", ID: "createKey", Tag: "Keys", Scope: lanyard.ScopeAdmin, Status: 201, Creates: true,
		Summary: "Make an API key", Description: "The credential is in this answer and nowhere else. A key never makes one that may do more than itself, in any direction: scopes, providers, labels, networks, life."}, a.createKey)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/keys", ID: "listKeys", Tag: "Keys", Scope: lanyard.ScopeAdmin,
		Summary: "List API keys", Description: "Newest first, withdrawn ones too."}, a.listKeys)
	web.JSON(f, web.Operation{Method: "DELETE", Path: "/v1/keys/{id}", ID: "revokeKey", Tag: "Keys", Scope: lanyard.ScopeAdmin,
		Summary: "Withdraw an API key", Description: "It ends at once on this node, and within a second on others. The token URLs that it made live on unless they are revoked with it, or by `DELETE /v1/token-urls?key_id=`. Doing it again changes nothing else."}, a.revokeKey)
}

type createKey struct{ Body wire.NewKey }

func (a *API) createKey(ctx context.Context, p lanyard.Principal, in *createKey) (*wire.MadeKey, error) {
	b := in.Body
	return a.makeKey(ctx, p, access.NewKey{Name: b.Name, Scopes: typed[lanyard.Scope](b.Scopes), Providers: b.Providers, Labels: b.Labels,
		CIDRs: b.CIDRs, ExpiresAt: orZero(b.ExpiresAt), Dialect: lanyard.Dialect(b.Dialect), Rules: rulesFrom(b.Rules)})
}

func (a *API) makeKey(ctx context.Context, p lanyard.Principal, n access.NewKey) (*wire.MadeKey, error) {
	k, credential, err := a.Access.CreateKey(ctx, p, n)
	if err != nil {
		return nil, err
	}
	return &wire.MadeKey{Key: keyOf(k), Credential: string(credential.Reveal())}, nil
}

type listKeys struct{ Page }

func (a *API) listKeys(ctx context.Context, p lanyard.Principal, in *listKeys) (*wire.List[wire.Key], error) {
	list, next, err := a.Access.Keys(ctx, p, in.page())
	out := &wire.List[wire.Key]{Data: []wire.Key{}, NextCursor: next}
	for _, k := range list {
		out.Data = append(out.Data, keyOf(k))
	}
	return out, err
}

type revokeKey struct {
	ID        string `path:"id"`
	TokenURLs bool   `query:"token_urls" doc:"Revoke the token URLs that it made too, those of bots as well: at once, on every node"`
}

func (a *API) revokeKey(ctx context.Context, p lanyard.Principal, in *revokeKey) (*wire.RevokedKey, error) {
	done, err := a.Access.RevokeKey(ctx, p, lanyard.KeyID(in.ID), in.TokenURLs)
	return &wire.RevokedKey{ID: in.ID, TokenURLsRevoked: done.URLsRevoked, TokenURLsLeft: done.URLsLeft}, err
}

func keyOf(k store.Key) wire.Key {
	return wire.Key{ID: string(k.ID), Project: string(k.Project), Operator: k.Operator, Name: k.Name, Scopes: texts(k.Scopes),
		Providers: k.Providers, Labels: k.Labels, CIDRs: k.CIDRs, Dialect: string(k.Dialect), Rules: rulesTo(k.Rules), ExpiresAt: optional(k.ExpiresAt), RevokedAt: optional(k.RevokedAt),
		LastUsedAt: optional(k.LastUsedAt), CreatedAt: k.CreatedAt.UTC()}
}
