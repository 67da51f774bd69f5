package preflight

import (
	"net/url"
	"strings"

	"lanyard"
	"lanyard/internal/provider"
)

// link reads the link, and says how that went.
func (l *look) link() Line {
	id, m, err := l.s.Meetings.Find("", l.q.MeetingURL, l.q.MeetingNumber)
	if err != nil {
		if name := otherKind(l.q.MeetingURL); name != "" {
			return Line{About: Link, Verdict: Unknown, By: "lanyard", Say: "This is a link to a " + name + " meeting. Bots get into those without anything from here.",
				Do: "Try it with the bot itself."}
		}
		code := lanyard.CodeOf(err)
		line := Line{About: Link, Verdict: Refused, By: "lanyard", Code: code, Say: lanyard.RowOf(code).Happened,
			Do: "Copy the whole link from the invitation and send that."}
		switch code {
		case lanyard.CodePersonalMeetingLink:
			line.Say = "This is a personal link, and it does not say which meeting it leads to."
			line.Do = "Ask for the invitation with the meeting number in it, or for a link that has /j/ and a number in it."
		case lanyard.CodeAmbiguousMeetingLink:
			line.Say, line.Do = "There are several links in this text.", "Send the one link of the meeting."
		case lanyard.CodeInvalidRequest:
			line.Say, line.Do = "A link and a number were given, which may mean two meetings.", "Send one of them."
		}
		l.all = min(l.all, none)
		l.add(line)
		return line
	}
	l.out.Provider, l.out.Meeting = id, m
	line := Line{About: Link, Verdict: Proved, By: "lanyard", Say: "The link leads to meeting " + spaced(m.Number) + ", and the passcode is in it."}
	switch {
	case l.q.MeetingURL == "":
		line.Say = "The meeting number is " + spaced(m.Number) + "."
	case m.Passcode == "":
		line.Say = "The link leads to meeting " + spaced(m.Number) + "."
	}
	l.add(line)
	if m.Passcode == "" && m.TK == "" {
		l.add(Line{About: Link, Verdict: Unknown, By: "host", Say: "No passcode came with it. Most meetings have one.",
			Do: "If this one has, send the whole link from the invitation: the passcode is in it."})
	}
	return line
}

// elsewhere is the answer about a meeting to which nothing of ours is needed.
func (l *look) elsewhere(link Line) Report {
	l.add(link)
	l.out.Can, l.out.Summary = Maybe, link.Say
	return l.out
}

// otherKind names the product of a link whose meetings take no join tokens; "" for what
// is no such link.
func otherKind(link string) string {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Scheme != "https" || u.User != nil {
		return ""
	}
	h := strings.ToLower(u.Hostname())
	for suffix, name := range map[string]string{"meet.google.com": "Google Meet", "teams.microsoft.com": "Microsoft Teams",
		"teams.live.com": "Microsoft Teams", "webex.com": "Webex"} {
		if h == suffix || strings.HasSuffix(h, "."+suffix) {
			return name
		}
	}
	return ""
}

// spaced is a meeting number as people write it: 812 3456 7890.
func spaced(n string) string {
	switch len(n) {
	case 9:
		return n[:3] + " " + n[3:6] + " " + n[6:]
	case 10:
		return n[:3] + " " + n[3:6] + " " + n[6:]
	case 11:
		return n[:3] + " " + n[3:7] + " " + n[7:]
	}
	return n
}

// ability is what the code of a provider must have for its meetings to be looked at.
type ability interface{ JoinTokens() []provider.JoinToken }
