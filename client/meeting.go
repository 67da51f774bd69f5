package client

import (
	"context"
	"net/url"

	"lanyard/wire"
)

// MeetingQuestion says which meeting is meant: by a link or by a number. Connection is
// one that is asked about, beside the host's and those that are there.
type MeetingQuestion struct{ Provider, URL, Number, Connection string }

// GetMeeting says whose meeting it is, and who is there.
func (c *Client) GetMeeting(ctx context.Context, q MeetingQuestion) (*wire.Meeting, error) {
	values := url.Values{}
	for name, v := range map[string]string{"provider": q.Provider, "meeting_url": q.URL, "meeting_number": q.Number, "connection_id": q.Connection} {
		if v != "" {
			values.Set(name, v)
		}
	}
	return get[wire.Meeting](c, ctx, "/v1/meetings", values)
}
