package jointoken

import (
	"context"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// People returns the connections that candidates stand for, and who stands for nobody and
// why. Without a number nobody is a host. Errors: of our own alone; the rest is in passed.
func (s *Service) People(ctx context.Context, p lanyard.Principal, list []lanyard.Candidate, number string) ([]lanyard.Connection, []Skipped, error) {
	at, err := s.provider()
	if err != nil {
		return nil, nil, err
	}
	return s.people(ctx, p, list, at, number)
}

// Try mints a token of one type and throws it away: nil says that a bot would have it
// now. With Zoom that has no effect, by what it documents: each of its tokens is read by
// GET, is spent when a meeting is joined with it, and ends none that was made before. The
// log has it as a trial. Errors as for Mint.
func (s *Service) Try(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, meeting provider.Meeting, typ string) error {
	if err := s.entitled(ctx, p, id, []string{typ}); err != nil {
		return err
	}
	m, err := s.resolve(ctx, p, id)
	if err != nil {
		return err
	}
	_, found := s.one(ctx, p, m, meeting, typ)
	if typ == LocalRecording && found != nil {
		found = s.hostOf(ctx, p, m, meeting, found)
	}
	e, err := s.Connections.Entry(ctx, p, lanyard.ActJoinTokenTried)
	if err != nil {
		return err
	}
	e = connection.About(e, m.connection)
	e.Detail["type"] = typ
	if found != nil {
		e = e.Failed(found)
	}
	// Whoever asked may be gone, or have waited long enough: the provider was asked all the same.
	if err := s.Store.Read(context.WithoutCancel(ctx), func(*store.Query) (lanyard.Entry, error) { return e, nil }); err != nil {
		return err
	}
	return lanyard.Recorded(found)
}
