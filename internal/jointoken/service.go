package jointoken

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/meeting"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Meetings is what a provider can do whose meetings take join tokens.
type Meetings interface {
	JoinTokens() []provider.JoinToken
	ParseMeetingLink(text string) (provider.Meeting, error)
	OnBehalfToken(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, meeting string) (lanyard.Secret, time.Time, error)
	ZAK(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet) (lanyard.Secret, time.Time, error)
	LocalRecordingToken(ctx context.Context, t *provider.Target, tokens lanyard.TokenSet, meeting string) (lanyard.Secret, time.Time, error)
}

// The types of join tokens.
const (
	OnBehalf       = "onbehalf"
	ZAK            = "zak"
	LocalRecording = "local_recording"
)

// Config is what a Service needs; Rate and Nodes may be left out.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Apps        *app.Service
	Connections *connection.Service
	Meetings    *meeting.Service
	Rate        float64    // tokens per second for one account at a provider, on all nodes; 0: 10
	Nodes       func() int // how many share that; nil: one
}

// Service mints join tokens. It is safe for concurrent use.
type Service struct {
	Config
	pace  *Pace
	turns turns
}

// New returns a Service.
func New(c Config) *Service {
	if c.Rate <= 0 {
		c.Rate = 10
	}
	if c.Nodes == nil {
		c.Nodes = func() int { return 1 }
	}
	return &Service{Config: c, pace: NewPace(c.Rate, c.Nodes)}
}

// Request says who joins what.
type Request struct {
	Connection    lanyard.ConnectionID // may be left out for local_recording alone: then the host's
	MeetingURL    string               // any shape of link, or
	MeetingNumber string               // 9 to 11 digits
	Types         []string
}

// Minted is what a bot joins with.
type Minted struct {
	Meeting provider.Meeting
	Tokens  []Token
	Failed  []Failure // some types worked and these did not
}

// Token is one join token.
type Token struct {
	Type      string
	Token     lanyard.Secret
	ExpiresAt time.Time // zero: the provider did not say
	SDK       provider.SDKNames
}

// Failure says why a type was not minted.
type Failure struct {
	Type string
	Err  error
}

// Mint mints one token of each type. If at least one can be had, the others are
// reported beside it; if none, the error of the first is returned.
//
// Errors: scope_missing, not_found, ability_missing, invalid_meeting_link,
// ambiguous_meeting_link, personal_meeting_link, scopes_missing,
// meeting_not_found, user_not_active, host_required, host_not_known,
// provider_unavailable, and those of reading an access token.
func (s *Service) Mint(ctx context.Context, p lanyard.Principal, r Request) (Minted, error) {
	if err := s.entitled(ctx, p, r.Connection, r.Types); err != nil {
		return Minted{}, err
	}
	if r.Connection == "" {
		var err error
		if r, err = s.byHost(ctx, p, r); err != nil {
			return Minted{}, s.denied(ctx, p, "", r.Types[0], err)
		}
	}
	m, err := s.resolve(ctx, p, r.Connection)
	if err != nil {
		return Minted{}, s.denied(ctx, p, r.Connection, r.Types[0], err)
	}
	at, err := meeting.Read(m.code.ParseMeetingLink, r.MeetingURL, r.MeetingNumber)
	if err != nil {
		return Minted{}, err
	}
	return s.all(ctx, p, m, at, r.Types)
}

// entitled says whether the types are such, and whether the key may have each.
func (s *Service) entitled(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, types []string) error {
	if len(types) == 0 {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "types: say at least one of onbehalf, zak, local_recording")
	}
	for i, typ := range types {
		scope := lanyard.ScopeOfType(typ)
		if scope == "" || typ == AccessToken || slices.Contains(types[:i], typ) {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "types: onbehalf, zak and local_recording, each once")
		}
		if err := p.Need(scope); err != nil {
			return s.denied(ctx, p, id, typ, err)
		}
	}
	return nil
}

// all mints one token of each type.
func (s *Service) all(ctx context.Context, p lanyard.Principal, m minter, at provider.Meeting, types []string) (Minted, error) {
	out := Minted{Meeting: at}
	for _, typ := range types {
		t, err := s.one(ctx, p, m, at, typ)
		if typ == LocalRecording && err != nil {
			err = s.hostOf(ctx, p, m, at, err)
		}
		if lerr := s.log(ctx, p, m.connection, typ, at, err); lerr != nil {
			return Minted{}, lerr // what is not on the log does not leave
		}
		if err != nil {
			out.Failed = append(out.Failed, Failure{typ, lanyard.Recorded(err)})
			continue
		}
		out.Tokens = append(out.Tokens, t)
	}
	if len(out.Tokens) == 0 {
		return Minted{}, out.Failed[0].Err
	}
	return out, nil
}

// minter is a connection with the provider code that mints for it.
type minter struct {
	connection lanyard.Connection
	target     *provider.Target
	code       Meetings
	account    string // whose calls the provider counts together
}

func (s *Service) resolve(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) (m minter, err error) {
	var a lanyard.App
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if m.connection, _, err = q.Connection(p.Project, id); err != nil {
			return err
		}
		if err = p.Reaches(m.connection.Provider, m.connection.Label); err != nil {
			return err
		}
		a, err = q.App(p.Project, m.connection.App)
		return err
	})
	if err != nil {
		return m, err
	}
	ready, err := s.Apps.Open(ctx, a)
	if err != nil {
		return m, err
	}
	var ok bool
	if m.code, ok = ready.Target.Ability().(Meetings); !ok {
		return m, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no join tokens", ready.Target.Name)
	}
	m.target = ready.Target
	m.account, err = s.counted(ctx, m)
	return m, err
}

