package bot

import (
	"context"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/jointoken"
	"lanyard/internal/meeting"
)

// person is somebody on whose behalf a bot may join.
type person struct {
	lanyard.Connection
	host     bool
	presence lanyard.Presence
}

// people are those on whose behalf a bot may join, in the order in which they are tried:
// who is in the meeting first, otherwise as the caller has named them, beginning further
// on with each hand-out.
func (s *Service) people(ctx context.Context, p lanyard.Principal, b lanyard.Bot, d lanyard.BotData) ([]person, error) {
	out, _, err := s.everybody(ctx, p, b, d)
	return out, err
}

// everybody is people, with the candidates that stand for nobody, and why. Where none
// stands for anybody, that is the error.
func (s *Service) everybody(ctx context.Context, p lanyard.Principal, b lanyard.Bot, d lanyard.BotData) (out []person, passed []jointoken.Skipped, err error) {
	switch {
	case b.Provider == "":
		return nil, nil, lanyard.Errorf(lanyard.CodeAbilityMissing, "this meeting takes no join tokens")
	case len(b.Candidates) == 0:
		return nil, nil, lanyard.Errorf(lanyard.CodeBotNoCandidates, "")
	}
	found, passed, err := s.Tokens.Among(ctx, p, b.Candidates, b.Provider, d.Number)
	if err != nil {
		return nil, nil, err
	}
	found = slices.DeleteFunc(found, func(c lanyard.Connection) bool { return reach(b).Reaches(c.Provider, c.Label) != nil })
	if len(found) == 0 {
		return nil, nil, lanyard.Errorf(lanyard.CodeConnectionNeeded, "nobody who is meant is within reach of the key that made the bot")
	}
	q := meeting.Question{Provider: b.Provider, Number: d.Number}
	for i := range found {
		c := found[(i+int(b.Turn%int64(len(found))))%len(found)]
		out = append(out, person{Connection: c, presence: lanyard.NotKnowable})
		q.Connections = append(q.Connections, c.ID)
	}
	reader := lanyard.Principal{Project: b.Project, Name: "lanyard", Scopes: []lanyard.Scope{lanyard.ScopeRead}}
	known, err := s.Meetings.Ask(ctx, reader, q)
	if err != nil {
		return nil, nil, err
	}
	for i := range out {
		for _, k := range known.Connections {
			if k.ID == out[i].ID {
				out[i].host, out[i].presence = k.Host, k.Presence
			}
		}
	}
	slices.SortStableFunc(out, func(a, b person) int { return rank(a) - rank(b) })
	return out, passed, nil
}

func rank(p person) int {
	switch p.presence {
	case lanyard.Present:
		return 0
	case lanyard.Absent:
		return 2
	}
	return 1
}

// wait is for how long nobody is to be troubled on behalf of somebody again; zero: a try
// may be made. Who has come since the last try is not absent; but where notices had said
// so before it, and they were not there, the notices prove nothing.
func (s *Service) wait(b lanyard.Bot, who person, now time.Time) time.Duration {
	t, ok := b.Try(who.ID)
	switch left := s.scaled(between) - now.Sub(t.At); {
	case !ok, t.Code != "" && !t.Absent: // nothing was handed out that could have been tried
		return 0
	case who.presence == lanyard.Present && !(t.Seen && t.Absent):
		return 0
	default:
		return max(left, 0)
	}
}
