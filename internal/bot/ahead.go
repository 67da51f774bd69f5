package bot

import (
	"context"
	"slices"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/preflight"
)

// ahead says how it looks for a bot that has just been made. It is said beside the bot,
// and keeps none from being made: nil is that it could not be found out.
func (s *Service) ahead(ctx context.Context, p lanyard.Principal, b lanyard.Bot, d lanyard.BotData, n New, passed []jointoken.Skipped) *preflight.Report {
	if b.Provider != "" && len(b.Candidates) == 0 {
		say := "The bot was made without anybody on whose behalf it may join, so it gets no join tokens."
		return &preflight.Report{Provider: b.Provider, Can: preflight.Maybe, Summary: say,
			Lines: []preflight.Line{{About: preflight.Connection, Verdict: preflight.Unknown, By: "operator", Say: say,
				Do: "Name candidates, unless it joins meetings of your own account alone.", Code: lanyard.CodeBotNoCandidates}}}
	}
	if !n.Key && !n.Trial { // another key may ask for its tokens
		p.Scopes = append(slices.Clone(p.Scopes), lanyard.ScopeJoinOnBehalf, lanyard.ScopeJoinZAK, lanyard.ScopeJoinRecording)
	}
	r, err := s.Preflight.Check(ctx, p, preflight.Question{MeetingURL: d.MeetingURL, Candidates: b.Candidates, At: b.JoinAt, Allow: &b.Allow, Mint: n.Trial})
	if err != nil {
		s.Logger.WarnContext(ctx, "a bot was made, and how it looks for it cannot be found out", "bot", b.ID, "error", err)
		return nil
	}
	if b.Provider == "" && r.Can == preflight.No { // a product that is not known here
		return nil
	}
	for _, k := range passed {
		r.Lines = append(r.Lines, preflight.Line{About: preflight.Connection, Verdict: preflight.Refused, By: "operator", Code: lanyard.CodeOf(k.Err),
			Say: "The bot was made without a candidate who is not there: " + k.Err.Error() + ".",
			Do:  "Invite them to connect their account, and make the bot again; or leave them out."})
	}
	return &r
}
