package jointoken

import (
	"context"
	"errors"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
)

const (
	// accessFor is how long a plain access token lives at least: Recall wants two minutes.
	accessFor = 2 * time.Minute
	// mostAtOnce is how many on-behalf tokens one answer has: Attendee tries one after the
	// other, each of somebody else.
	mostAtOnce = 5
)

// Asked is what the call of a token URL says.
type Asked struct {
	MeetingURL, MeetingNumber string
	Account                   string               // the provider's id of whom the bot is to speak for
	Connection                lanyard.ConnectionID // or the connection itself
}

// HandedOut is what a call of a token URL gets.
type HandedOut struct {
	Meeting provider.Meeting
	Tokens  []Handed
	Skipped []Skipped // who could not be used, in the order in which they were tried
	Failed  []Failure // types that could not be had, beside those that could
}

// Handed is one token, and on whose behalf.
type Handed struct {
	Type       string
	Token      lanyard.Secret
	ExpiresAt  time.Time // zero: the provider did not say
	Connection lanyard.ConnectionID
}

// HandOut answers the call of a token URL which is not a bot's. p is the principal that
// package access has made of its secret. Of each of the URL's types there is a token of the
// first who can be used; with Attendee's contract there is an on-behalf token of each, up
// to five, and a recording may be allowed by the host, too. Who asks again for the same
// meeting within some minutes gets the next one's.
//
// Errors: meeting_not_allowed, not_found (whom the call names is not there, or not among
// those the URL is for), those of MintFirst, and of reading an access token.
func (s *Service) HandOut(ctx context.Context, p lanyard.Principal, u lanyard.TokenURL, a Asked) (HandedOut, error) {
	if slices.Contains(u.Types, AccessToken) {
		return s.accessToken(ctx, p, u)
	}
	at, m, err := s.asked(ctx, u, a)
	if err != nil {
		return HandedOut{}, err
	}
	out := HandedOut{Meeting: m}
	list, passed, err := s.allowed(ctx, p, u, a, at, m.Number)
	if err != nil {
		return HandedOut{}, err
	}
	turn := s.turns.next(string(u.ID)+" "+m.Number, time.Now())
	for _, typ := range u.Types {
		if err := s.handType(ctx, p, u, a, at, typ, list, turn, &out); err != nil {
			return HandedOut{}, err
		}
	}
	out.Skipped = append(out.Skipped, passed...)
	if len(out.Tokens) == 0 {
		return out, why(out)
	}
	return out, nil
}

// why is the error where there is no token at all.
func why(out HandedOut) error {
	if len(out.Failed) > 0 {
		return out.Failed[0].Err
	}
	return nobody(out.Skipped)
}

// handType adds the tokens of one type, or why there is none.
func (s *Service) handType(ctx context.Context, p lanyard.Principal, u lanyard.TokenURL, a Asked, at, typ string, list []lanyard.Connection,
	turn int, out *HandedOut) error {
	attendee := u.Contract == lanyard.ContractAttendee
	if typ == LocalRecording {
		var err error
		if list, err = s.hostFirst(ctx, p, u, a, at, out.Meeting.Number, list); err != nil {
			return err
		}
		turn = 0
	}
	most := 1
	if attendee && typ == OnBehalf {
		most = mostAtOnce
	}
	got, skipped := 0, []Skipped{}
	err := s.inTurn(ctx, list, turn, nil, &skipped, func(c lanyard.Connection) error {
		minter, err := s.resolve(ctx, p, c.ID)
		if err != nil {
			return s.denied(ctx, p, c.ID, typ, err)
		}
		minted, err := s.all(ctx, p, minter, out.Meeting, []string{typ})
		if err != nil {
			return err
		}
		out.Tokens = append(out.Tokens, Handed{typ, minted.Tokens[0].Token, minted.Tokens[0].ExpiresAt, c.ID})
		if got++; got < most {
			return errMore
		}
		return nil
	})
	skipped = slices.DeleteFunc(skipped, func(k Skipped) bool { return errors.Is(k.Err, errMore) })
	out.Skipped = append(out.Skipped, skipped...)
	if got == 0 && len(skipped) > 0 {
		out.Failed = append(out.Failed, Failure{typ, skipped[0].Err})
	}
	return err
}

// errMore says that this one worked, and that there may be others.
var errMore = lanyard.Errorf(lanyard.CodeChoiceNeeded, "more are wanted")

