package preflight

import (
	"context"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/meeting"
	"lanyard/internal/provider"
)

type (
	kind  = provider.JoinToken
	known = meeting.Connection
)

// host says whose meeting it is.
func (l *look) host() {
	if l.out.Meeting.Number == "" {
		return
	}
	line := Line{About: Host, Verdict: Unknown, By: "host", Say: "Who hosts this meeting cannot be seen from here: the host has not connected their Zoom account."}
	for _, k := range l.known.Connections {
		if k.Host {
			line.Verdict, line.By, line.Connection, line.Say = Proved, l.out.Provider, k.ID, "The host of this meeting has connected their Zoom account."
			if i := l.index(k.ID); i >= 0 {
				line.Say = l.name(l.candidates[i]) + " hosts this meeting."
			}
			break
		}
	}
	l.add(line)
}

func (l *look) index(id lanyard.ConnectionID) int {
	for i, c := range l.candidates {
		if c.ID == id {
			return i
		}
	}
	return -1
}

// client looks at the app of a candidate, once for each app.
func (l *look) client(ctx context.Context, c *candidate) error {
	if l.apps == nil {
		l.apps = map[lanyard.AppID]chance{}
	}
	is, seen := l.apps[c.app.ID]
	if !seen && c.base != none {
		is = min(l.credentials(ctx, c), l.publication(c))
		l.apps[c.app.ID] = is
	}
	c.base = min(c.base, is)
	return ctx.Err()
}

// credentials says whether the provider takes the app's id and secret.
func (l *look) credentials(ctx context.Context, c *candidate) chance {
	tell := "Tell whoever runs the bots: "
	line := Line{About: Credentials, Verdict: Unknown, By: c.Provider, Say: "Whether Zoom still accepts the bot's app has not been tried."}
	switch {
	case c.target == nil && errors.Is(c.problem, lanyard.CodeAppNotReady):
		line.Verdict, line.By, line.Code = Refused, "operator", lanyard.CodeAppNotReady
		line.Say, line.Do = "The bot's app is not set up yet.", tell+"the app needs its client id and secret."
	case c.target == nil:
		line.Verdict, line.By, line.Code = Refused, "operator", lanyard.CodeAppMisconfigured
		line.Say, line.Do = "The settings of the bot's app do not fit together.", tell+"`lanyard app check` says what is wrong."
	case c.breaker.State == lanyard.BreakerOpen:
		line.Verdict, line.Code = Refused, lanyard.CodeAppMisconfigured
		line.Say = "Zoom does not accept the bot's app. Nobody's connection is the cause, and nobody has to connect again."
		line.Do = tell + "client id or secret are wrong, or the app is switched off at Zoom; `lanyard app check` says which."
	case l.q.Mint && c.target.ChecksClient():
		l.tried(ctx, c, &line, tell)
	case c.Grant.RefreshedAt.After(c.app.UpdatedAt):
		line.Verdict, line.Say = Proved, "Zoom accepted the bot's app on "+day(c.Grant.RefreshedAt)+"."
	}
	return l.add(line)
}

// tried asks the provider about id and secret, which touches nobody's connection.
func (l *look) tried(ctx context.Context, c *candidate, line *Line, tell string) {
	ready, err := l.s.Apps.Open(ctx, c.app)
	if err != nil {
		return
	}
	call, stop := context.WithTimeout(ctx, patience)
	defer stop()
	switch got := c.target.CheckClient(call, ready.Credentials[0]); got.State {
	case provider.CheckProved:
		line.Verdict, line.Say = Proved, "Zoom accepts the bot's app."
	case provider.CheckRefused:
		line.Verdict, line.Code = Refused, lanyard.CodeAppMisconfigured
		line.Say = "Zoom does not accept the bot's app. Nobody's connection is the cause, and nobody has to connect again."
		line.Do = tell + "client id or secret are wrong, or the app is switched off at Zoom; `lanyard app check` says which."
	default:
		line.Say, line.Do = "Zoom was asked about the bot's app and gave no useful answer.", "Look again in some minutes."
		l.silent = call.Err() != nil
	}
}

// publication says whether the provider has approved the app for others' meetings. None
// says so itself: it is what the operator has declared and what meetings have shown.
func (l *look) publication(c *candidate) chance {
	if len(c.kinds) == 0 {
		return sure
	}
	is, refuted := c.app.Publication()
	const inside = "In meetings of the app owner's own Zoom account the bot works all the same."
	line := Line{About: Publication, Verdict: Unknown, By: "operator"}
	on := day(c.app.RefutedAt)
	switch {
	case is == lanyard.PublishedNo:
		line.Verdict, line.Code = Refused, lanyard.CodeAppNotPublished
		line.Say = "The bot's app is not approved by Zoom for meetings of other companies. " + inside
		line.Do = "Tell whoever runs the bots: Zoom has to review the app."
		if refuted {
			line.By = c.Provider
			line.Say = fmt.Sprintf("On %s Zoom kept a bot of this app out of another company's meeting, because the app is not approved. %s", on, inside)
		}
		l.add(line)
		return open
	case refuted:
		line.By = c.Provider
		line.Say = fmt.Sprintf("The bot's app is said to be approved by Zoom, and on %s a bot of it was turned away as a stranger all the same.", on)
		line.Do = "Tell whoever runs the bots: look at Zoom whether the app is approved."
	case is == lanyard.PublishedYes:
		line.Say = "Zoom has approved the bot's app, as those who run it say; no meeting has spoken against that."
		l.add(line)
		return sure
	default:
		line.Say = "Whether Zoom has approved the bot's app for meetings of other companies is not known. " + inside
		line.Do = "Ask whoever runs the bots; they can note it with `lanyard app update --published yes` or no."
	}
	return l.add(line)
}
