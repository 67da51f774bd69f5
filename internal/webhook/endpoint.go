package webhook

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
)

const (
	mostEndpoints = 50 // of a project
	mostTypes     = 50 // of an endpoint's filter
	mostOverlap   = 7 * 24 * time.Hour
)

// Spec is what can be said about an endpoint. In a change, nil leaves a field as it is.
type Spec struct {
	Name    *string
	URL     *string
	Format  lanyard.EndpointFormat // of a new one; empty: standard. It never changes
	Types   []lanyard.EventType    // empty and not nil: all
	Enabled *bool
}

// Create makes an endpoint, enabled, and returns the secret with which its messages
// are signed: this once. It is told of what happens from now on. Errors:
// invalid_request names what is wrong; webhook_limit.
func (s *Service) Create(ctx context.Context, p lanyard.Principal, spec Spec) (lanyard.Endpoint, lanyard.Secret, error) {
	none := lanyard.Secret{}
	if err := may(p); err != nil {
		return lanyard.Endpoint{}, none, err
	}
	e := lanyard.Endpoint{ID: lanyard.NewID[lanyard.EndpointID]("we_"), Project: p.Project, Format: spec.Format, State: lanyard.EndpointEnabled}
	if e.Format == "" {
		e.Format = lanyard.FormatStandard
	}
	if !slices.Contains(lanyard.EndpointFormats, e.Format) {
		return e, none, lanyard.Errorf(lanyard.CodeInvalidRequest, "format: standard, attendee or meetstream")
	}
	if err := s.change(&e, spec); err != nil {
		return e, none, err
	}
	secret, err := newSecret(), error(nil)
	e.PublicKey = publicKey(secret)
	if e.Secret, err = s.seal(ctx, e, fieldSecret, secret); err != nil {
		return e, none, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if n, err := tx.CountEndpoints(p.Project); err != nil || n >= mostEndpoints {
			if err == nil {
				err = lanyard.Errorf(lanyard.CodeWebhookLimit, "")
			}
			return lanyard.Entry{}, err
		}
		e.CreatedAt, e.UpdatedAt = tx.Now(), tx.Now()
		return describe(p, e, "created"), tx.AddEndpoint(e)
	})
	return e, shown(e.Format, secret), err
}

// Get returns one endpoint.
func (s *Service) Get(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID) (e lanyard.Endpoint, err error) {
	if err := may(p); err != nil {
		return e, err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		e, err = public(q.Endpoint(p.Project, id))
		return err
	})
	return e, err
}

// List returns the project's endpoints, newest first, and the next cursor.
func (s *Service) List(ctx context.Context, p lanyard.Principal, page lanyard.Page) (list []lanyard.Endpoint, next string, err error) {
	if err := may(p); err != nil {
		return nil, "", err
	}
	err = s.Store.View(ctx, func(q *store.Query) error {
		list, next, err = q.Endpoints(p.Project, page)
		return err
	})
	return list, next, err
}

// Update changes an endpoint. Enabling it forgets that it has failed; disabling it
// stops what is on its way there.
func (s *Service) Update(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID, spec Spec) (e lanyard.Endpoint, err error) {
	err = s.alter(ctx, p, id, "updated", &e, func(tx *store.Tx) error {
		was := e
		if err := s.change(&e, spec); err != nil {
			return err
		}
		if e.State == lanyard.EndpointDisabled && was.State == lanyard.EndpointEnabled {
			if err := tx.StopDeliveries(id); err != nil {
				return err
			}
		}
		if e.URL != was.URL || spec.Enabled != nil && *spec.Enabled {
			e.FailingSince, e.HoldUntil = time.Time{}, time.Time{}
			return tx.EndpointWorked(id)
		}
		return nil
	})
	return e, err
}

