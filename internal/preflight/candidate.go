package preflight

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/jointoken"
	"lanyard/internal/meeting"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// candidate is a connection on whose behalf the bot may join, with what is known of it.
type candidate struct {
	connection.View
	app      lanyard.App
	breaker  lanyard.Breaker
	target   *provider.Target // nil: the app's settings are wrong
	kinds    []provider.JoinToken
	problem  error // why there is no target
	host     bool
	presence lanyard.Presence

	base  chance            // whether it can be used at all
	types map[string]chance // and for what
}

// find reads the candidates, in their order, each once. Who was named and is not
// connected gets a line.
func (l *look) find(ctx context.Context) error {
	asked := slices.Clone(l.q.Candidates)
	names := make([]jointoken.Who, len(asked)) // how each was named
	for i, c := range asked {
		names[i].Label = c.Label
	}
	for _, w := range l.q.Who {
		found, err := l.s.JoinTokens.Candidates(ctx, l.p, []jointoken.Who{w})
		switch {
		case errors.Is(err, lanyard.CodeNotFound) && (w.EndUser != "" || w.Account != ""):
			l.nobody(lanyard.CodeConnectionNeeded, w)
		case err != nil:
			return err
		}
		for _, c := range found {
			asked, names = append(asked, c), append(names, w)
		}
	}
	if len(l.q.Candidates)+len(l.q.Who) == 0 {
		asked, names = []lanyard.Candidate{{Host: true}}, make([]jointoken.Who, 1)
	}
	var found []lanyard.Connection
	for i, c := range asked { // one by one, so that each who is nobody has a line
		some, passed, err := l.s.JoinTokens.People(ctx, l.p, []lanyard.Candidate{c}, l.out.Meeting.Number)
		if err != nil {
			return err
		}
		for _, one := range passed {
			switch code := lanyard.CodeOf(one.Err); code {
			case lanyard.CodeConnectionNeeded, lanyard.CodeHostNotKnown:
				l.nobody(code, names[i])
			default:
				return one.Err
			}
		}
		found = append(found, some...)
	}
	seen := []lanyard.ConnectionID{}
	for _, is := range found {
		if slices.Contains(seen, is.ID) || len(seen) == MostCandidates {
			continue
		}
		seen = append(seen, is.ID)
		c, err := l.read(ctx, is.ID)
		if err != nil {
			return err
		}
		l.candidates = append(l.candidates, c)
	}
	return nil
}

// nobody is the line about a candidate behind whom nobody is.
func (l *look) nobody(code lanyard.Code, w jointoken.Who) {
	line := Line{About: Connection, Verdict: Refused, By: "person", Code: code, EndUser: w.EndUser,
		Say: "This person has not connected a Zoom account yet.", Do: "Invite them to connect it; it takes two minutes, once."}
	switch {
	case w.Label != "":
		line.Say, line.Do = "Nobody in this group has connected a Zoom account yet.", "Invite one of them to connect it; it takes two minutes, once."
	case code == lanyard.CodeHostNotKnown:
		line.Verdict, line.By = Unknown, "host"
		line.Say = "Who hosts this meeting cannot be seen from here."
		line.Do = "Name somebody who will be in the meeting and has connected their Zoom account, or have the host connect theirs."
	}
	l.add(line)
}

func (l *look) read(ctx context.Context, id lanyard.ConnectionID) (*candidate, error) {
	v, err := l.s.Connections.Get(ctx, l.p, id)
	if err != nil {
		return nil, err
	}
	c := &candidate{View: v, presence: lanyard.NotKnowable, base: sure, types: map[string]chance{}}
	err = l.s.Store.View(ctx, func(q *store.Query) (err error) {
		if c.app, err = q.App(l.p.Project, v.App); err == nil {
			c.breaker, err = q.Breaker(v.App)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	ready, err := l.s.Apps.Open(ctx, c.app)
	if _, is := errors.AsType[*lanyard.Error](err); err != nil && !is {
		return nil, err
	}
	if c.problem = err; err != nil {
		return c, nil
	}
	c.target = ready.Target
	if a, ok := c.target.Ability().(ability); ok {
		c.kinds = a.JoinTokens()
	}
	return c, nil
}

// name is what to call the person of a candidate.
func (l *look) name(c *candidate) string {
	if !l.names {
		return "The person of " + string(c.ID)
	}
	return cmp.Or(c.Person.DisplayName, c.Account.DisplayName, c.Account.Email, "The person of "+string(c.ID))
}

// whose asks whose meeting it is and who is there.
func (l *look) whose(ctx context.Context) (err error) {
	if l.out.Meeting.Number == "" {
		return nil
	}
	ids := make([]lanyard.ConnectionID, 0, len(l.candidates))
	for _, c := range l.candidates {
		ids = append(ids, c.ID)
	}
	l.known, err = l.s.Meetings.Ask(ctx, l.p, meeting.Question{Provider: l.out.Provider, Number: l.out.Meeting.Number, Connections: ids})
	if err != nil {
		return err
	}
	for _, c := range l.candidates {
		for _, k := range l.known.Connections {
			if k.ID == c.ID {
				c.host, c.presence = k.Host, k.Presence
			}
		}
	}
	return nil
}
