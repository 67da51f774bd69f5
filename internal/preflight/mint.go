package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
)

const (
	// patience is how long the provider is waited for when it is asked about the app.
	patience = 10 * time.Second
	// allTrials is how long all trials may take: who asks is waiting.
	allTrials = 20 * time.Second
)

// trials asks the provider for the tokens, of one candidate after the other until one has
// something, or the provider does not answer.
func (l *look) trials(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, allTrials)
	defer stop()
	for i, c := range l.byChance() {
		if i == mostTrials || l.all == none || c.base == none || l.out.Meeting.Number == "" {
			return
		}
		had := false
		for _, t := range l.want {
			if c.types[t] == none && !l.waits(c, t) {
				continue // a line above says why
			}
			verdict := l.trial(ctx, c, t)
			if verdict == Unknown {
				return // nor will it answer about the next
			}
			had = had || verdict == Proved
		}
		if had {
			return
		}
	}
}

// waits says whether a type is refused only because the person is not in the meeting yet.
func (l *look) waits(c *candidate, typ string) bool {
	return slices.ContainsFunc(l.out.Lines, func(line Line) bool {
		return line.Connection == c.ID && line.Type == typ && line.Code == lanyard.CodePersonAbsent
	})
}

// trial asks for one token, and says how that went.
func (l *look) trial(ctx context.Context, c *candidate, typ string) string {
	err := l.s.JoinTokens.Try(ctx, l.p, c.ID, l.out.Meeting, typ)
	name := l.name(c)
	line := Line{About: Mint, Connection: c.ID, Type: typ, Verdict: Proved, By: c.Provider,
		Say: "Zoom gave what a bot needs to " + deeds[typ] + ", for " + short(name) + "; it was thrown away."}
	if err == nil {
		if l.add(line); typ == jointoken.LocalRecording {
			c.types[typ] = sure // whoever hosts the meeting
		}
		return line.Verdict
	}
	l.refusal(&line, c, err)
	c.types[typ] = min(c.types[typ], l.add(line))
	return line.Verdict
}

// refusal puts the cause of a failed trial into words.
func (l *look) refusal(line *Line, c *candidate, err error) {
	name := l.name(c)
	line.Verdict, line.Code = Refused, lanyard.CodeOf(err)
	row := lanyard.RowOf(line.Code)
	line.Say, line.Do = "Zoom does not give "+short(name)+" what a bot needs.", "Tell whoever runs the bots: "+strings.TrimSuffix(err.Error(), ".")+"."
	again := "Send " + short(name) + " the link to connect again. They open it, sign in to Zoom and press Allow."
	switch line.Code {
	case lanyard.CodeScopesMissing:
		line.By, line.Say, line.Do = "person", name+" has not allowed enough for this.", again
	case lanyard.CodeMeetingNotFound:
		line.Say = "Zoom knows no meeting with this number, or " + short(name) + " cannot see it."
		line.Do = "Compare the number with the invitation."
	case lanyard.CodeHostRequired:
		line.By, line.Say = "host", "Only the host can let a bot record without asking."
		line.Do = "Use the host's connection, or have the host allow the recording when Zoom asks."
	case lanyard.CodeUserNotActive:
		line.By, line.Say, line.Do = "person", "Zoom says that the account of "+name+" is not active.", "They have to activate it at Zoom."
	case lanyard.CodeAppMisconfigured, lanyard.CodeInstanceNotAdopted, lanyard.CodeNodeNameTaken, lanyard.CodeSpoolUnavailable, lanyard.CodeVaultSealed:
		line.By, line.Say = "operator", row.Happened
	default:
		switch row.Kind {
		case lanyard.Reconnect:
			line.By, line.Say, line.Do = "person", "The connection of "+name+" does not work any more.", again
		case lanyard.Unavailable, lanyard.Limited, lanyard.Internal:
			line.Verdict, line.Say, line.Do = Unknown, "Zoom could not be asked just now.", "Look again in some minutes."
		}
	}
	if e, ok := errors.AsType[*lanyard.Error](err); ok {
		line.MissingScopes = e.MissingScopes
	}
	if row.Kind == lanyard.Reconnect {
		line.ReconnectURL = l.s.Connections.ReconnectURL(c.Connection)
	}
}
