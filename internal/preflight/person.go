package preflight

import (
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
)

// person looks at a candidate: whether the connection works, will work, and is allowed
// what the bot needs; and whether the person is there.
func (l *look) person(c *candidate) {
	c.base = min(c.base, l.works(c))
	if c.base != none && l.later() {
		c.base = min(c.base, l.hour(c))
	}
	if c.base == none {
		return
	}
	for _, t := range l.want {
		c.types[t] = l.allowed(c, t)
	}
	for t := range c.types {
		switch t {
		case jointoken.OnBehalf:
			c.types[t] = min(c.types[t], l.there(c))
		case jointoken.LocalRecording:
			c.types[t] = min(c.types[t], l.hosts(c))
		}
	}
}

// works says whether the connection can be used now.
func (l *look) works(c *candidate) chance {
	name := l.name(c)
	line := Line{About: Connection, Connection: c.ID, Verdict: Proved, By: "lanyard", Say: name + " has connected their Zoom account."}
	again := "Send " + short(name) + " the link to connect again. They open it, sign in to Zoom and press Allow."
	refuse := func(by string, code lanyard.Code, say, do string) {
		line.Verdict, line.By, line.Code, line.Say, line.Do = Refused, by, code, say, do
	}
	if l.out.Provider != "" && c.Provider != l.out.Provider {
		refuse("lanyard", lanyard.CodeAbilityMissing, name+" has connected another service than the one this meeting is held with.", "Invite them to connect their Zoom account.")
		return l.add(line)
	}
	switch c.Status {
	case lanyard.StatusRevoked:
		refuse("lanyard", lanyard.CodeConnectionRevoked, "The Zoom account of "+name+" is disconnected.", "Invite them to connect it again.")
	case lanyard.StatusPaused:
		refuse("operator", lanyard.CodeConnectionPaused, "The connection of "+name+" is paused.", "Whoever runs the bots has to let it go on.")
	case lanyard.StatusNeedsReauth:
		refuse("person", c.Grant.Reason, lanyard.RowOf(c.Grant.Reason).Happened, again)
		if w, ok := ended[c.Grant.Reason]; ok {
			line.By, line.Say = w.by, w.before+name+w.after
			if w.first != "" {
				line.Do = w.first + " " + again
			}
		}
		line.ReconnectURL = l.s.Connections.ReconnectURL(c.Connection)
	case lanyard.StatusDegraded:
		line.By, line.Code = l.out.Provider, c.Grant.Reason
		line.Say = "The connection of " + name + " is there, but Zoom does not renew it at the moment."
		line.Do = "Look again in some minutes. It often mends itself."
		if line.Verdict = Unknown; !c.Grant.AccessExpires.IsZero() && !c.Grant.AccessExpires.After(l.now) {
			line.Verdict = Refused
		}
	}
	return l.add(line)
}

// ended says, of causes for which only a new consent helps, who it was and in which words.
var ended = map[lanyard.Code]struct{ by, before, after, first string }{
	lanyard.CodeUserRevoked:      {"person", "", " has taken back what they had allowed.", ""},
	lanyard.CodeIdleExpired:      {"zoom", "The connection of ", " was not used for so long that Zoom ended it.", ""},
	lanyard.CodeDuplicateConsent: {"zoom", "", " has connected the same Zoom account elsewhere, and Zoom ended this connection for that.", ""},
	lanyard.CodeAdminPolicy:      {"administrator", "The company of ", " does not allow the app any more.", "Their Zoom administrator has to allow it first."},
	lanyard.CodeAccountDisabled:  {"zoom", "The Zoom account of ", " is switched off.", "They have to get it switched on at Zoom first."},
	lanyard.CodeNeedsReauth:      {"zoom", "Zoom does not accept the connection of ", " any more.", ""},
	lanyard.CodeResponseLost:     {"lanyard", "The connection of ", " was lost in a technical fault.", ""},
	lanyard.CodeRestored:         {"lanyard", "The connection of ", " was lost when the server was put back to an older state.", ""},
}

// hour says whether the connection will still be there.
func (l *look) hour(c *candidate) chance {
	g, at, name := c.Grant, l.q.At, l.name(c)
	line := Line{About: Hour, Connection: c.ID, Verdict: Unknown, By: "person",
		Say: "Until the meeting the connection of " + name + " is kept alive by itself. Only they, their company or Zoom can end it before."}
	switch {
	case g.AccessExpires.IsZero():
	case !g.HasRefresh && g.AccessExpires.Before(at):
		line.Verdict, line.By, line.Code = Refused, l.out.Provider, lanyard.CodeNoRefreshToken
		line.Say = "The connection of " + name + " ends on " + day(g.AccessExpires) + ", before the meeting, and cannot be renewed."
		line.Do = "Have them connect again shortly before the meeting."
		line.ReconnectURL = l.s.Connections.ReconnectURL(c.Connection)
	case g.HasRefresh && !g.RefreshExpires.IsZero() && g.RefreshExpires.Before(at):
		line.Say = "Zoom ends the connection of " + name + " on " + day(g.RefreshExpires) + " unless it is renewed before, which happens by itself."
		line.Do = "Look again a day before the meeting."
	}
	return l.add(line)
}

