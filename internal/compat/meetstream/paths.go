package meetstream

import (
	"net/http"

	"lanyard"
	"lanyard/internal/compat"
)

// Paths lists MeetStream's API.
func (d *Dialect) Paths() []compat.Path {
	var out []compat.Path
	type maker func(lanyard.Scope, handler) http.HandlerFunc
	served := func(method, pattern, title, say string, how maker, scope lanyard.Scope, h handler) {
		out = append(out, compat.Path{Method: method, Pattern: pattern, How: compat.Served, Title: title, Scope: scope, Say: say, Serve: how(scope, h)})
	}
	served("GET", "/zoom/oauth/authorize-url", "Begin an authorization", "`state` comes back as it was sent; there is no challenge.", d.ask, lanyard.ScopeConnect, d.authorizeURL)
	served("POST", "/zoom/oauth/connections", "Make a connection of an authorization code", "A code is sent to Zoom once, ever.", d.make, lanyard.ScopeConnect, d.connect)
	served("GET", "/zoom/oauth/connections", "List connections", "", d.ask, lanyard.ScopeRead, d.connections)
	served("GET", "/zoom/oauth/connections/{zoom_user_id}", "Get a connection", "", d.ask, lanyard.ScopeRead, d.connection)
	served("DELETE", "/zoom/oauth/connections/{zoom_user_id}", "Delete a connection", "Zoom is told, too.", d.ask, lanyard.ScopeConnect, d.disconnect)

	served("POST", "/bots/create_bot", "Send a bot", "Goes on to MeetStream where it runs the bot, with a token URL of ours in `zoom`.", d.make, lanyard.ScopeConnect, d.createBot)
	served("GET", "/bots", "List bots", "The bots that were made here.", d.ask, lanyard.ScopeRead, d.bots)
	served("GET", "/bots/{id}/status", "Get a bot's status", "", d.ask, lanyard.ScopeRead, d.status)
	served("GET", "/bots/{id}/detail", "Get a bot", "", d.ask, lanyard.ScopeRead, d.detail)
	served("GET", "/bots/{id}/remove_bot", "Make a bot leave", "", d.ask, lanyard.ScopeConnect, d.remove)
	served("DELETE", "/bots/{id}/delete", "Delete a bot and its data", "", d.ask, lanyard.ScopeConnect, d.delete)
	for _, p := range forwarded {
		out = append(out, compat.Path{Method: p.method, Pattern: p.pattern, How: compat.Forwarded, Scope: p.scope, Serve: d.relay(p.scope)})
	}
	for _, p := range absent {
		for _, method := range p.methods {
			out = append(out, compat.Path{Method: method, Pattern: p.pattern, How: compat.Absent, Say: p.say})
		}
	}
	return out
}

// forwarded is what only MeetStream can do or say, of a bot that it runs.
var forwarded = []struct {
	method, pattern string
	scope           lanyard.Scope
}{
	{"GET", "/bots/{id}/summary", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_audio", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_video", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_recording_streams", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_audio_streams", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_speaker_timeline", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_chats", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_screenshots", lanyard.ScopeRead},
	{"GET", "/bots/{id}/get_participants", lanyard.ScopeRead},
	{"GET", "/bots/{id}/transcriptions", lanyard.ScopeRead},
	{"POST", "/bots/{id}/transcribe", lanyard.ScopeConnect},
	{"POST", "/bots/{id}/send_message", lanyard.ScopeConnect},
	{"POST", "/bots/{id}/send_image", lanyard.ScopeConnect},
	{"POST", "/bots/{id}/pause_recording", lanyard.ScopeConnect},
	{"POST", "/bots/{id}/resume_recording", lanyard.ScopeConnect},
}

const (
	noCalendars = "Calendars are not kept here: ask MeetStream for them, at its own address and with its key."
	noLogins    = "Logins of bots at Google and Microsoft are MeetStream's: ask it at its own address and with its key."
)

// absent is what has nothing to do with a connection or a bot of ours.
var absent = []struct {
	methods      []string
	pattern, say string
}{
	{[]string{"GET"}, "/transcript/{id}/get_transcript", "A transcript's id does not say whose bot it is of: ask for `/bots/{id}/transcriptions`, or ask MeetStream at its own address."},
	{[]string{"POST"}, "/calendar/create_calendar", "No raw refresh tokens are taken here: connect the person's Google account with `POST /v1/connect-sessions`."},
	{[]string{"POST"}, "/calendar/create_outlook_calendar", "No raw refresh tokens are taken here: connect the person's Microsoft account with `POST /v1/connect-sessions`."},
	{[]string{"POST", "DELETE"}, "/calendar/disconnect", noCalendars},
	{[]string{"GET"}, "/calendar", noCalendars},
	{[]string{"GET"}, "/calendar/calendars", noCalendars},
	{[]string{"GET"}, "/calendar/connections", noCalendars},
	{[]string{"DELETE"}, "/calendar/connections/{provider}/{account_id}", noCalendars},
	{[]string{"GET"}, "/calendar/events", noCalendars},
	{[]string{"GET"}, "/calendar/get_events", noCalendars},
	{[]string{"POST", "DELETE"}, "/calendar/schedule/{event_id}", noCalendars + " A bot for a known hour is made with `join_at`."},
	{[]string{"GET"}, "/calendar/scheduled_bots", noCalendars},
	{[]string{"GET", "PATCH", "DELETE"}, "/calendar/scheduled_bots/{bot_id}", noCalendars},
	{[]string{"POST"}, "/calendar/auto-schedule/enable", noCalendars},
	{[]string{"POST"}, "/calendar/auto-schedule/disable", noCalendars},
	{[]string{"GET"}, "/calendar/auto-schedule/settings", noCalendars},
	{[]string{"POST"}, "/calendar/toggle-recurrence", noCalendars},
	{[]string{"POST"}, "/calendar/auto-reschedule", noCalendars},
	{[]string{"GET", "POST"}, "/google-login-domains", noLogins},
	{[]string{"GET", "POST"}, "/google-logins", noLogins},
	{[]string{"GET", "POST"}, "/teams-login-domains", noLogins},
	{[]string{"GET", "POST"}, "/teams-logins", noLogins},
	{[]string{"GET"}, "/admin/configs", "What MeetStream's dashboard sets is asked for at its own address."},
	{[]string{"GET"}, "/admin/zoom/oauth/callback", "This was MeetStream's own callback, for one Zoom account. Use a callback of yours with `/zoom/oauth/authorize-url`, or `POST /v1/connect-sessions`."},
	{[]string{"GET", "POST"}, "/mia", "MeetStream's assistant is MeetStream's: ask it at its own address and with its key."},
}
