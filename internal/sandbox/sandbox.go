package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Names of the pretend providers; each is also the first element of its paths.
const (
	Zoom      = "zoom"
	Google    = "google"
	Microsoft = "microsoft"
	Slack     = "slack"
	OIDC      = "oidc"
)

// Config says what a Sandbox starts with. The zero value works once BaseURL is known.
type Config struct {
	// BaseURL is where browsers and apps reach the sandbox, "http://127.0.0.1:4001", without a final slash.
	// It may be left empty and given to SetBaseURL once a port is known.
	BaseURL string

	// Clients are registered at start, and again by Reset.
	Clients []Client

	// AccessTTL overrides, by provider, how long access tokens live where a client does not say.
	AccessTTL map[string]time.Duration

	// LedgerLimit is how many ledger entries are kept; the oldest go first. 0: 100 000.
	LedgerLimit int

	// OpenRegistration lets the page for an unknown client_id show the admin call that would register it.
	// Nobody is ever registered silently.
	OpenRegistration bool

	// Crowd is how many people there are at each provider beside the cast: "p1", "p2", … They are on no page.
	Crowd int

	// OnEntry is told each line of the ledger as it is written, under the sandbox's lock: it must neither wait nor call back. nil: nobody.
	OnEntry func(Entry)

	// Transport carries webhooks out. nil: plain net/http without keep-alive and without a proxy.
	Transport http.RoundTripper

	// Logger is told about webhooks and faults, never about a secret. nil: silence.
	Logger *slog.Logger
}

// Sandbox is a set of pretend providers, with all their state in memory. It is safe for concurrent use.
type Sandbox struct {
	config  Config
	log     *slog.Logger
	handler http.Handler
	courier *courier
	stop    context.CancelFunc
	done    <-chan struct{}

	mu        sync.Mutex // guards all below; handlers of providers run under it and write to a buffer
	base      string
	providers map[string]*provider
	order     []string
	clients   []*Client
	grants    []*grant
	tokens    tokenStore
	pending   map[string]*authRequest
	codes     map[string]*authCode
	sweepAt   int // so many codes are swept next
	meetings  map[string]*meeting
	ledger    ledger
	faults    []*Fault
	serial    int64
}

// New returns a sandbox, or says which part of the configuration it cannot work with.
func New(c Config) (*Sandbox, error) {
	if c.LedgerLimit == 0 {
		c.LedgerLimit = 100_000
	}
	if c.LedgerLimit < 0 || c.Crowd < 0 {
		return nil, fmt.Errorf("sandbox: LedgerLimit %d or Crowd %d is negative", c.LedgerLimit, c.Crowd)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Sandbox{config: c, log: c.Logger, stop: stop, done: ctx.Done()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.courier = newCourier(ctx, c.Transport, s.noteDelivery)
	s.providers, s.order = allProviders()
	for name, ttl := range c.AccessTTL {
		p := s.providers[name]
		if p == nil {
			return nil, fmt.Errorf("sandbox: AccessTTL names an unknown provider %q", name)
		}
		if ttl < time.Second {
			return nil, fmt.Errorf("sandbox: AccessTTL of %s is %s; give one second or more", name, ttl)
		}
		p.accessTTL = ttl
	}
	if c.BaseURL != "" {
		if err := s.SetBaseURL(c.BaseURL); err != nil {
			return nil, err
		}
	}
	if err := s.Reset(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// Handler serves every provider, the admin API, the style sheet and a page that lists them.
// A fault that drops the connection panics with http.ErrAbortHandler, as net/http expects.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// SetBaseURL says where the sandbox is reached, once its port is known.
func (s *Sandbox) SetBaseURL(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("sandbox: BaseURL %q is not like http://127.0.0.1:4001", base)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimSuffix(base, "/")
	return nil
}

// BaseURL is where the sandbox is reached.
func (s *Sandbox) BaseURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// Close ends deliveries under way and waits for them.
func (s *Sandbox) Close() {
	s.stop()
	s.courier.wait()
}

// Reset forgets everything but the configuration: grants, tokens, meetings, faults, ledger and clients made since the start.
func (s *Sandbox) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients, s.grants, s.faults = nil, nil, nil
	s.tokens = newTokenStore()
	s.pending = map[string]*authRequest{}
	s.codes = map[string]*authCode{}
	s.meetings = map[string]*meeting{}
	s.ledger = ledger{limit: s.config.LedgerLimit, told: s.config.OnEntry}
	for _, p := range s.providers {
		p.people, p.crowd = cast(p.id), crowd(p.id, s.config.Crowd)
	}
	var errs []error
	for _, c := range s.config.Clients {
		if _, err := s.addClient(c); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// next numbers things in the order they were made.
func (s *Sandbox) next(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s%d", prefix, s.serial)
}

func (s *Sandbox) client(provider, id string) *Client {
	i := slices.IndexFunc(s.clients, func(c *Client) bool { return c.Provider == provider && c.ID == id })
	if i < 0 {
		return nil
	}
	return s.clients[i]
}
