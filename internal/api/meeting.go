package api

import (
	"context"

	"lanyard"
	"lanyard/internal/meeting"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountMeetings(f *web.Front) {
	web.JSON(f, web.Operation{Method: "GET", Path: "/v1/meetings", ID: "getMeeting", Tag: "Meetings", Scope: lanyard.ScopeRead,
		Summary:     "Whose meeting is it, and who is there",
		Description: "By a link or a number. The host is who the provider says hosts it, and not who made it. What nobody who is connected hosts is not known."}, a.getMeeting)
}

type getMeeting struct {
	Provider   string `query:"provider" maxLength:"64" doc:"Absent: zoom"`
	URL        string `query:"meeting_url" maxLength:"4096" doc:"Any shape of link, as people paste it; or"`
	Number     string `query:"meeting_number" maxLength:"20" doc:"9 to 11 digits"`
	Connection string `query:"connection_id" maxLength:"64" doc:"Ask about this connection, too"`
}

func (a *API) getMeeting(ctx context.Context, p lanyard.Principal, in *getMeeting) (*wire.Meeting, error) {
	q := meeting.Question{Provider: in.Provider, URL: in.URL, Number: in.Number}
	if in.Connection != "" {
		q.Connections = []lanyard.ConnectionID{lanyard.ConnectionID(in.Connection)}
	}
	m, err := a.Meetings.Ask(ctx, p, q)
	if err != nil {
		return nil, err
	}
	out := &wire.Meeting{Provider: m.Provider, MeetingNumber: m.Meeting.Number, Host: "not_known", State: "not_known", Personal: m.Personal,
		Connections: []wire.MeetingConnection{}}
	if m.Known {
		out.Host = "connected"
	}
	if m.State != lanyard.RunNone {
		out.State = string(m.State)
	}
	for _, c := range m.Connections {
		out.Connections = append(out.Connections, wire.MeetingConnection{ConnectionID: string(c.ID), AppID: string(c.App), Host: c.Host,
			Presence: string(c.Presence), ListedAt: optional(c.ListedAt), ListProblem: string(c.Problem)})
	}
	return out, nil
}
