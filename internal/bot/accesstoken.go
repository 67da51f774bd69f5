package bot

import (
	"context"
	"slices"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/store"
)

// Token reads an access token with a bot's own key: of somebody on whose behalf the bot may
// join, while it may have tokens at all, and only one that may do no more than what the
// bot was made with. Who it may not join on behalf of is absent. The bot is as it was.
//
// Errors: not_found, bot_over, bot_too_early, bot_not_allowed, and those of connection.Token.
func (s *Service) Token(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, r connection.TokenRequest) (connection.Token, error) {
	b, data, err := s.open(ctx, p, string(p.Bot))
	if err != nil {
		return connection.Token{}, err
	}
	var hosts []lanyard.Connection
	if slices.ContainsFunc(b.Candidates, func(k lanyard.Candidate) bool { return k.Host }) {
		if hosts, err = s.Meetings.Hosts(ctx, p, b.Provider, data.Number); err != nil {
			return connection.Token{}, err
		}
	}
	r.Within = append([]string{}, b.Allow.Scopes...) // as nil it would be any
	r.May = func(q *store.Query) error {
		is, err := q.Bot(b.Project, b.ID) // as it is by now
		if err != nil {
			return err
		}
		if err := s.begun(is); err != nil { // first, or it would tell who is absent from who is none of its people
			return err
		}
		c, _, err := q.Connection(b.Project, id)
		if err != nil {
			return err
		}
		own := func(k lanyard.Candidate) bool { return stands(k, is, c, hosts) }
		if !slices.ContainsFunc(is.Candidates, own) || reach(is).Reaches(c.Provider, c.Label) != nil {
			return lanyard.Errorf(lanyard.CodeNotFound, "")
		}
		return nil
	}
	return s.Connections.Token(ctx, p, id, r)
}

// stands says whether a candidate of a bot is this connection, as for its join tokens: who
// is not named by id is meant at the provider of the meeting.
func stands(k lanyard.Candidate, b lanyard.Bot, c lanyard.Connection, hosts []lanyard.Connection) bool {
	switch {
	case k.Connection != "":
		return k.Connection == c.ID
	case c.Provider != b.Provider:
		return false
	case k.Person != "":
		return k.Person == c.Person
	case k.Label != "":
		return k.Label == c.Label
	}
	return k.Host && slices.ContainsFunc(hosts, func(h lanyard.Connection) bool { return h.ID == c.ID })
}
