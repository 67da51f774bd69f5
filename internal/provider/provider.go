package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/egress"
)

// Custom is the id of providers that a project describes itself, in lanyard.App.Custom.
const Custom = "custom"

// Entry is one provider for a Set: its data, and code for what data cannot say (nil for most).
type Entry struct {
	Definition Definition
	Code       any
}

// Set is the catalogue in force, joined with the way out. Safe for concurrent use.
type Set struct {
	client    *egress.Client
	keys      *keySets
	providers map[string]*Provider
}

// Provider is one entry of the catalogue.
type Provider struct {
	def  Definition
	code any
	set  *Set
}

// NewSet checks the entries and joins them with the way out. Two providers may not share an issuer (RFC 9207 §2.4), unless one
// extends the other.
func NewSet(client *egress.Client, entries ...Entry) (*Set, error) {
	s := &Set{client: client, keys: newKeySets(client), providers: map[string]*Provider{}}
	issuers := map[string]string{}
	for _, e := range entries {
		d := e.Definition
		if problems := d.Validate(); len(problems) > 0 {
			return nil, fmt.Errorf("provider %q: %w", d.ID, problems[0])
		}
		if _, twice := s.providers[d.ID]; twice {
			return nil, fmt.Errorf("provider %q is there twice", d.ID)
		}
		if other, taken := issuers[d.Endpoints.Issuer]; taken && d.Endpoints.Issuer != "" && d.Extends != other && s.providers[other].def.Extends != d.ID {
			return nil, fmt.Errorf("providers %q and %q share an issuer", other, d.ID)
		}
		issuers[d.Endpoints.Issuer] = d.ID
		s.providers[d.ID] = &Provider{def: d, code: e.Code, set: s}
	}
	if _, there := s.providers[Custom]; !there {
		s.providers[Custom] = &Provider{def: Definition{ID: Custom, Name: "Custom provider", Class: ClassReuseKill}, set: s}
	}
	return s, nil
}

// Get finds a provider by id; "custom" is one.
func (s *Set) Get(id string) (*Provider, bool) {
	p, ok := s.providers[id]
	return p, ok
}

// All returns the providers, sorted by id.
func (s *Set) All() []*Provider {
	return slices.SortedFunc(maps.Values(s.providers), func(a, b *Provider) int { return strings.Compare(a.def.ID, b.def.ID) })
}

// Target is Get and Provider.Target in one; an id that is not there is CodeUnknownProvider.
func (s *Set) Target(app lanyard.App) (*Target, error) {
	p, ok := s.Get(app.Provider)
	if !ok {
		return nil, lanyard.Errorf(lanyard.CodeUnknownProvider, "there is no provider %q", app.Provider)
	}
	return p.Target(app)
}

// Definition returns the data, as in the catalogue. Read only.
func (p *Provider) Definition() Definition { return p.def }

// Ability returns the code of this provider, nil if it has none. Callers ask it for the small interface they need.
func (p *Provider) Ability() any { return p.code }

// Describe says in plain words what scopes allow; see Target.Describe.
func (p *Provider) Describe(scopes []string) []Scope { return p.def.describe(scopes) }

// Cannot says what an app that asks for these scopes cannot do; see Target.Cannot.
func (p *Provider) Cannot(scopes []string) []string { return p.def.cannot(scopes) }
