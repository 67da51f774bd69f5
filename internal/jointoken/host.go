package jointoken

import (
	"context"
	"errors"
	"slices"

	"lanyard"
	"lanyard/internal/provider"
)

// byHost chooses the connection of a request that names none: the host's, for a recording
// is the host's to allow. Whom a bot speaks for is not guessed: the other types need one.
func (s *Service) byHost(ctx context.Context, p lanyard.Principal, r Request) (Request, error) {
	if !slices.Equal(r.Types, []string{LocalRecording}) {
		return r, lanyard.Errorf(lanyard.CodeInvalidRequest, "connection_id: may be left out for local_recording alone")
	}
	at, m, err := s.Meetings.Find("", r.MeetingURL, r.MeetingNumber)
	if err != nil {
		return r, err
	}
	hosts, err := s.Meetings.Hosts(ctx, p, at, m.Number)
	switch {
	case err != nil:
		return r, err
	case len(hosts) == 0:
		return r, lanyard.Errorf(lanyard.CodeHostNotKnown, "")
	}
	r.Connection = hosts[0].ID
	return r, nil
}

// hostOf explains a refusal: that of a meeting which is known to be somebody else's is
// theirs to lift. The provider is asked all the same, because it lets administrators of
// the host's account through, whom we do not know.
func (s *Service) hostOf(ctx context.Context, p lanyard.Principal, m minter, meeting provider.Meeting, cause error) error {
	if !errors.Is(cause, lanyard.CodeMeetingNotFound) && !errors.Is(cause, lanyard.CodeHostRequired) {
		return cause
	}
	hosts, err := s.Meetings.Hosts(ctx, p, m.connection.Provider, meeting.Number)
	if err != nil {
		return err
	}
	own := func(c lanyard.Connection) bool { return c.Grant == m.connection.Grant }
	if len(hosts) == 0 || slices.ContainsFunc(hosts, own) {
		return cause
	}
	return lanyard.Errorf(lanyard.CodeHostRequired, "the host is connected, as %s", hosts[0].ID)
}
