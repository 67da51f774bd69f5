package api

import (
	"context"
	"strings"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/provider"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountProviders(f *web.Front) {
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/providers", ID: "listProviders", Tag: "Providers", Scope: web.Known,
		Summary: "List the catalogue"}, a.listProviders)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/providers/{id}", ID: "getProvider", Tag: "Providers", Scope: web.Known,
		Summary: "Read an entry of the catalogue"}, a.getProvider)
}

func (a *API) listProviders(context.Context, lanyard.Principal, *struct{}) (*wire.List[wire.Provider], error) {
	out := &wire.List[wire.Provider]{Data: []wire.Provider{}}
	for _, p := range a.Providers.All() {
		out.Data = append(out.Data, providerOf(p))
	}
	return out, nil
}

type providerID struct {
	ID string `path:"id"`
}

func (a *API) getProvider(_ context.Context, _ lanyard.Principal, in *providerID) (*wire.Provider, error) {
	p, ok := a.Providers.Get(in.ID)
	if !ok {
		return nil, lanyard.Errorf(lanyard.CodeNotFound, "the catalogue has no such provider")
	}
	out := providerOf(p)
	return &out, nil
}

func providerOf(p *provider.Provider) wire.Provider {
	d := p.Definition()
	out := wire.Provider{ID: d.ID, Name: d.Name, Category: d.Category, Class: string(d.Class), ManageURL: d.ManageURL,
		PKCE:      d.Authorize.PKCE != provider.PKCEPublicOnly && d.Authorize.PKCE != provider.PKCEUnsupported,
		AccessTTL: max(d.Times.Access, 0), CodeTTL: d.Times.Code, Scopes: []wire.Scope{}}
	if m, ok := p.Ability().(jointoken.Meetings); ok {
		for _, t := range m.JoinTokens() {
			out.JoinTokens = append(out.JoinTokens, t.Type)
		}
	}
	for _, s := range d.Scopes {
		out.Scopes = append(out.Scopes, wire.Scope{Scope: s.Scope, Say: s.Say, Sensitive: s.Sens == "high", Writes: strings.Contains(s.RW, "w"), Admin: s.Admin})
	}
	return out
}
