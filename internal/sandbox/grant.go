package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Grant is what the outside sees of a grant. Tokens appear as fingerprints.
type Grant struct {
	Family     string    `json:"family"`
	Provider   string    `json:"provider"`
	Client     string    `json:"client_id"`
	Person     string    `json:"person"`
	Kind       string    `json:"kind"` // user, bot
	Scopes     []string  `json:"scopes"`
	Generation int       `json:"generation"`
	Refresh    string    `json:"refresh_fingerprint,omitempty"` // the newest
	Ended      string    `json:"ended,omitempty"`               // why
	CreatedAt  time.Time `json:"created_at"`
}

// Target names grants for Revoke and RotateBehind. Client may be empty: all clients of the person.
type Target struct {
	Provider string `json:"provider"`
	Client   string `json:"client_id"`
	Person   string `json:"person"` // handle, id or e-mail address
}

// People lists the cast of one provider, or of all if it is empty.
func (s *Sandbox) People(provider string) []PersonAt {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []PersonAt{}
	for _, id := range s.order {
		if provider == "" || provider == id {
			for _, who := range s.providers[id].people {
				out = append(out, PersonAt{id, *who})
			}
		}
	}
	return out
}

// PersonAt is a person with the provider they live at.
type PersonAt struct {
	Provider string `json:"provider"`
	Person
}

// SetStatus makes a person active or inactive.
func (s *Sandbox) SetStatus(provider, person, status string) (Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.providers[provider]
	if p == nil || p.person(person) == nil {
		return Person{}, fmt.Errorf("there is no %q at %q", person, provider)
	}
	if status != "active" && status != "inactive" {
		return Person{}, fmt.Errorf("status %q: have active, inactive", status)
	}
	who := p.person(person)
	who.Status = status
	return *who, nil
}

// Grants lists all grants, living ones and ended ones, oldest first.
func (s *Sandbox) Grants() []Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Grant{}
	for _, g := range s.grants {
		out = append(out, viewGrant(g))
	}
	return out
}

func viewGrant(g *grant) Grant {
	v := Grant{Family: g.family, Provider: g.client.Provider, Client: g.client.ID, Person: g.person.Handle, Kind: g.kind,
		Scopes: slices.Clone(g.scopes), Generation: g.generation, Ended: g.ended, CreatedAt: g.created.UTC()}
	if g.latest != nil {
		v.Refresh = g.latest.fingerprint
	}
	return v
}

// Revoke is a person taking an app out of their account: the grants end, the provider tells the app if it has a webhook. It returns how many ended.
func (s *Sandbox) Revoke(t Target) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, live, err := s.target(t)
	if err != nil {
		return 0, err
	}
	told := map[*Client]bool{}
	for _, g := range live {
		s.endAndEject(g, "revoked_by_person")
		if told[g.client] {
			continue
		}
		told[g.client] = true
		switch t.Provider {
		case Zoom:
			s.tellDeauthorized(g.client, who)
		case Slack:
			s.tellUninstalled(g.client, who)
		case Google:
			s.tellRevoked(g.client, who)
		}
	}
	return len(live), nil
}

// RotateBehind is somebody else using the newest refresh token of the grants, as after a theft or with a copied database.
func (s *Sandbox) RotateBehind(t Target) ([]Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, live, err := s.target(t)
	if err != nil {
		return nil, err
	}
	out := []Grant{}
	for _, g := range live {
		if g.latest == nil {
			continue
		}
		if _, f := s.rotate(s.providers[t.Provider], g.latest, nil); f != nil {
			return nil, fmt.Errorf("rotate %s: %s", g.family, f.text)
		}
		out = append(out, viewGrant(g))
	}
	if len(out) == 0 {
		return nil, errors.New("no living grant with a refresh token")
	}
	return out, nil
}

func (s *Sandbox) target(t Target) (*Person, []*grant, error) {
	p := s.providers[t.Provider]
	if p == nil {
		return nil, nil, fmt.Errorf("unknown provider %q", t.Provider)
	}
	who := p.person(t.Person)
	if who == nil {
		return nil, nil, fmt.Errorf("nobody is called %q at %s", t.Person, t.Provider)
	}
	var live []*grant
	for _, g := range s.grants {
		if g.client.Provider == t.Provider && g.person == who && g.ended == "" && (t.Client == "" || g.client.ID == t.Client) {
			live = append(live, g)
		}
	}
	return who, live, nil
}
