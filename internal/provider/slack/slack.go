// Package slack is what the catalogue's data cannot say about Slack: one token answer holds up to two credentials.
//
//	code      top level: the bot's, for the workspace; authed_user: the person's own, if user scopes were asked for
//	renewal   one credential, at the top level, with token_type "bot" or "user"
//	notices   tokens_revoked names several accounts, app_uninstalled a whole workspace
//
// (docs.slack.dev: oauth.v2.access, using-token-rotation, verifying-requests-from-slack, reference/events)
package slack

import "lanyard/internal/provider"

// The kinds of credential.
const (
	Bot  = "bot"
	User = "user"
)

// Slack has the abilities. The zero value is ready.
type Slack struct{}

// Split takes an answer apart (provider.Splitter). Scopes of the person's own credential get back the prefix they have in the
// app's list. Subjects are unique only inside a workspace, so they name both: "T024BE7LD.U012AB3CD".
func (Slack) Split(answer provider.Fields) []provider.Part {
	organization := answer.Text("team.id|enterprise.id")
	person := answer.Object("authed_user")
	subject := func(id string) string {
		if organization == "" || id == "" {
			return ""
		}
		return organization + "." + id
	}
	var parts []provider.Part
	if hasToken(answer) {
		top := provider.Part{Kind: Bot, Fields: withoutType(answer), Hint: provider.Identity{OrganizationID: organization, Subject: subject(answer.Text("bot_user_id"))}}
		switch answer.Text("token_type") {
		case User:
			top.Kind, top.ScopePrefix, top.Hint.Subject = User, provider.UserScope, subject(person.Text("id"))
		case "":
			delete(top.Fields, "scope") // cut before it said whose it is, so we do not know whose scopes these are
		}
		parts = append(parts, top)
	}
	if hasToken(person) {
		parts = append(parts, provider.Part{Kind: User, Fields: withoutType(person), ScopePrefix: provider.UserScope,
			Hint: provider.Identity{OrganizationID: organization, Subject: subject(person.Text("id"))}})
	}
	return parts
}

func hasToken(f provider.Fields) bool {
	return f.Text("access_token") != "" || f.Text("refresh_token") != ""
}

// withoutType takes away Slack's token types, which say whose token it is and not how it is presented: as a Bearer token.
func withoutType(f provider.Fields) provider.Fields {
	out := provider.Fields{}
	for k, v := range f {
		if kind, ok := v.(string); k == "token_type" && ok && (kind == Bot || kind == User) {
			continue
		}
		out[k] = v
	}
	return out
}
