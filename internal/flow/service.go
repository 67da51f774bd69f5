package flow

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/grant"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Config is what a Service needs; every field but Logger is required.
type Config struct {
	Store       *store.DB
	Vault       *vault.Vault
	Providers   *provider.Set
	Apps        *app.Service
	Grants      *grant.Service
	Connections *connection.Service
	PublicURL   string // no slash at the end
	Logger      *slog.Logger
}

// Service carries people through the journeys. It is safe for concurrent use.
type Service struct {
	Config
	redeems singleflight.Group
	stop    context.Context // done: nobody waits any longer
	cancel  context.CancelFunc
}

// New returns a Service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c}
	s.stop, s.cancel = context.WithCancel(context.Background())
	return s
}

// Stop ends the long polls: whoever waits for news is told how things stand.
func (s *Service) Stop() { s.cancel() }

// The purposes of an invitation.
const (
	forConnect   = "connect"
	forReconnect = "reconnect"
	forLink      = "link"
)

// How a connection came.
const (
	originHosted    = "hosted"
	originOwn       = "own_callback"
	originUnbound   = lanyard.OriginUnbound
	originReconnect = "reconnect"
	originLink      = "link"
)

const (
	sessionFor     = 30 * time.Minute // an invitation, unless it says otherwise
	sessionForMost = 24 * time.Hour
	flowFor        = 10 * time.Minute // one trip to the provider (T02)
	completionFor  = 120 * time.Second
	handleFor      = time.Minute
)

// data is what a flow keeps sealed: the secrets of the trip, and the endpoints
// of the time it began, so that a change in between cannot send the code
// elsewhere (T03).
type data struct {
	State       string            `json:"state,omitempty"` // the caller's own, own-callback journey
	Verifier    string            `json:"verifier,omitempty"`
	Nonce       string            `json:"nonce,omitempty"`
	Target      json.RawMessage   `json:"target"`
	RedirectURI string            `json:"redirect_uri"`
	Needed      []string          `json:"needed"`
	Optional    []string          `json:"optional,omitempty"`
	Label       string            `json:"label,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Origin      string            `json:"origin"`            // of the connection: hosted, own_callback, reconnect, link, unbound_code
	Expects     bool              `json:"expects,omitempty"` // the invitation says whose account it has to be
	// Reconnect: the connection and the account that are expected (T09).
	Connection lanyard.ConnectionID `json:"connection,omitempty"`

	// A code without state: what only the caller of the time can judge was to be judged.
	Judged bool                                    `json:"judged,omitempty"`
	accept func(provider.Identity, []string) error // theirs, while they wait

	Read    *read     `json:"read,omitempty"`   // what the person was shown; nil: no page of ours
	Granted time.Time `json:"granted,omitzero"` // the provider's answer came; zero: not to us
}

func (d data) requested() []string { return append(append([]string{}, d.Needed...), d.Optional...) }

func flowPlace(f lanyard.Flow, field string) vault.Place {
	return vault.Place{Project: f.Project, Row: string(f.ID), Field: field}
}

func (s *Service) sealData(ctx context.Context, f lanyard.Flow, d data) ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return s.Vault.Seal(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.sealed"), lanyard.SecretBytes(raw))
}

func (s *Service) openData(ctx context.Context, f lanyard.Flow) (d data, err error) {
	raw, err := s.Vault.Open(ctx, vault.ProjectKey(f.Project), flowPlace(f, "flows.sealed"), f.Sealed)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(raw.Reveal(), &d); err != nil {
		return d, fmt.Errorf("read flow: %w", err)
	}
	return d, nil
}

// begin makes a flow and the URL that starts it. target is the app's.
func (s *Service) begin(ctx context.Context, f *lanyard.Flow, d data, t *provider.Target) (url, state string, err error) {
	state = lanyard.Random(32)
	f.State = lanyard.FlowStarted
	f.StateHash = s.Vault.Digest("", "state", state)
	req := provider.AuthorizeRequest{RedirectURI: d.RedirectURI, State: state, Scopes: d.Needed, ScopesOptional: d.Optional}
	d.Nonce = lanyard.Random(32)
	req.Nonce = d.Nonce
	if t.PKCE {
		d.Verifier = lanyard.Random(32) // 43 characters (RFC 7636 §4.1)
		req.Challenge = challenge(d.Verifier)
	}
	d.Target = t.Snapshot()
	f.Sealed, err = s.sealData(ctx, *f, d)
	return t.AuthorizeURL(req), state, err
}

// ready resolves the app of a flow with the endpoints of the time it began.
func (s *Service) ready(ctx context.Context, f lanyard.Flow, d data) (app.Ready, error) {
	var a lanyard.App
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		a, err = appOf(q, f.Project, f.App)
		return err
	})
	if err != nil {
		return app.Ready{}, err
	}
	r, err := s.Apps.Open(ctx, a)
	if err != nil {
		return r, err
	}
	r.Target, err = s.Providers.RestoreTarget(d.Target)
	return r, err
}

// entry starts an entry by a person in a browser: where they came from is sealed
// under their own key.
func (s *Service) entry(ctx context.Context, f lanyard.Flow, what lanyard.Action, from lanyard.Origin, requestID string) (lanyard.Entry, error) {
	p := lanyard.Principal{Project: f.Project, Name: "person", RequestID: requestID}
	e := lanyard.NewEntry(p, what)
	e.App, e.Session, e.Person = f.App, f.Session, f.Person
	var err error
	if from != (lanyard.Origin{}) {
		e.Sealed, err = s.Vault.SealOrigin(ctx, vault.PersonKey(f.Project, f.Person), e.ID, from)
	}
	return e, err
}

func cookieName(stateHash []byte) string { return "flow_" + hex.EncodeToString(stateHash[:6]) }
