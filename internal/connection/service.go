package connection

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/grant"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Config is what a Service needs; Logger and Between may be left out.
type Config struct {
	Store     *store.DB
	Vault     *vault.Vault
	Apps      *app.Service
	Grants    *grant.Service
	PublicURL string // no slash at the end
	Logger    *slog.Logger
	Between   time.Duration // how soon a forced renewal may follow another (T26); 0: 30 seconds

	ConsentsFor time.Duration // how long a consent that ended is kept; 0: until its person is erased
}

// Service keeps connections. It is safe for concurrent use.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Between == 0 {
		c.Between = 30 * time.Second
	}
	return &Service{c}
}

// View is a connection with what belongs to it, opened for its owner.
type View struct {
	lanyard.Connection
	Grant   lanyard.Grant // without its tokens
	Person  lanyard.PersonData
	Kind    string // of the person: "person" or "organization"
	Account lanyard.AccountData
	Status  lanyard.Status
	Missing []string // needed scopes that were not granted
}

// Get returns one connection.
func (s *Service) Get(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID) (View, error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return View{}, err
	}
	var c lanyard.Connection
	var g lanyard.Grant
	var who lanyard.Person
	err := s.Store.View(ctx, func(q *store.Query) (err error) {
		if c, g, err = q.Connection(p.Project, id); err != nil {
			return err
		}
		who, err = q.Person(p.Project, c.Person)
		return err
	})
	if err != nil {
		return View{}, err
	}
	if err := s.there(p, c); err != nil {
		return View{}, err
	}
	if err := p.Reaches(c.Provider, c.Label); err != nil {
		return View{}, err
	}
	return s.view(ctx, c, g, who)
}

// Find is List for one end user, by the customer's own id; "" means all.
func (s *Service) Find(ctx context.Context, p lanyard.Principal, endUser string, f lanyard.ConnectionFilter, page lanyard.Page) ([]View, string, error) {
	if endUser != "" {
		who, err := s.FindPerson(ctx, p.Project, endUser)
		if errors.Is(err, lanyard.NotFound) {
			return nil, "", p.Need(lanyard.ScopeRead)
		}
		if err != nil {
			return nil, "", err
		}
		f.Person = who.ID
	}
	return s.List(ctx, p, f, page)
}

// List returns connections that fit the filter, newest first, and the next cursor.
func (s *Service) List(ctx context.Context, p lanyard.Principal, f lanyard.ConnectionFilter, page lanyard.Page) (out []View, next string, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, "", err
	}
	if p.Person != "" { // whatever was asked for
		f.Person = p.Person
	}
	var held []store.Held
	people := map[lanyard.PersonID]lanyard.Person{}
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if held, next, err = q.Connections(p.Project, f, page); err != nil {
			return err
		}
		var ids []lanyard.PersonID
		for _, h := range held {
			ids = append(ids, h.Connection.Person)
		}
		slices.Sort(ids)
		some, err := q.People(p.Project, slices.Compact(ids))
		for _, who := range some {
			people[who.ID] = who
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for _, h := range held {
		who, ok := people[h.Connection.Person]
		if !ok || p.Reaches(h.Connection.Provider, h.Connection.Label) != nil { // erased meanwhile; beyond the key
			continue
		}
		v, err := s.view(ctx, h.Connection, h.Grant, who)
		if err != nil {
			return nil, "", err
		}
		out = append(out, v)
	}
	return out, next, nil
}

// Change is what a customer may change of a connection; nil leaves it.
type Change struct {
	Label    *string
	Metadata map[string]string
	Paused   *bool
	NeededAt *time.Time // a meeting needs a token then; within 90 days
}

