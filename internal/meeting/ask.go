package meeting

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// mostHere is how many of those who are present an answer names.
const mostHere = 100

// Question says which meeting is meant: by a link or by a number.
type Question struct {
	Provider    string // "": the first that has meetings
	URL, Number string
	Connections []lanyard.ConnectionID // who is asked about, beside the host and those who are there
}

// Answer is what is known of a meeting.
type Answer struct {
	Provider    string
	Meeting     provider.Meeting
	Known       bool // somebody who is connected hosts it
	State       lanyard.RunState
	Personal    bool
	Connections []Connection
}

// Connection is one with what it has to do with the meeting.
type Connection struct {
	lanyard.Connection
	Host     bool
	Presence lanyard.Presence
	ListedAt time.Time    // when the account's meetings were listed last; zero: never
	Problem  lanyard.Code // why not, or not all of them
}

// Ask says whose meeting it is, and who is there, as far as the key reaches.
// Errors: scope_missing, not_found, and those of Find.
func (s *Service) Ask(ctx context.Context, p lanyard.Principal, q Question) (Answer, error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return Answer{}, err
	}
	out := Answer{}
	var err error
	if out.Provider, out.Meeting, err = s.Find(q.Provider, q.URL, q.Number); err != nil {
		return Answer{}, err
	}
	err = s.Store.View(ctx, func(v *store.Query) error {
		out.Connections, out.Known = nil, false
		known, err := s.meetings(v, p.Project, out.Provider, out.Meeting.Number)
		if err != nil {
			return err
		}
		for _, k := range known {
			if err := s.people(v, p, k, &out); err != nil {
				return err
			}
		}
		return s.asked(v, p, known, q.Connections, &out)
	})
	return out, err
}

// hosted is a meeting with whose it is.
type hosted struct {
	lanyard.Meeting
	app   lanyard.App
	host  lanyard.Listing
	grant lanyard.Grant
}

// alive says whether notices about the meeting come.
func (h hosted) alive() bool {
	return len(h.app.WebhookSecret)+len(h.app.NextWebhookSecret) > 0 && h.grant.Health != lanyard.Dead
}

// meetings finds what the apps of a project at a provider know of a meeting. An app may
// have endpoints of its own, and so accounts of its own.
func (s *Service) meetings(v *store.Query, project lanyard.ProjectID, providerID, number string) (out []hosted, err error) {
	keys := map[string][]byte{}
	apps, err := v.AppsOf(project, providerID)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		t, err := s.Providers.Target(a)
		if err != nil {
			continue // its settings are wrong: then it knows of none
		}
		issuer := t.Namespace()
		if keys[issuer] == nil {
			keys[issuer] = s.key(project, issuer, number)
		}
		h := hosted{app: a}
		if h.Meeting, err = v.Meeting(a.ID, keys[issuer]); err == nil && !h.Gone {
			h.host, err = v.ListingOf(a.ID, h.Host)
		}
		if err == nil && !h.Gone {
			h.grant, err = v.Grant(project, h.host.Grant)
		}
		switch {
		case errors.Is(err, lanyard.NotFound) || err == nil && h.Gone:
		case err != nil:
			return nil, err
		default:
			out = append(out, h)
		}
	}
	return out, nil
}

