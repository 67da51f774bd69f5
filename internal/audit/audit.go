// Package audit reads the log of who did what: every consent, hand-out, renewal,
// revocation and refusal of a known caller, durable before the answer left.
package audit

import (
	"context"
	"errors"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Config is what a Service needs; both fields are required.
type Config struct {
	Store *store.DB
	Vault *vault.Vault
}

// Service reads the log. It is safe for concurrent use.
type Service struct{ Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Line is an entry with where it came from, opened. Origin is empty where the
// person's key is gone: what named them is then gone from the log as well. It is
// empty, too, where what was sealed does not belong there, which the vault has
// raised an alarm about: one such row must not hide the others.
type Line struct {
	lanyard.Entry
	Origin lanyard.Origin
}

// Entries lists the log, newest first, and returns the next cursor. A key that is
// limited sees what is about the connections and apps that it reaches, and what
// it has done itself; its pages may be shorter.
func (s *Service) Entries(ctx context.Context, p lanyard.Principal, f lanyard.EntryFilter, page lanyard.Page) (lines []Line, next string, err error) {
	if err := p.Need(lanyard.ScopeAudit); err != nil {
		return nil, "", err
	}
	var entries []lanyard.Entry
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if entries, next, err = q.Entries(p.Project, f, page); err != nil {
			return err
		}
		reach := store.NewReach(q, p)
		kept := entries[:0]
		for _, e := range entries {
			ok, err := reach.Entry(e)
			if err != nil {
				return err
			}
			if ok {
				kept = append(kept, e)
			}
		}
		entries = kept
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		l := Line{Entry: e}
		if len(e.Sealed) > 0 {
			key := vault.ProjectKey(e.Project)
			if e.Person != "" {
				key = vault.PersonKey(e.Project, e.Person)
			}
			l.Origin, err = s.Vault.OpenOrigin(ctx, key, e.ID, e.Sealed)
			if err != nil && !errors.Is(err, vault.ErrNoKeyset) && !errors.Is(err, lanyard.CodeTampered) {
				return nil, "", err
			}
		}
		lines = append(lines, l)
	}
	return lines, next, nil
}
