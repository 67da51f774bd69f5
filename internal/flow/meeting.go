package flow

import (
	"bytes"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// meetings is code for a provider whose accounts have meetings that can be listed.
type meetings interface{ MeetingScopes() []string }

// askMeetings has the meetings of an account listed that has just been connected. It is
// one of those that the consents are of.
func (s *Service) askMeetings(tx *store.Tx, ready app.Ready, g lanyard.Grant, who []provider.Identity) error {
	if _, ok := ready.Target.Ability().(meetings); !ok || g.Kind != "user" {
		return nil
	}
	for _, id := range who {
		if bytes.Equal(s.Grants.SubjectHash(ready.App, id), g.SubjectHash) {
			return tx.AskListing(lanyard.Listing{Grant: g.ID, Project: g.Project, App: g.App,
				Account: s.Grants.AccountHash(ready.App, id)})
		}
	}
	return nil
}
