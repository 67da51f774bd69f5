package app

import (
	"context"
	"fmt"

	"lanyard"
	"lanyard/internal/provider"
)

// Line is one thing that was checked: proved, refused, or cannot be known from here.
type Line struct {
	What  string
	State string // provider.CheckProved, CheckRefused, CheckUnknown
	How   string
}

// Check says what can be known about an app without a person. Nobody's grant is
// touched.
func (s *Service) Check(ctx context.Context, p lanyard.Principal, id lanyard.AppID) ([]Line, error) {
	if err := p.Need(lanyard.ScopeAdmin); err != nil {
		return nil, err
	}
	a, err := s.Get(ctx, p, id)
	if err != nil {
		return nil, err
	}
	ready, err := s.Open(ctx, a)
	if err != nil {
		return []Line{{"settings", provider.CheckRefused, fmt.Sprintf("by us: %v", err)}}, nil
	}
	lines := []Line{{"settings", provider.CheckProved, "they resolve to the endpoints of " + ready.Target.Name}}
	for i, c := range ready.Credentials {
		call, stop := context.WithTimeout(ctx, ready.Target.Deadline)
		got := ready.Target.CheckClient(call, c)
		stop()
		what := "client id and secret"
		if i > 0 {
			what = "client id and next secret"
		}
		how := got.How
		if got.State == provider.CheckRefused {
			how += "; copy both again from the provider's page, with `lanyard app update`"
		}
		lines = append(lines, Line{what, got.State, how})
	}
	lines = append(lines, s.publication(a, ready.Target)...)
	return append(lines,
		Line{"redirect URI", provider.CheckUnknown, "no provider says which ones it has registered; it must hold " + s.RedirectURI(a.ID) + ", byte for byte. The first person who connects proves it"},
		Line{"scopes", provider.CheckUnknown, "the provider checks them when a person consents"}), nil
}
