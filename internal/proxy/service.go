package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/egress"
	"lanyard/internal/store"
	"lanyard/internal/web"
)

// Bots says what a bot may call, and on whose behalf.
type Bots interface {
	Rules(ctx context.Context, p lanyard.Principal, bot lanyard.BotID) ([]lanyard.ProxyRule, []lanyard.Candidate, error)
}

// Config is what a Service needs.
type Config struct {
	Store       *store.DB
	Apps        *app.Service
	Connections *connection.Service
	Out         *egress.Client
	Front       *web.Front
	Bots        Bots          // nil: there are none, and their keys are refused
	MaxBytes    int64         // of a body, and of an answer; 0: 1 GiB
	MaxTime     time.Duration // of a call, body and answer included; 0: 15 minutes
	Idle        time.Duration // without a byte from the caller, or from the provider, or to the caller; 0: a minute
	Logger      *slog.Logger
	InFlight    int // calls of one project at once; 0: 256
}

// Service is the proxy. It is safe for concurrent use.
type Service struct {
	Config
	mu    sync.Mutex
	calls map[lanyard.ProjectID]int // under way
}

// New returns a Service.
func New(c Config) *Service {
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	if c.MaxTime == 0 {
		c.MaxTime = 15 * time.Minute
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	c.Idle = min(c.Idle, c.MaxTime)
	if c.InFlight == 0 {
		c.InFlight = 256
	}
	return &Service{Config: c, calls: map[lanyard.ProjectID]int{}}
}

// Mount registers the proxy.
func (s *Service) Mount() {
	const pattern = Prefix + "{connection_id}/{path...}"
	s.Front.HandleRaw(Prefix, pattern, http.HandlerFunc(s.serve))
	for _, method := range lanyard.ProxyMethods {
		o := web.Outside{Operation: web.Operation{Method: method, Path: pattern, ID: web.OperationID("proxy", method, ""), Tag: "Proxy", Scope: lanyard.ScopeProxy, ForBot: true,
			Summary:     method + " at the provider",
			Description: "The call is made at the provider of the connection, with its token, which the caller does not see. The path is the provider's, and so are the query and the headers. `Lanyard-Answer: provider` is on what the provider has answered."},
			Answers: "What the provider has answered, its refusals too", Fails: "A problem (RFC 9457), without `Lanyard-Answer`"}
		if method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions {
			o.Body = "*/*"
		}
		s.Front.Describe(o)
	}
}

// enter counts a call of a project; false: it has as many as it may.
func (s *Service) enter(p lanyard.ProjectID) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[p] >= s.InFlight {
		return nil, false
	}
	s.calls[p]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls[p]--; s.calls[p] == 0 {
			delete(s.calls, p)
		}
	}, true
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	p, err := s.Front.AdmitBot(r, lanyard.ScopeProxy)
	if err != nil {
		s.Front.WriteProblem(w, r, err)
		return
	}
	leave, ok := s.enter(p.Project)
	if !ok {
		e := lanyard.Errorf(lanyard.CodeRateLimited, "the project has as many calls under way as it may have at once")
		e.RetryAfter = time.Second
		s.Front.WriteProblem(w, r, e)
		return
	}
	defer leave()
	ctx, stop := context.WithTimeout(r.Context(), s.MaxTime)
	defer stop()
	c, err := readCall(p, r)
	if err == nil {
		c.limit = s.MaxBytes
		err = s.resolve(ctx, c)
	}
	rc := http.NewResponseController(w)
	if err == nil {
		c.body, err = s.takeBody(r, rc)
	}
	var resp *http.Response
	if err == nil {
		_ = rc.EnableFullDuplex() // HTTP/1: an answer may begin before the body has ended; HTTP/2 always can
		defer func() { _ = r.Body.Close() }()
		resp, err = s.do(ctx, c)
	}
	if err != nil {
		s.refuse(ctx, w, r, c, nil, err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	s.pass(ctx, stop, w, r, c, resp)
}
