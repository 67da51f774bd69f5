package provider_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lanyard"
	"lanyard/internal/provider"
)

func TestCannot(t *testing.T) {
	const never, record, schedule = "It never sees your Zoom password.", "It cannot record meetings without the host allowing it each time.", "It cannot schedule or change meetings."
	const behalf, see = "It cannot join meetings on your behalf.", "It cannot see which meetings you have scheduled."
	zoom := mustTarget(t, lanyard.App{Provider: "zoom"})
	for _, c := range []struct {
		name      string
		scopes    []string
		said, not []string
	}{
		{"nothing asked", nil, []string{never, record, schedule, behalf, see}, nil},
		{"on behalf", []string{"user:read:user", "user:read:token"}, []string{never, record, schedule, see}, []string{behalf}},
		{"classic names count the same", []string{"user:read", "meeting:write"}, []string{never, record, see}, []string{behalf, schedule}},
		{"any that begins so", []string{"meeting:write:invite_links"}, []string{behalf}, []string{schedule}},
		{"recording", []string{"meeting:read:local_recording_token"}, []string{never}, []string{record}},
	} {
		got := zoom.Cannot(c.scopes)
		for _, s := range c.said {
			if !slices.Contains(got, s) {
				t.Errorf("%s: %q is not said", c.name, s)
			}
		}
		for _, s := range c.not {
			if slices.Contains(got, s) {
				t.Errorf("%s: %q is said, and is not true", c.name, s)
			}
		}
	}
	microsoft := mustTarget(t, lanyard.App{Provider: "microsoft"})
	if got := microsoft.Cannot([]string{"https://graph.microsoft.com/Mail.Send", "calendars.readwrite"}); slices.Contains(got, "It cannot create, change or delete events.") {
		t.Errorf("other spelling of a scope: %q", got)
	}
}

func TestDescribe(t *testing.T) {
	zoom := mustTarget(t, lanyard.App{Provider: "zoom"})
	got := zoom.Describe([]string{"user_zak:read", "user:read:user", "unheard:of", "user:read:user"})
	want := []provider.Scope{
		{Scope: "user_zak:read", Say: "Let the app start or join meetings as if it were you", RW: "r", Sens: "high"},
		{Scope: "user:read:user", Say: "See your Zoom name, e-mail address and personal meeting ID", RW: "r", Sens: "low"},
		{Scope: "unheard:of"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestScopesFor(t *testing.T) {
	slack, zoom := mustTarget(t, lanyard.App{Provider: "slack"}), mustTarget(t, lanyard.App{Provider: "zoom"})
	all := []string{"chat:write", "user:search:read"}
	for _, c := range []struct {
		t    *provider.Target
		kind string
		want []string
	}{{slack, "bot", []string{"chat:write"}}, {slack, "user", []string{"user:search:read"}}, {zoom, "user", all}} {
		if diff := cmp.Diff(c.want, c.t.ScopesFor(c.kind, all)); diff != "" {
			t.Errorf("%s %s: %s", c.t.Provider, c.kind, diff)
		}
	}
}
