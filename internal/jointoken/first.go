package jointoken

import (
	"context"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/provider"
)

// enough is how long candidates are tried, one after the other: who asks waits, and gives
// up after some ten seconds.
const enough = 8 * time.Second

// FirstRequest says on whose behalf a bot may join what.
type FirstRequest struct {
	Candidates    []lanyard.Candidate
	Turn          int                            // so many are passed over: with each try of a bot the next comes first
	Skip          func(lanyard.Connection) error // why not this one now; nil: whoever is next
	Passed        []Skipped                      // who was named and is not there; said with the others
	MeetingURL    string                         // any shape of link, or
	MeetingNumber string                         // 9 to 11 digits; neither where zak is the only type
	Types         []string                       // onbehalf, zak, local_recording
}

// First is what a bot joins with, and on whose behalf.
type First struct {
	Minted
	Used    lanyard.Connection
	Skipped []Skipped // who came before and could not be used, in the order in which they were tried
}

// Skipped says why somebody was not used.
type Skipped = lanyard.Skipped

// MintFirst mints tokens on behalf of the first candidate for whom at least one of the
// types can be had. Where none can be used, the error is that of the first who was tried,
// and Skipped is filled all the same.
//
// Errors: those of Mint and of Resolve.
func (s *Service) MintFirst(ctx context.Context, p lanyard.Principal, r FirstRequest) (First, error) {
	if err := s.entitled(ctx, p, "", r.Types); err != nil {
		return First{}, err
	}
	at, m, err := s.where(r.MeetingURL, r.MeetingNumber, r.Types)
	if err != nil {
		return First{}, err
	}
	found, passed, err := s.people(ctx, p, r.Candidates, at, m.Number)
	if err != nil {
		return First{}, err
	}
	out := First{Minted: Minted{Meeting: m}}
	err = s.inTurn(ctx, found, r.Turn, r.Skip, &out.Skipped, func(c lanyard.Connection) error {
		minter, err := s.resolve(ctx, p, c.ID)
		if err != nil {
			return s.denied(ctx, p, c.ID, r.Types[0], err)
		}
		minted, err := s.all(ctx, p, minter, m, r.Types)
		if err == nil {
			out.Minted, out.Used = minted, c
		}
		return err
	})
	out.Skipped = append(append(out.Skipped, passed...), r.Passed...)
	if err == nil && out.Used.ID == "" {
		err = nobody(out.Skipped)
	}
	return out, err
}

// MintNamed is MintFirst for candidates as a caller names them. Who is not there at all is
// passed over like everybody else who cannot be used.
func (s *Service) MintNamed(ctx context.Context, p lanyard.Principal, who []Who, r FirstRequest) (First, error) {
	err := s.entitled(ctx, p, "", r.Types)
	if err != nil {
		return First{}, err
	}
	if r.Candidates, r.Passed, err = s.Known(ctx, p, who); err != nil {
		return First{}, err
	}
	return s.MintFirst(ctx, p, r)
}

// inTurn tries one after the other until one works, and notes why those before did not.
func (s *Service) inTurn(ctx context.Context, list []lanyard.Connection, turn int, skip func(lanyard.Connection) error, skipped *[]Skipped,
	try func(lanyard.Connection) error) error {
	began := time.Now()
	for i := range list {
		c := list[(i+max(turn, 0))%len(list)]
		var err error
		if skip != nil {
			err = skip(c)
		}
		switch {
		case err != nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case i > 0 && time.Since(began) > enough:
			err = lanyard.Errorf(lanyard.CodeProviderTimeout, "the others took too long; this one was not tried")
		default:
			if err = try(c); err == nil || own(err) {
				return err
			}
		}
		*skipped = append(*skipped, Skipped{Connection: c.ID, Err: err})
	}
	return nil
}

// where finds which meeting is meant, and at which provider. A ZAK is of no one meeting.
func (s *Service) where(link, number string, types []string) (string, provider.Meeting, error) {
	if link == "" && number == "" && slices.Equal(types, []string{ZAK}) {
		at, err := s.provider()
		return at, provider.Meeting{}, err
	}
	return s.Meetings.Find("", link, number)
}
