package jointoken

import (
	"context"
	"errors"
	"slices"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// mostPeople is how many connections one list of candidates stands for at most: no bot
// waits for more tries than that.
const mostPeople = 20

// Who names a candidate as a caller does: exactly one of the five.
type Who struct {
	Connection lanyard.ConnectionID
	EndUser    string // the customer's own id
	Label      string // a group: each connection that has it
	Account    string // the provider's id of the account
	Host       bool   // whoever hosts the meeting
}

// Candidates turns what a caller names into candidates. What is not there, or not within
// the reach of the key, is refused. An account may be connected several times: then it is
// as many candidates. Errors: invalid_request, not_found, key_limited.
func (s *Service) Candidates(ctx context.Context, p lanyard.Principal, who []Who) (out []lanyard.Candidate, err error) {
	if len(who) > mostPeople {
		return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates: at most %d", mostPeople)
	}
	for i, w := range who {
		n := 0
		for _, named := range []bool{w.Connection != "", w.EndUser != "", w.Label != "", w.Account != "", w.Host} {
			if named {
				n++
			}
		}
		switch {
		case n != 1:
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates[%d]: name a connection, an end user, a label, an account or the host; one of them", i)
		case w.EndUser != "":
			person, err := s.Connections.FindPerson(ctx, p.Project, w.EndUser)
			if err != nil {
				return nil, err
			}
			out = append(out, lanyard.Candidate{Person: person.ID})
		case w.Account != "":
			found, err := s.ByAccount(ctx, p, w.Account)
			if err != nil {
				return nil, err
			}
			for _, c := range found {
				out = append(out, lanyard.Candidate{Connection: c.ID})
			}
		default:
			out = append(out, lanyard.Candidate{Connection: w.Connection, Label: w.Label, Host: w.Host})
		}
	}
	return out, s.there(ctx, p, out)
}

// Known is Candidates for a list of which some may not be there: they are passed over, with
// why. Where nobody is there it is not_found.
func (s *Service) Known(ctx context.Context, p lanyard.Principal, who []Who) (out []lanyard.Candidate, passed []Skipped, err error) {
	if len(who) > mostPeople {
		return nil, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates: at most %d", mostPeople)
	}
	for i, w := range who {
		some, err := s.Candidates(ctx, p, []Who{w})
		e, _ := errors.AsType[*lanyard.Error](err)
		switch {
		case errors.Is(err, lanyard.CodeNotFound):
			passed = append(passed, Skipped{Err: lanyard.Errorf(lanyard.CodeNotFound, "candidates[%d]: there is no such connection, person or account", i)})
		case e != nil && e.Code == lanyard.CodeInvalidRequest:
			return nil, nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates[%d]: name a connection, an end user, a label of at most 64 characters, an account or the host; one of them", i)
		case err != nil:
			return nil, nil, err
		default:
			out = append(out, some...)
		}
	}
	if len(passed) > 0 && len(out) == 0 {
		return nil, nil, nobody(passed)
	}
	return out, passed, nil
}

// there refuses candidates that are nobody's, so that a slip is heard of when it is made.
func (s *Service) there(ctx context.Context, p lanyard.Principal, list []lanyard.Candidate) error {
	return s.Store.View(ctx, func(q *store.Query) error {
		for i, c := range list {
			switch {
			case c.Connection != "":
				is, _, err := q.Connection(p.Project, c.Connection)
				if err != nil {
					return err
				}
				if err := p.Reaches(is.Provider, is.Label); err != nil {
					return err
				}
			case c.Person != "":
				if _, err := q.Person(p.Project, c.Person); err != nil {
					return err
				}
			case len(c.Label) > 64:
				return lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates[%d]: a label has at most 64 characters", i)
			case c.Label == "" && !c.Host:
				return lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates[%d]: it names nobody", i)
			}
		}
		return nil
	})
}

// ByAccount returns the connections of an account by the provider's id for it, at the
// provider that has meetings, as connection.HeldBy has them. None is not_found.
func (s *Service) ByAccount(ctx context.Context, p lanyard.Principal, account string) (out []lanyard.Connection, err error) {
	at, err := s.provider()
	if err != nil {
		return nil, err
	}
	held, err := s.Connections.HeldBy(ctx, p, at, account)
	for _, h := range held {
		out = append(out, h.Connection)
	}
	if err == nil && len(out) == 0 {
		err = lanyard.Errorf(lanyard.CodeNotFound, "this account is not connected")
	}
	return out, err
}

func usable(c lanyard.Connection) int {
	if c.State == lanyard.Live {
		return 1
	}
	return 0
}

// provider is where meetings are that take join tokens.
func (s *Service) provider() (string, error) {
	for _, p := range s.Apps.Providers.All() {
		if _, ok := p.Ability().(Meetings); ok {
			return p.Definition().ID, nil
		}
	}
	return "", lanyard.Errorf(lanyard.CodeAbilityMissing, "no provider here has join tokens")
}

// Resolve returns the connections that candidates stand for, in their order, each once,
// as far as the key reaches, and which meeting is meant. A candidate that stands for
// nobody is passed over; where none is left, the error says why the first was.
//
// Errors: invalid_request, not_found, key_limited, connection_needed, host_not_known, and
// those of a meeting that is not to be read.
func (s *Service) Resolve(ctx context.Context, p lanyard.Principal, list []lanyard.Candidate, meetingURL, number string) ([]lanyard.Connection, provider.Meeting, error) {
	at, m, err := s.Meetings.Find("", meetingURL, number)
	if err != nil {
		return nil, m, err
	}
	found, passed, err := s.people(ctx, p, list, at, m.Number)
	if err == nil && len(found) == 0 {
		err = nobody(passed)
	}
	return found, m, err
}

// Among is Resolve for a meeting whose provider and number are known, and says who was
// passed over, too.
func (s *Service) Among(ctx context.Context, p lanyard.Principal, list []lanyard.Candidate, at, number string) ([]lanyard.Connection, []Skipped, error) {
	found, passed, err := s.people(ctx, p, list, at, number)
	if err == nil && len(found) == 0 {
		err = nobody(passed)
	}
	return found, passed, err
}

// nobody is the error where no candidate is anybody, or none could be used: that of the
// first, with all of them beside it.
func nobody(passed []Skipped) error {
	if len(passed) > 0 {
		first, ok := errors.AsType[*lanyard.Error](passed[0].Err)
		if !ok {
			return passed[0].Err
		}
		all := *first
		all.Skipped = passed
		if lanyard.OnRecord(passed[0].Err) {
			return lanyard.Recorded(&all)
		}
		return &all
	}
	return lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates: say on whose behalf")
}

// people are the connections that candidates stand for. number is "" where no meeting is
// needed; then nobody is its host.
func (s *Service) people(ctx context.Context, p lanyard.Principal, list []lanyard.Candidate, at, number string) (found []lanyard.Connection, passed []Skipped, err error) {
	pass := func(id lanyard.ConnectionID, err error) { passed = append(passed, Skipped{Connection: id, Err: err}) }
	for _, c := range list {
		some, err := s.standsFor(ctx, p, c, at, number)
		switch kind := lanyard.RowOf(lanyard.CodeOf(err)).Kind; {
		case err == nil:
		case kind == lanyard.Internal || kind == lanyard.Unavailable:
			return nil, nil, err
		default:
			pass(c.Connection, err)
		}
		reached := 0
		for _, is := range some {
			within := p.Reaches(is.Provider, is.Label)
			switch {
			case within != nil && c.Connection != "":
				pass(is.ID, within)
			case within != nil:
				continue
			case len(found) < mostPeople && !slices.ContainsFunc(found, func(f lanyard.Connection) bool { return f.ID == is.ID }):
				found = append(found, is)
			}
			reached++
		}
		if len(some) > 0 && reached == 0 && c.Connection == "" {
			pass("", lanyard.Errorf(lanyard.CodeConnectionNeeded, "nobody who is meant is within reach"))
		}
	}
	return found, passed, nil
}

// standsFor reads whom one candidate stands for; none is an error, too.
func (s *Service) standsFor(ctx context.Context, p lanyard.Principal, c lanyard.Candidate, at, number string) (some []lanyard.Connection, err error) {
	if c.Host {
		if number != "" {
			some, err = s.Meetings.Hosts(ctx, p, at, number)
		}
		if err == nil && len(some) == 0 {
			err = lanyard.Errorf(lanyard.CodeHostNotKnown, "")
		}
		return some, err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		if c.Connection != "" {
			one, _, err := q.Connection(p.Project, c.Connection)
			some = []lanyard.Connection{one}
			return err
		}
		if c.Person == "" && c.Label == "" {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "candidates: one names nobody")
		}
		held, _, err := q.Connections(p.Project, lanyard.ConnectionFilter{Person: c.Person, Label: c.Label, Provider: at}, lanyard.Page{Limit: 200})
		some = nil
		for _, h := range held {
			if h.Connection.State != lanyard.Revoked {
				some = append(some, h.Connection)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(some, func(a, b lanyard.Connection) int { return usable(b) - usable(a) })
	if len(some) == 0 && c.Label != "" {
		err = lanyard.Errorf(lanyard.CodeConnectionNeeded, "nobody in this group is connected")
	} else if len(some) == 0 {
		err = &lanyard.Error{Code: lanyard.CodeConnectionNeeded, Message: "this person is not connected", Person: c.Person}
	}
	return some, err
}

// own is whether an error is ours and not of one candidate: then no other is tried.
func own(err error) bool {
	_, known := errors.AsType[*lanyard.Error](err)
	return !known || lanyard.CodeOf(err) == lanyard.CodeInternal || lanyard.CodeOf(err) == lanyard.CodeStoreUnavailable
}