// Rotate gives an endpoint a new secret and returns it, this once. The old one signs
// as well for the time of overlap, at most seven days. The vendors' formats have
// room for one signature: there the new one holds at once.
func (s *Service) Rotate(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID, overlap time.Duration) (e lanyard.Endpoint, secret lanyard.Secret, err error) {
	if overlap < 0 || overlap > mostOverlap {
		return e, secret, lanyard.Errorf(lanyard.CodeInvalidRequest, "overlap_seconds: 0 to 604800, which is seven days")
	}
	is := newSecret()
	was, err := s.Get(ctx, p, id)
	if err != nil {
		return e, secret, err
	}
	old, err := s.open(ctx, was, fieldSecret, was.Secret)
	if err != nil {
		return e, secret, err
	}
	sealed, err := s.seal(ctx, was, fieldSecret, is)
	if err != nil {
		return e, secret, err
	}
	sealedOld, err := s.seal(ctx, was, fieldOldSecret, old)
	if err != nil {
		return e, secret, err
	}
	err = s.alter(ctx, p, id, "rotated", &e, func(tx *store.Tx) error {
		if e.PublicKey != was.PublicKey { // somebody else rotated it meanwhile
			return lanyard.Errorf(lanyard.CodeChangedMeanwhile, "")
		}
		e.Secret, e.PublicKey = sealed, publicKey(is)
		e.OldSecret, e.OldPublicKey, e.OldUntil = nil, "", time.Time{}
		if overlap > 0 {
			e.OldSecret, e.OldPublicKey, e.OldUntil = sealedOld, publicKey(old), tx.Now().Add(overlap)
		}
		return nil
	})
	return e, shown(was.Format, is), err
}

// Delete removes an endpoint and its deliveries. The events stay.
func (s *Service) Delete(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID) error {
	if err := may(p); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		e, err := public(tx.Endpoint(p.Project, id))
		if err != nil {
			return lanyard.Entry{}, err
		}
		return describe(p, e, "deleted"), tx.DeleteEndpoint(p.Project, id)
	})
}

// alter reads an endpoint into e, which fn changes, and writes it with an entry.
func (s *Service) alter(ctx context.Context, p lanyard.Principal, id lanyard.EndpointID, how string, e *lanyard.Endpoint, fn func(tx *store.Tx) error) error {
	if err := may(p); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) (_ lanyard.Entry, err error) {
		if *e, err = public(tx.LockEndpoint(p.Project, id)); err != nil {
			return lanyard.Entry{}, err
		}
		if err = fn(tx); err != nil {
			return lanyard.Entry{}, err
		}
		e.UpdatedAt = tx.Now()
		return describe(p, *e, how), tx.PutEndpoint(*e)
	})
}

// change applies what is said to an endpoint, and checks the whole.
func (s *Service) change(e *lanyard.Endpoint, spec Spec) error {
	if spec.Name != nil {
		e.Name = *spec.Name
	}
	if spec.URL != nil {
		e.URL = *spec.URL
	}
	if spec.Types != nil {
		e.Types = slices.Compact(slices.Sorted(slices.Values(spec.Types)))
	}
	if spec.Enabled != nil {
		e.State, e.Reason = lanyard.EndpointDisabled, ""
		if *spec.Enabled {
			e.State = lanyard.EndpointEnabled
		}
	}
	if len(e.Name) > 100 || strings.ContainsFunc(e.Name, control) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "name: at most 100 bytes, without control characters")
	}
	if len(e.URL) > 2000 || strings.ContainsFunc(e.URL, control) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "url: at most 2000 bytes, without control characters")
	}
	if spec.URL != nil || e.CreatedAt.IsZero() { // one that is no longer allowed can still be disabled
		if err := s.Out.CheckURL("url", e.URL); err != nil {
			return err
		}
	}
	if len(e.Types) > mostTypes {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "types: at most %d", mostTypes)
	}
	for _, t := range e.Types {
		if !t.ValidFilter() {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "types: each is one of %s, or all of a noun, such as connection.*", typeList())
		}
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func typeList() string {
	var names []string
	for _, t := range lanyard.EventTypes {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

// describe is the entry of a change. Of the URL it has the host: the path is often a
// secret.
func describe(p lanyard.Principal, e lanyard.Endpoint, how string) lanyard.Entry {
	entry := lanyard.NewEntry(p, lanyard.ActEndpointChanged)
	entry.Project = e.Project
	entry.Detail = map[string]string{"endpoint": string(e.ID), "change": how, "host": host(e.URL), "format": string(e.Format), "state": string(e.State)}
	return entry
}

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}