// allowed says whether the person has allowed what a type of token needs.
func (l *look) allowed(c *candidate, typ string) chance {
	if c.target == nil {
		return open // the line about the app's settings says why
	}
	at := slices.IndexFunc(c.kinds, func(k kind) bool { return k.Type == typ })
	name := l.name(c)
	line := Line{About: Scopes, Connection: c.ID, Type: typ, Verdict: Proved, By: "person", Say: name + " has allowed bots to " + deeds[typ] + "."}
	has := func(list []string) bool {
		return slices.ContainsFunc(c.kinds[at].Scopes, func(s string) bool { return slices.Contains(list, s) })
	}
	switch {
	case at < 0:
		line.Verdict, line.By, line.Code = Refused, c.Provider, lanyard.CodeAbilityMissing
		line.Say = c.target.Name + " has nothing by which a bot could " + deeds[typ] + "."
	case has(c.Grant.Scopes):
	case !has(append(slices.Clone(c.app.Scopes), c.app.ScopesOptional...)):
		line.Verdict, line.By, line.Code, line.MissingScopes = Refused, "operator", lanyard.CodeScopesMissing, c.kinds[at].Scopes[:1]
		line.Say = "Nobody has been asked whether bots may " + deeds[typ] + ": the app does not ask for it."
		line.Do = "Whoever runs the bots has to add the permission " + c.kinds[at].Scopes[0] + " to the app, at Zoom and here. Then " + short(name) + " has to connect again."
	default:
		line.Verdict, line.Code, line.MissingScopes = Refused, lanyard.CodeScopesMissing, c.kinds[at].Scopes[:1]
		line.Say = name + " has not allowed bots to " + deeds[typ] + "."
		line.Do = "Send " + short(name) + " the link to connect again. They open it, sign in to Zoom, and leave everything ticked before they press Allow."
		line.ReconnectURL = l.s.Connections.ReconnectURL(c.Connection)
	}
	return l.add(line)
}

// there says whether the person is in the meeting, in whose stead the bot is let in.
func (l *look) there(c *candidate) chance {
	name := l.name(c)
	line := Line{About: Presence, Connection: c.ID, Type: jointoken.OnBehalf, Verdict: Unknown, By: "person",
		Say: "The bot gets in once " + name + " is in the meeting. Whether they are cannot be seen from here.",
		Do:  "Have " + short(name) + " open the meeting with their own Zoom account, signed in. The bot follows."}
	switch {
	case l.later():
		line.Say = "The bot gets in once " + name + " is in the meeting, and leaves when they leave."
		line.Do = "Tell " + short(name) + " to join on time with their own Zoom account, signed in."
	case c.presence == lanyard.Present:
		line.Verdict, line.By, line.Say, line.Do = Proved, c.Provider, name+" is in the meeting.", ""
	case c.presence == lanyard.Absent:
		line.Verdict, line.Code = Refused, lanyard.CodePersonAbsent
		line.Say = name + " is not in the meeting, and the bot gets in only once they are."
		if l.known.State == lanyard.RunEnded {
			line.Say = "The meeting is not running. The bot gets in once " + short(name) + " is in it."
		}
	}
	return l.add(line)
}

// hosts says whether it is the person's own meeting, as recording needs.
func (l *look) hosts(c *candidate) chance {
	name := l.name(c)
	line := Line{About: Host, Connection: c.ID, Type: jointoken.LocalRecording, Verdict: Unknown, By: "host",
		Say: "Only the host can let a bot record without asking. Whether " + name + " is the host cannot be seen from here.",
		Do:  "If somebody else hosts the meeting, have the host connect their Zoom account, or allow the recording when Zoom asks."}
	other := slices.ContainsFunc(l.known.Connections, func(k known) bool { return k.Host && k.Grant != c.Connection.Grant })
	switch {
	case c.host:
		line.Verdict, line.By, line.Say, line.Do = Proved, c.Provider, name+" hosts this meeting.", ""
	case l.known.Known && other:
		line.Verdict, line.Code = Refused, lanyard.CodeHostRequired
		line.Say = "Only the host can let a bot record without asking, and that is not " + name + "."
		line.Do = "Use the host's connection, or have the host allow the recording when Zoom asks."
	}
	return l.add(line)
}

// short is what somebody is called in the middle of a sentence.
func short(name string) string {
	if len(name) > 3 && name[:4] == "The " {
		return "t" + name[1:]
	}
	return name
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