// counted names the account whose calls the provider counts together, whichever project
// they are of: the organisation, or, of somebody who is in none, their own. Who an account
// is and what is called both belong to the name: a project whose app has endpoints of its
// own cannot use up the calls of a company that it merely names.
func (s *Service) counted(ctx context.Context, m minter) (string, error) {
	is, err := s.Connections.Account(ctx, m.connection)
	whose := string(m.connection.Grant)
	if is.OrganizationID != "" {
		whose = is.OrganizationID
	}
	return strings.Join([]string{m.target.Endpoint("identity"), m.target.Endpoint("api"), whose}, " "), err
}

// one mints one token, in the account's turn; an access token that the provider refuses
// is renewed once, and what comes too fast for it is sent once more.
func (s *Service) one(ctx context.Context, p lanyard.Principal, m minter, meeting provider.Meeting, typ string) (Token, error) {
	kind := m.kind(typ)
	if kind.Type == "" {
		return Token{}, lanyard.Errorf(lanyard.CodeAbilityMissing, "%s has no %s tokens", m.target.Name, typ)
	}
	for again, slower := false, false; ; {
		access, err := s.Connections.Use(ctx, p, m.connection.ID, connection.TokenRequest{})
		if err != nil {
			return Token{}, err
		}
		if len(kind.Scopes) > 0 && !slices.ContainsFunc(kind.Scopes, func(sc string) bool { return slices.Contains(access.Scopes, sc) }) {
			return Token{}, &lanyard.Error{Code: lanyard.CodeScopesMissing, MissingScopes: kind.Scopes[:1], ReconnectURL: s.Connections.ReconnectURL(m.connection)}
		}
		if err := s.pace.Enter(ctx, m.account, m.connection.Project); err != nil {
			return Token{}, err
		}
		t, began := Token{Type: typ, SDK: kind.SDK}, time.Now()
		t.Token, t.ExpiresAt, err = m.mint(ctx, typ, access, meeting.Number)
		if e, ok := errors.AsType[*lanyard.Error](err); ok && e.Code == lanyard.CodeRateLimited {
			s.pace.Refused(m.account, began, e.RetryAfter)
			if !slower {
				slower = true
				continue
			}
		}
		if errors.Is(err, provider.ErrTokenRefused) && !again {
			if err := s.Connections.Refused(ctx, p, m.connection.ID, access.Fingerprint); err != nil {
				return Token{}, err
			}
			again = true
			continue
		}
		if errors.Is(err, provider.ErrTokenRefused) {
			err = &lanyard.Error{Code: lanyard.CodeProviderRefused, Message: "the provider refuses even a fresh access token", ReconnectURL: s.Connections.ReconnectURL(m.connection)}
		}
		if e, ok := errors.AsType[*lanyard.Error](err); ok && e.Code == lanyard.CodeScopesMissing && e.ReconnectURL == "" {
			shown := *e
			shown.ReconnectURL = s.Connections.ReconnectURL(m.connection)
			err = &shown
		}
		return t, err
	}
}

func (m minter) kind(typ string) provider.JoinToken {
	for _, k := range m.code.JoinTokens() {
		if k.Type == typ {
			return k
		}
	}
	return provider.JoinToken{}
}

func (m minter) mint(ctx context.Context, typ string, access connection.Token, meeting string) (lanyard.Secret, time.Time, error) {
	ctx, stop := context.WithTimeout(ctx, connection.Patience)
	defer stop()
	tokens := lanyard.TokenSet{Access: access.Access, TokenType: access.TokenType, APIBase: access.APIBase, Scopes: access.Scopes}
	switch typ {
	case OnBehalf:
		return m.code.OnBehalfToken(ctx, m.target, tokens, meeting)
	case ZAK:
		return m.code.ZAK(ctx, m.target, tokens)
	}
	return m.code.LocalRecordingToken(ctx, m.target, tokens, meeting)
}

// log writes one entry per join token, durable before the answer.
func (s *Service) log(ctx context.Context, p lanyard.Principal, c lanyard.Connection, typ string, meeting provider.Meeting, cause error) error {
	e, err := s.Connections.Entry(ctx, p, lanyard.ActJoinTokenMinted)
	if err != nil {
		return err
	}
	e = connection.About(e, c)
	e.Detail["type"] = typ
	if meeting.Number != "" {
		e.Detail["meeting_number"] = meeting.Number
	}
	if cause != nil {
		e = e.Failed(cause)
	}
	// Whoever asked may have hung up: the provider was asked all the same.
	return s.Store.Read(context.WithoutCancel(ctx), func(*store.Query) (lanyard.Entry, error) { return e, nil })
}

func (s *Service) denied(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, typ string, cause error) error {
	c := lanyard.Connection{}
	if lanyard.CodeOf(cause) == lanyard.CodeScopeMissing && lanyard.ValidID("con_", string(id)) {
		c.ID = id
	}
	if err := s.log(ctx, p, c, typ, provider.Meeting{}, cause); err != nil {
		return err
	}
	return lanyard.Recorded(cause)
}
