package api

import (
	"context"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountConsents(f *web.Front) {
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/consents", ID: "listConsents", Tag: "Consents", Scope: web.Known,
		Summary:     "List consents",
		Description: "Newest first, those that ended too. Needs the scope read or audit; address and browser are shown to audit alone."}, a.listConsents)
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/consents/{id}", ID: "getConsent", Tag: "Consents", Scope: web.Known,
		Summary:     "Read a consent",
		Description: "With every sentence that the person was shown. Needs the scope read or audit."}, a.getConsent)
}

type listConsents struct {
	Page
	EndUserID    string `query:"end_user_id" maxLength:"255"`
	ConnectionID string `query:"connection_id" maxLength:"64"`
	AppID        string `query:"app_id" maxLength:"64"`
	Provider     string `query:"provider" maxLength:"64"`
	State        string `query:"state" enum:"given,superseded,withdrawn"`
}

func (a *API) listConsents(ctx context.Context, p lanyard.Principal, in *listConsents) (*wire.List[wire.Consent], error) {
	list, next, err := a.Connections.FindConsents(ctx, p, in.EndUserID, lanyard.ConsentFilter{Connection: lanyard.ConnectionID(in.ConnectionID),
		App: lanyard.AppID(in.AppID), Provider: in.Provider, State: lanyard.ConsentState(in.State)}, in.page())
	out := &wire.List[wire.Consent]{Data: []wire.Consent{}, NextCursor: next}
	for _, v := range list {
		out.Data = append(out.Data, consentOf(v))
	}
	return out, err
}

type consentID struct {
	ID string `path:"id"`
}

func (a *API) getConsent(ctx context.Context, p lanyard.Principal, in *consentID) (*wire.Consent, error) {
	v, err := a.Connections.Consent(ctx, p, lanyard.ConsentID(in.ID))
	return new(consentOf(v)), err
}

func consentOf(v connection.ConsentView) wire.Consent {
	c := wire.Consent{ID: string(v.ID), State: string(v.State), ConnectionID: string(v.Connection), SessionID: string(v.Session),
		EndUserID: v.Person.Ref, Provider: v.Provider, AppID: string(v.App), ClientID: v.ClientID, Origin: v.Origin, Shown: string(v.Shown),
		ScopesAsked: some(v.Asked), ScopesGranted: some(v.Granted), ScopesMissing: some(v.Missing), ShownAt: optional(v.ShownAt),
		AskedAt: v.AskedAt.UTC(), GrantedAt: v.GrantedAt.UTC(), CompletedBy: v.Who, KeyID: string(v.Key), IP: v.From.IP, UserAgent: v.From.UserAgent,
		SupersededBy: string(v.SupersededBy), EndedAt: optional(v.EndedAt)}
	if v.TextHash != "" {
		c.Text = &wire.ConsentText{Version: v.Text.Version, Hash: v.TextHash, Language: v.Text.Language, Lines: v.Text.Lines}
		for _, s := range v.Text.Scopes {
			c.Text.Scopes = append(c.Text.Scopes, wire.ScopeInWords(s))
		}
	}
	if v.State == lanyard.ConsentWithdrawn {
		c.Withdrawal = &wire.Withdrawal{By: v.EndedBy, Reason: string(v.Reason), AtProvider: v.Answer.Outcome, HTTPStatus: int(v.Answer.Status),
			Detail: v.Answer.Detail, TriedAgain: v.Answer.Again, AnsweredAt: optional(v.Answer.At), LivesUntil: optional(v.Answer.LivesUntil)}
	}
	return c
}