// asked is the meeting of a call, if it is one that the URL is for. Where the URL is for one
// alone, the call need not say.
func (s *Service) asked(ctx context.Context, u lanyard.TokenURL, a Asked) (string, provider.Meeting, error) {
	d, err := s.openURL(ctx, u)
	if err != nil {
		return "", provider.Meeting{}, err
	}
	if a.MeetingURL == "" && a.MeetingNumber == "" && len(d.Meetings) == 1 {
		a.MeetingNumber = d.Meetings[0]
	}
	at, m, err := s.where(a.MeetingURL, a.MeetingNumber, u.Types)
	if err == nil && len(d.Meetings) > 0 && !slices.Contains(d.Meetings, m.Number) {
		err = lanyard.Errorf(lanyard.CodeMeetingNotAllowed, "")
	}
	return at, m, err
}

// allowed are the connections that a call may have, in order: whom it names, if the URL is
// for them; otherwise all that the URL is for. A URL for nobody in particular is for whom
// the call names, or for the meeting's host.
func (s *Service) allowed(ctx context.Context, p lanyard.Principal, u lanyard.TokenURL, a Asked, at, number string) ([]lanyard.Connection, []Skipped, error) {
	of := u.Candidates
	named := a.Account != "" || a.Connection != ""
	if len(of) == 0 && !named {
		of = []lanyard.Candidate{{Host: true}}
	}
	list, passed, err := s.people(ctx, p, of, at, number)
	if err != nil || !named {
		return list, passed, err
	}
	var who []lanyard.Connection
	switch {
	case a.Account != "":
		who, err = s.ByAccount(ctx, p, a.Account)
	default:
		var skipped []Skipped
		if who, skipped, err = s.people(ctx, p, []lanyard.Candidate{{Connection: a.Connection}}, at, number); err == nil && len(who) == 0 {
			err = skipped[0].Err
		}
	}
	if err == nil && len(u.Candidates) > 0 {
		who = slices.DeleteFunc(who, func(c lanyard.Connection) bool {
			return !slices.ContainsFunc(list, func(l lanyard.Connection) bool { return l.ID == c.ID })
		})
	}
	if err == nil && len(who) == 0 || errors.Is(err, lanyard.Forbidden) {
		err = lanyard.Errorf(lanyard.CodeNotFound, "who is named is not connected, or this token URL is not for them")
	}
	return who, nil, err
}

// hostFirst puts the meeting's host first, whose recording is theirs to allow. Attendee's
// contract names whom the bot speaks for, which need not be the host.
func (s *Service) hostFirst(ctx context.Context, p lanyard.Principal, u lanyard.TokenURL, a Asked, at, number string, list []lanyard.Connection) ([]lanyard.Connection, error) {
	hosts, err := s.Meetings.Hosts(ctx, p, at, number)
	if err != nil {
		return nil, err
	}
	may := list
	if len(u.Candidates) == 0 {
		may = append(slices.Clip(list), hosts...)
	} else if a.Account != "" || a.Connection != "" {
		if may, _, err = s.people(ctx, p, u.Candidates, at, number); err != nil {
			return nil, err
		}
	}
	var out []lanyard.Connection
	for _, c := range append(slices.DeleteFunc(hosts, func(h lanyard.Connection) bool {
		return !slices.ContainsFunc(may, func(m lanyard.Connection) bool { return m.ID == h.ID })
	}), list...) {
		if !slices.ContainsFunc(out, func(o lanyard.Connection) bool { return o.ID == c.ID }) {
			out = append(out, c)
		}
	}
	return out, nil
}

// accessToken hands out the access token itself.
func (s *Service) accessToken(ctx context.Context, p lanyard.Principal, u lanyard.TokenURL) (out HandedOut, err error) {
	at, err := s.provider()
	if err != nil {
		return out, err
	}
	list, passed, err := s.people(ctx, p, u.Candidates, at, "")
	if err != nil {
		return out, err
	}
	err = s.inTurn(ctx, list, 0, nil, &out.Skipped, func(c lanyard.Connection) error {
		t, err := s.Connections.Token(ctx, p, c.ID, connection.TokenRequest{MinTTL: accessFor, Scopes: u.Scopes})
		if err != nil {
			return err
		}
		if !t.ExpiresAt.IsZero() && t.ExpiresAt.Sub(s.Store.Clock()) < accessFor {
			return lanyard.Errorf(lanyard.CodeRefreshFailed, "the access token lives for less than two minutes, and could not be renewed")
		}
		out.Tokens = []Handed{{AccessToken, t.Access, t.ExpiresAt, c.ID}}
		return nil
	})
	out.Skipped = append(out.Skipped, passed...)
	if err == nil && len(out.Tokens) == 0 {
		err = nobody(out.Skipped)
	}
	return out, err
}

// Which reads a meeting's link or number. Errors: invalid_meeting_link, ability_missing.
func (s *Service) Which(link, number string) (provider.Meeting, error) {
	_, m, err := s.Meetings.Find("", link, number)
	return m, err
}
