package attendee

import (
	"strings"

	"lanyard"
	"lanyard/internal/compat"
)

// absent is what Attendee has and this server has not.
func absent() (out []compat.Path) {
	const calendars = "Calendars are not kept here."
	for _, p := range []struct{ methods, pattern, say string }{
		{"GET POST", "/calendars", calendars},
		{"GET PATCH DELETE", "/calendars/{id}", calendars},
		{"GET", "/calendar_events", calendars},
	} {
		out = append(out, missing(p.methods, p.pattern, p.say)...)
	}
	return out
}

// forwarded is what only Attendee knows of a bot that it runs.
func (a *API) forwarded() (out []compat.Path) {
	for _, p := range []struct{ methods, below string }{
		{"GET POST DELETE", "transcript"}, {"GET", "recording"}, {"POST", "output_audio"}, {"POST", "output_image"}, {"POST", "output_video"},
		{"POST", "speech"}, {"GET", "chat_messages"}, {"POST", "send_chat_message"}, {"GET", "participants"}, {"GET", "participant_events"},
		{"POST", "pause_recording"}, {"POST", "resume_recording"}, {"POST", "delete_data"}, {"PATCH", "voice_agent_settings"},
		{"PATCH", "transcription_settings"}, {"POST", "admit_from_waiting_room"}, {"POST", "change_gallery_view_page"},
	} {
		for _, m := range strings.Fields(p.methods) {
			scope := lanyard.ScopeConnect
			if m == "GET" {
				scope = lanyard.ScopeRead
			}
			out = append(out, compat.Path{Method: m, Pattern: "/bots/{id}/" + p.below, How: compat.Forwarded, Scope: scope, Serve: a.serve(scope, a.relay)})
		}
	}
	return out
}

func missing(methods, pattern, say string) (out []compat.Path) {
	for _, m := range strings.Fields(methods) {
		out = append(out, compat.Path{Method: m, Pattern: pattern, How: compat.Absent, Say: say})
	}
	return out
}
