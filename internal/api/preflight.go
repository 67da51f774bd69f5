package api

import (
	"context"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/preflight"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountPreflight(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/preflight", ID: "preflight", Tag: "Bots", Scope: web.Known,
		Summary: "Can a bot join this meeting, on behalf of whom, and if not, who has to do what",
		Description: "Now, or at its hour. Each line is proved, refused (by whom, and the next step) or cannot be known from here, in words for people. Nothing is changed. " +
			"The key needs read or connect; a trial of a token needs its join scope."}, a.preflight)
}

type preflightRequest struct{ Body wire.PreflightRequest }

func (a *API) preflight(ctx context.Context, p lanyard.Principal, in *preflightRequest) (*wire.Preflight, error) {
	b := in.Body
	q := preflight.Question{MeetingURL: b.MeetingURL, MeetingNumber: b.MeetingNumber, At: orZero(b.At), Types: b.Types, Mint: b.Trial == nil || *b.Trial, Who: whoOf(b.Candidates)}
	if b.ConnectionID != "" {
		q.Candidates = []lanyard.Candidate{{Connection: lanyard.ConnectionID(b.ConnectionID)}}
	}
	r, err := a.Preflight.Check(ctx, p, q)
	if err != nil {
		return nil, err
	}
	return preflightOf(r), nil
}

func whoOf(in []wire.Candidate) []jointoken.Who {
	out := make([]jointoken.Who, len(in))
	for i, c := range in {
		out[i] = jointoken.Who{Connection: lanyard.ConnectionID(c.ConnectionID), EndUser: c.EndUserID, Label: c.Label, Account: c.AccountID, Host: c.Host}
	}
	return out
}

func preflightOf(r preflight.Report) *wire.Preflight {
	out := &wire.Preflight{Can: r.Can, Summary: r.Summary, Provider: r.Provider, MeetingNumber: r.Meeting.Number, HasPasscode: r.Meeting.Passcode != "",
		BestConnectionID: string(r.Best), Lines: []wire.PreflightLine{}}
	for _, l := range r.Lines {
		out.Lines = append(out.Lines, wire.PreflightLine{About: l.About, Verdict: l.Verdict, ConnectionID: string(l.Connection), EndUserID: l.EndUser, Type: l.Type, By: l.By, Say: l.Say,
			Do: l.Do, Code: string(l.Code), MissingScopes: l.MissingScopes, ReconnectURL: l.ReconnectURL})
	}
	return out
}
