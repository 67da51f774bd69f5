package slack_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lanyard/internal/provider"
	"lanyard/internal/provider/slack"
)

// Whose a token is decides to which grant it goes: a bot's token under a person's name would be handed to whoever acts for the person.
func TestSplit(t *testing.T) {
	person := provider.Fields{"id": "U1", "access_token": "xoxp-1", "token_type": "user", "scope": "search:read"}
	for _, c := range []struct {
		name   string
		answer provider.Fields
		want   []string // kind, access token, prefix, subject, organization
	}{
		{"both", provider.Fields{"access_token": "xoxb-1", "token_type": "bot", "bot_user_id": "B1", "team": provider.Fields{"id": "T1"}, "authed_user": person},
			[]string{"bot xoxb-1  T1.B1 T1", "user xoxp-1 user: T1.U1 T1"}},
		{"whole organisation", provider.Fields{"access_token": "xoxb-1", "token_type": "bot", "bot_user_id": "B1", "team": nil, "enterprise": provider.Fields{"id": "E1"}},
			[]string{"bot xoxb-1  E1.B1 E1"}},
		{"person alone", provider.Fields{"team": provider.Fields{"id": "T1"}, "authed_user": person}, []string{"user xoxp-1 user: T1.U1 T1"}},
		{"renewal of the person's", provider.Fields{"access_token": "xoxp-2", "token_type": "user", "authed_user": provider.Fields{"id": "U1"}, "team": provider.Fields{"id": "T1"}},
			[]string{"user xoxp-2 user: T1.U1 T1"}},
		{"refresh token alone was saved", provider.Fields{"refresh_token": "xoxe-1"}, []string{"bot    "}},
		{"the person's refresh token alone was saved", provider.Fields{"authed_user": provider.Fields{"refresh_token": "xoxe-1"}}, []string{"user  user:  "}},
		{"authed_user of another type", provider.Fields{"access_token": "xoxb-1", "token_type": "bot", "authed_user": "U1"}, []string{"bot xoxb-1   "}},
		{"nothing", provider.Fields{"ok": true, "authed_user": provider.Fields{"id": "U1"}}, nil},
		{"numbers for ids", provider.Fields{"access_token": json.Number("5"), "token_type": "bot"}, []string{"bot 5   "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range (slack.Slack{}).Split(c.answer) {
				got = append(got, p.Kind+" "+p.Fields.Text("access_token")+" "+p.ScopePrefix+" "+p.Hint.Subject+" "+p.Hint.OrganizationID)
				if p.Fields.Text("token_type") != "" {
					t.Errorf("token_type %q would not be a Bearer token", p.Fields.Text("token_type"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
