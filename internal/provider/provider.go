package provider

import (
	"lanyard"
	"lanyard/internal/egress"
)

// Entry is one provider for a Set: its data, and code for what data cannot say (nil for most).
type Entry struct {
	Definition Definition
	Code       any
}

// Set is the catalogue in force.
type Set struct{}

// NewSet joins the catalogue with the way out.
func NewSet(client *egress.Client, entries ...Entry) (*Set, error) { return nil, nil }

// Get finds a provider by id; "custom" is one.
func (s *Set) Get(id string) (*Provider, bool) { return nil, false }

// All returns the providers, sorted by id.
func (s *Set) All() []*Provider { return nil }

// Target is Get and Provider.Target in one; an id that is not there is CodeUnknownProvider.
func (s *Set) Target(app lanyard.App) (*Target, error) { return nil, nil }

// RestoreTarget rebuilds a Target from its Snapshot: the endpoints of the time the flow began (T03).
func (s *Set) RestoreTarget(snapshot []byte) (*Target, error) { return nil, nil }

// Provider is one entry of the catalogue.
type Provider struct{}

// Definition returns the data, as in the catalogue. Read only.
func (p *Provider) Definition() Definition { return Definition{} }

// Ability returns the code of this provider, nil if it has none. Callers ask it for the small interface they need.
func (p *Provider) Ability() any { return nil }

// Target resolves what one app's calls need.
func (p *Provider) Target(app lanyard.App) (*Target, error) { return nil, nil }
