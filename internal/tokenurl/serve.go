package tokenurl

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/access"
	"lanyard/internal/jointoken"
	"lanyard/internal/web"
)

const (
	prefix  = "/t/"
	pattern = "/t/{secret}"

	perSecond = 50               // calls of one URL: a whole workspace's bots at the full hour
	patience  = 20 * time.Second // Attendee hangs up after 30
	shortest  = 50               // what MeetStream's bots take for a token is longer
)

// Config is what the front needs; Bots may be left out.
type Config struct {
	Access *access.Service
	Tokens *jointoken.Service
	Front  *web.Front
	// Bots mints for a URL that was made for a bot, if its meeting is the one that is said, if
	// one is; nil: there are none.
	Bots func(ctx context.Context, p lanyard.Principal, bot lanyard.BotID, types []string, meeting string) (jointoken.First, error)
}

// methods are those of a token URL. HEAD is none: a look must not use up what works once.
var methods = []string{http.MethodGet, http.MethodPost}

// Mount registers the front.
func Mount(c Config) {
	s := &service{c, web.NewBuckets(perSecond, time.Second)}
	c.Front.HandleRaw(prefix, pattern, s)
	for _, method := range methods {
		o := web.Outside{Operation: web.Operation{Method: method, Path: pattern, ID: web.OperationID("useTokenURL", method, ""), Tag: "Token URLs", Scope: web.Capability,
			Summary:     "Get what the token URL hands out",
			Description: "For bot vendors: the address is the credential. How it is asked and answers is the URL's contract, which is the vendor's: see docs/token-urls.md."},
			Answers: "The token, in plain text or as the contract has it", Fails: "A sentence for a person; after a POST JSON, with `message`, `error` and `code`"}
		if method == http.MethodPost {
			o.Body = "application/json"
		}
		c.Front.Describe(o)
	}
}

type service struct {
	Config
	calls *web.Buckets
}

// ServeHTTP answers one call.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	ctx, stop := context.WithTimeout(r.Context(), patience)
	defer stop()
	r = r.WithContext(ctx)
	web.LimitBody(w, r)
	text := r.Method == http.MethodGet
	if !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		s.refuse(w, r, true, jointoken.HandedOut{}, lanyard.Errorf(lanyard.CodeMethodNotAllowed, "a token URL is asked with GET or POST"))
		return
	}
	p, u, err := s.admit(r)
	if err != nil {
		s.refuse(w, r, text, jointoken.HandedOut{}, err)
		return
	}
	if text && u.Contract == lanyard.ContractAttendee {
		w.Header().Set("Allow", "POST")
		s.refuse(w, r, text, jointoken.HandedOut{}, lanyard.Errorf(lanyard.CodeMethodNotAllowed, "Attendee asks this token URL with POST"))
		return
	}
	out, err := s.handOut(w, r, p, u)
	if err != nil {
		s.refuse(w, r, text, out, s.invite(ctx, u, s.Front.Record(r, p, err)))
		return
	}
	s.answer(w, r, u, out)
}

// admit says whose URL it is, and whether it may be called now.
func (s *service) admit(r *http.Request) (lanyard.Principal, lanyard.TokenURL, error) {
	rq := web.RequestOf(r.Context())
	p, u, err := s.Access.TokenURL(r.Context(), strings.TrimPrefix(r.URL.EscapedPath(), prefix), rq.Origin, rq.ID)
	if err != nil {
		return p, u, s.Front.Refuse(r, p, err)
	}
	if wait, ok := s.calls.Take(string(u.ID)); !ok {
		e := lanyard.Errorf(lanyard.CodeRateLimited, "this token URL is called too often")
		e.RetryAfter = max(wait, time.Second)
		err = e
	}
	return p, u, err
}

// handOut reads a call in the words of the URL's contract, and mints.
func (s *service) handOut(w http.ResponseWriter, r *http.Request, p lanyard.Principal, u lanyard.TokenURL) (jointoken.HandedOut, error) {
	asked, proof, err := read(w, r, u.Contract)
	if err == nil {
		err = s.Tokens.Proved(r.Context(), u, proof)
		if errors.Is(err, lanyard.Unauthenticated) {
			err = s.Front.Refuse(r, p, err)
		}
	}
	if err != nil {
		return jointoken.HandedOut{}, err
	}
	if u.Bot == "" {
		return s.Tokens.HandOut(r.Context(), p, u, asked)
	}
	return s.forBot(r.Context(), p, u, asked)
}

// invite adds to the refusal of somebody who has nothing connected the link with which they
// connect, or, where there can be none, what whoever reads it can do.
func (s *service) invite(ctx context.Context, u lanyard.TokenURL, err error) error {
	e, ok := errors.AsType[*lanyard.Error](err)
	if !ok || status(e.Code) != http.StatusNotFound {
		return err
	}
	with := *e
	with.ConnectURL, _ = s.Tokens.ConnectURL(ctx, u, e) // an error: then there is no link, and why they were refused is said all the same
	if with.ConnectURL == "" && e.Code == lanyard.CodeConnectionNeeded {
		with.Message = e.Error() + ": invite them with POST /v1/connect-sessions, which makes a link for them"
	}
	return &with
}

// forBot asks the bot that the URL was made for. What the call says of the meeting must be
// the bot's own.
func (s *service) forBot(ctx context.Context, p lanyard.Principal, u lanyard.TokenURL, a jointoken.Asked) (out jointoken.HandedOut, err error) {
	if s.Bots == nil {
		return out, lanyard.Errorf(lanyard.CodeTokenURLInvalid, "")
	}
	said := ""
	if a.MeetingNumber != "" || a.MeetingURL != "" {
		m, err := s.Tokens.Which(a.MeetingURL, a.MeetingNumber)
		if err != nil {
			return out, err
		}
		said = m.Number
	}
	first, err := s.Bots(ctx, p, u.Bot, u.Types, said)
	out.Meeting, out.Skipped, out.Failed = first.Meeting, first.Skipped, first.Failed
	for _, t := range first.Tokens {
		out.Tokens = append(out.Tokens, jointoken.Handed{Type: t.Type, Token: t.Token, ExpiresAt: t.ExpiresAt, Connection: first.Used.ID})
	}
	return out, err
}
