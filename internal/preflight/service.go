package preflight

import (
	"context"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/jointoken"
	"lanyard/internal/meeting"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store       *store.DB
	Apps        *app.Service
	Connections *connection.Service
	Meetings    *meeting.Service
	JoinTokens  *jointoken.Service
}

// Service looks ahead. It is safe for concurrent use.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

const (
	// MostCandidates is how many connections one answer is about.
	MostCandidates = 20
	// mostTrials is for how many of them the provider is asked, until one works.
	mostTrials = 3
)

// Question says who is to join what, and when.
type Question struct {
	MeetingURL    string // any shape of link, or
	MeetingNumber string
	Candidates    []lanyard.Candidate // in order
	Who           []jointoken.Who     // the same as callers name them; whom nobody knows is a refusal and no error. Neither: whoever hosts the meeting
	At            time.Time           // zero: now
	Types         []string            // of join tokens; none: those that Allow has, or onbehalf
	Allow         *lanyard.BotAllow   // what the bot may use; nil: everything
	Mint          bool                // ask the provider, where that has no effect
}

// What a line can be about.
const (
	Link        = "link"
	Key         = "key"         // what the caller's key, or the bot, may use
	Connection  = "connection"  // of a candidate
	Hour        = "hour"        // whether it will still be there
	Scopes      = "scopes"      // what the person has allowed
	Host        = "host"        // whose meeting it is
	Presence    = "presence"    // of the person, in the meeting
	Credentials = "credentials" // of the app
	Publication = "publication" // the app's approval
	Mint        = "mint"        // the trial
)

// What a line can say.
const (
	Proved  = provider.CheckProved
	Refused = provider.CheckRefused
	Unknown = provider.CheckUnknown
)

// What Report.Can can be.
const (
	Yes   = "yes"
	No    = "no"
	Maybe = "unknown"
)

// Line is one thing that was looked at.
type Line struct {
	About         string
	Verdict       string
	Connection    lanyard.ConnectionID // of whom; empty: of all
	EndUser       string               // of whom, where they were named so and have no connection
	Type          string               // of join tokens; empty: of all
	By            string               // who proved or refused it, or alone could say: "lanyard", "person", "host", "administrator", "operator", or the provider's id
	Say           string               // what was found
	Do            string               // the next step; empty: none
	Code          lanyard.Code         // a row of docs/errors.md; empty: nothing is refused
	MissingScopes []string
	ReconnectURL  string // where the person can mend it
}

// Report is the answer.
type Report struct {
	Provider string           // whose meeting it is; empty: of none that takes join tokens of ours
	Meeting  provider.Meeting // what the link or number holds
	Can      string           // yes, no, unknown
	Summary  string           // in a sentence or two
	Lines    []Line
	Best     lanyard.ConnectionID // on whose behalf, as it looks now; empty: nobody's
}

// Check answers a question. What is refused is in the report; an error is about the
// question itself.
//
// Errors: not_found for a connection that is not there or another project's,
// key_limited, invalid_request, scope_missing (the key needs read or connect).
func (s *Service) Check(ctx context.Context, p lanyard.Principal, q Question) (Report, error) {
	if !p.May(lanyard.ScopeConnect) {
		if err := p.Need(lanyard.ScopeRead); err != nil {
			return Report{}, err
		}
	}
	l := &look{s: s, p: p, q: q, now: s.Store.Clock(), names: p.May(lanyard.ScopeRead)}
	// The answer is about connections that the key may make bots for; whose names are in
	// it only for a key that reads them.
	l.p.Scopes = append(slices.Clone(p.Scopes), lanyard.ScopeRead)
	if err := l.types(); err != nil {
		return Report{}, err
	}
	link := l.link()
	if l.out.Provider == "" && l.out.Meeting.Number == "" && link.Code == "" {
		return l.elsewhere(link), nil
	}
	if err := l.find(ctx); err != nil {
		return Report{}, err
	}
	if err := l.whose(ctx); err != nil {
		return Report{}, err
	}
	l.host()
	for _, c := range l.candidates {
		l.person(c)
	}
	for _, c := range l.candidates {
		if err := l.client(ctx, c); err != nil {
			return Report{}, err
		}
	}
	if q.Mint && !l.silent {
		l.trials(ctx)
	}
	return l.sum(), nil
}

// look is one answer in the making.
type look struct {
	s     *Service
	p     lanyard.Principal // with the right to read, for the services below
	q     Question
	now   time.Time
	names bool // people may be named

	want       []string // types
	known      meeting.Answer
	candidates []*candidate
	apps       map[lanyard.AppID]chance
	all        chance // what holds for every candidate
	silent     bool   // the provider does not answer
	out        Report
}

// chance is how it looks: the worst of what is needed together, the best of what can
// stand in for another.
type chance int

const (
	none chance = iota
	open
	sure
)

// add puts a line into the answer and returns what it means for the chances.
func (l *look) add(line Line) chance {
	l.out.Lines = append(l.out.Lines, line)
	return map[string]chance{Proved: sure, Refused: none, Unknown: open}[line.Verdict]
}

// later says whether the question is about another time than now.
func (l *look) later() bool { return l.q.At.Sub(l.now) > time.Minute }

// types settles which join tokens are asked about, and whether bot and key may have them.
func (l *look) types() error {
	l.all = sure
	l.want = l.q.Types
	if len(l.want) == 0 && l.q.Allow != nil {
		l.want = l.q.Allow.Types
	}
	if len(l.want) == 0 {
		l.want = []string{jointoken.OnBehalf}
	}
	may := l.want[:0:0]
	for i, t := range l.want {
		scope := lanyard.ScopeOfType(t)
		switch {
		case deeds[t] == "" || slices.Contains(l.want[:i], t):
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "types: onbehalf, zak and local_recording, each once")
		case l.q.Allow != nil && !slices.Contains(l.q.Allow.Types, t):
			l.add(Line{About: Key, Verdict: Refused, Type: t, By: "operator", Code: lanyard.CodeKeyLimited,
				Say: "This bot is not allowed to " + deeds[t] + ".", Do: "Whoever makes the bot has to allow it."})
		case !l.p.May(scope):
			l.add(Line{About: Key, Verdict: Refused, Type: t, By: "operator", Code: lanyard.CodeScopeMissing,
				Say: "The API key that asks may not have what a bot needs to " + deeds[t] + ".",
				Do:  "Whoever runs the bots has to use a key with the scope " + string(scope) + "."})
		default:
			may = append(may, t)
		}
	}
	if l.want = may; len(may) == 0 {
		l.all = none
	}
	return nil
}

// deeds says what each type is for.
var deeds = map[string]string{
	jointoken.OnBehalf:       "join on behalf of a person who is in the meeting",
	jointoken.ZAK:            "start and join meetings as if it were the person",
	jointoken.LocalRecording: "record without asking first",
}