// people names the host, and who is there.
func (s *Service) people(v *store.Query, p lanyard.Principal, k hosted, out *Answer) error {
	here := [][]byte{}
	if k.State == lanyard.RunStarted && k.alive() {
		var err error
		if here, err = v.PresentIn(k.Meeting, mostHere); err != nil {
			return err
		}
	}
	for _, account := range append([][]byte{k.Host}, here...) {
		l, err := v.ListingOf(k.app.ID, account)
		if errors.Is(err, lanyard.NotFound) {
			continue // a stranger
		}
		if err != nil {
			return err
		}
		held, err := v.ConnectionsOf(l.Grant)
		if err != nil {
			return err
		}
		for _, c := range held {
			if err := s.add(v, p, []hosted{k}, c, l, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// asked adds the connections that were asked about by name.
func (s *Service) asked(v *store.Query, p lanyard.Principal, known []hosted, ids []lanyard.ConnectionID, out *Answer) error {
	for _, id := range ids {
		c, g, err := v.Connection(p.Project, id)
		if err != nil {
			return err
		}
		if err := p.Reaches(c.Provider, c.Label); err != nil {
			return err
		}
		l := lanyard.Listing{}
		if g.ID != "" {
			if l, err = v.Listing(g.ID); err != nil && !errors.Is(err, lanyard.NotFound) {
				return err
			}
		}
		if err := s.add(v, p, known, c, l, out); err != nil {
			return err
		}
	}
	return nil
}

// add adds a connection to an answer, once, if the key reaches it.
func (s *Service) add(v *store.Query, p lanyard.Principal, known []hosted, c lanyard.Connection, l lanyard.Listing, out *Answer) error {
	if c.State == lanyard.Revoked && l.Grant != "" || p.Reaches(c.Provider, c.Label) != nil ||
		slices.ContainsFunc(out.Connections, func(o Connection) bool { return o.ID == c.ID }) {
		return nil
	}
	is := Connection{Connection: c, Presence: lanyard.NotKnowable, ListedAt: l.ListedAt, Problem: l.Code}
	for _, k := range known {
		if k.app.ID != c.App || len(l.Account) == 0 {
			continue
		}
		is.Host = bytes.Equal(k.Host, l.Account)
		mine, err := v.Stays(k.Meeting, l.Account)
		if err != nil {
			return err
		}
		unnamed, err := v.Stays(k.Meeting, nil)
		if err != nil {
			return err
		}
		is.Presence = where(k.Meeting, k.alive(), mine.Here, unnamed.Here, mine.Left > 0, s.Store.Clock())
		if is.Host {
			out.Known, out.State, out.Personal = true, k.State, k.Personal
		}
	}
	out.Connections = append(out.Connections, is)
	return nil
}

var digits = regexp.MustCompile(`^[0-9]{9,11}$`)

// Find reads which meeting is meant, and of which provider. Errors: ability_missing,
// invalid_request, invalid_meeting_link, ambiguous_meeting_link, personal_meeting_link.
func (s *Service) Find(providerID, link, number string) (string, provider.Meeting, error) {
	for _, p := range s.Providers.All() {
		code, ok := p.Ability().(Lister)
		if !ok || providerID != "" && p.Definition().ID != providerID {
			continue
		}
		m, err := Read(code.ParseMeetingLink, link, number)
		return p.Definition().ID, m, err
	}
	return "", provider.Meeting{}, lanyard.Errorf(lanyard.CodeAbilityMissing, "provider: there is none of this name whose meetings are known")
}

// Read reads a link or a number, one of the two. Errors as for Find.
func Read(parse func(string) (provider.Meeting, error), link, number string) (provider.Meeting, error) {
	switch {
	case link != "" && number != "":
		return provider.Meeting{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "give meeting_url or meeting_number, not both")
	case link != "":
		return parse(link)
	}
	n := strings.NewReplacer(" ", "", "-", "").Replace(number)
	if !digits.MatchString(n) {
		return provider.Meeting{}, lanyard.Errorf(lanyard.CodeInvalidMeetingLink, "meeting_number: 9 to 11 digits; spaces and dashes do no harm")
	}
	return provider.Meeting{Number: n}, nil
}

// Hosts returns the connections whose account hosts a meeting, as far as the key
// reaches, those that can be used first. None: nobody who is connected is known to.
func (s *Service) Hosts(ctx context.Context, p lanyard.Principal, providerID, number string) (hosts []lanyard.Connection, err error) {
	err = s.Store.View(ctx, func(v *store.Query) error {
		hosts = nil
		all, err := s.meetings(v, p.Project, providerID, number)
		if err != nil {
			return err
		}
		for _, k := range all {
			held, err := v.ConnectionsOf(k.grant.ID)
			if err != nil {
				return err
			}
			for _, c := range held {
				if c.State != lanyard.Revoked && p.Reaches(c.Provider, c.Label) == nil {
					hosts = append(hosts, c)
				}
			}
		}
		return nil
	})
	slices.SortStableFunc(hosts, func(a, b lanyard.Connection) int { return usable(b) - usable(a) })
	return hosts, err
}

func usable(c lanyard.Connection) int {
	if c.State == lanyard.Live {
		return 1
	}
	return 0
}