// Update changes a connection's label, metadata or pause, or notes when it is needed.
func (s *Service) Update(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, ch Change) (View, error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return View{}, err
	}
	if err := ValidMetadata(ch.Metadata); err != nil {
		return View{}, err
	}
	if at := ch.NeededAt; at != nil && (at.Before(time.Now()) || at.After(time.Now().Add(90*24*time.Hour))) {
		return View{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "needed_at must be a time within the next 90 days")
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e := lanyard.NewEntry(p, lanyard.ActConnectionChanged)
		c, g, err := lockedHold(tx, p.Project, id)
		if err == nil {
			err = s.there(p, c)
		}
		if err != nil {
			return e.Failed(err), err
		}
		e = About(e, c)
		if err := p.Reaches(c.Provider, c.Label); err != nil {
			return e.Failed(err), err
		}
		if c.State == lanyard.Revoked {
			return lanyard.Entry{}, lanyard.Errorf(lanyard.CodeConnectionRevoked, "")
		}
		was := StatusOf(c, g)
		if ch.Label != nil {
			c.Label = *ch.Label
			if err := p.Reaches(c.Provider, c.Label); err != nil { // nor does a limited key give away what it holds
				return e.Failed(err), err
			}
		}
		if ch.Metadata != nil {
			c.Metadata = ch.Metadata
		}
		if ch.Paused != nil {
			c.State = map[bool]lanyard.ConnectionState{true: lanyard.Paused, false: lanyard.Live}[*ch.Paused]
		}
		c.UpdatedAt = tx.Now()
		if err := tx.PutConnection(c); err != nil {
			return lanyard.Entry{}, err
		}
		if ch.NeededAt != nil {
			if err := s.Grants.Need(tx, g, ch.NeededAt.UTC()); err != nil {
				return lanyard.Entry{}, err
			}
		}
		ch := lanyard.Change{Was: was, Is: StatusOf(c, g), Why: lanyard.CauseWish, Reason: g.Reason, Missing: lanyard.MissingScopes(c.Needed, g.Scopes)}
		if ev, told := c.Changed(ch); told {
			e.Detail["status"] = string(ch.Is)
			return e, tx.AddEvent(ev)
		}
		return e, nil
	})
	if err != nil {
		return View{}, err
	}
	p = p.Also(lanyard.ScopeRead) // the answer shows what was changed
	return s.Get(ctx, p, id)
}

// Attempts lists the calls to the token endpoint for a connection's grant,
// newest first.
func (s *Service) Attempts(ctx context.Context, p lanyard.Principal, id lanyard.ConnectionID, page lanyard.Page) (out []lanyard.Attempt, next string, err error) {
	if err := p.Need(lanyard.ScopeRead); err != nil {
		return nil, "", err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		c, g, err := q.Connection(p.Project, id)
		if err == nil {
			err = s.there(p, c)
		}
		if err != nil {
			return err
		}
		if err := p.Reaches(c.Provider, c.Label); err != nil {
			return err
		}
		out, next, err = q.Attempts(p.Project, g.ID, page)
		return err
	})
	return out, next, err
}

// there says that a connection is absent to a person whose it is not.
func (s *Service) there(p lanyard.Principal, c lanyard.Connection) error {
	if p.Sees(c.Person) {
		return nil
	}
	return lanyard.Errorf(lanyard.CodeNotFound, "")
}

// StatusOf is lanyard.StatusOf for a connection and its grant.
func StatusOf(c lanyard.Connection, g lanyard.Grant) lanyard.Status {
	return lanyard.StatusOf(c.State, g.Health, lanyard.MissingScopes(c.Needed, g.Scopes))
}

// About puts a connection's names into an entry.
func About(e lanyard.Entry, c lanyard.Connection) lanyard.Entry {
	e.App, e.Connection, e.Grant = c.App, c.ID, c.Grant
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	if c.Provider != "" {
		e.Detail["provider"] = c.Provider
	}
	return e
}

// ValidMetadata refuses metadata that is too large: 20 members, names of 40 and
// values of 500 characters.
func ValidMetadata(m map[string]string) error {
	if len(m) > 20 {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "metadata: at most 20 members")
	}
	for k, v := range m {
		if k == "" || len(k) > 40 || len(v) > 500 {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "metadata: names have 1 to 40 characters, values at most 500")
		}
	}
	return nil
}

// VendorsMetadata is ValidMetadata for what came in a vendor's words: as much as the vendors
// take, 1000 characters of JSON, however it is divided.
func VendorsMetadata(m map[string]string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(m) == nil && b.Len()-len("\n") <= 1000 {
		return nil
	}
	return ValidMetadata(m)
}

func (s *Service) view(ctx context.Context, c lanyard.Connection, g lanyard.Grant, who lanyard.Person) (View, error) {
	is, err := s.OpenPerson(ctx, who)
	if err != nil {
		return View{}, err
	}
	return s.viewOf(ctx, c, g, is, who.Kind)
}

// viewOf is view for a person who is opened already.
func (s *Service) viewOf(ctx context.Context, c lanyard.Connection, g lanyard.Grant, who lanyard.PersonData, kind string) (v View, err error) {
	v = View{Connection: c, Grant: g, Person: who, Kind: kind, Missing: lanyard.MissingScopes(c.Needed, g.Scopes), Status: StatusOf(c, g)}
	v.Grant.Tokens, v.Grant.Previous = nil, nil
	v.Account, err = s.Account(ctx, c)
	return v, err
}

func accountPlace(c lanyard.Connection) vault.Place {
	return vault.Place{Project: c.Project, Row: string(c.ID), Field: "connections.account"}
}
