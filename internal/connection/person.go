package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// EndUser is a person as the customer names them.
type EndUser struct {
	ID          string // the customer's own, opaque to us; 1 to 255 characters
	Kind        string // "person" (default) or "organization"
	Email       string
	DisplayName string
}

// EnsurePerson finds the person with this id in the project, or makes them,
// with a key of their own. Email and name of a known person are brought up to
// date when given.
func (s *Service) EnsurePerson(ctx context.Context, project lanyard.ProjectID, u EndUser) (lanyard.Person, error) {
	if u.ID == "" || len(u.ID) > 255 || len(u.Email) > 320 || len(u.DisplayName) > 200 {
		return lanyard.Person{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "end_user: id has 1 to 255 characters, email at most 320, display_name at most 200")
	}
	if u.Kind == "" {
		u.Kind = "person"
	}
	if u.Kind != "person" && u.Kind != "organization" {
		return lanyard.Person{}, lanyard.Errorf(lanyard.CodeInvalidRequest, "end_user.kind: person or organization")
	}
	who, err := s.FindPerson(ctx, project, u.ID)
	if err == nil {
		return s.refresh(ctx, who, u)
	}
	if !errors.Is(err, lanyard.NotFound) {
		return who, err
	}
	who = lanyard.Person{ID: lanyard.NewID[lanyard.PersonID]("per_"), Project: project, Kind: u.Kind, RefHash: s.RefHash(project, u.ID)}
	keyset, err := s.Vault.NewKeyset(ctx, vault.PersonKey(project, who.ID))
	if err != nil {
		return who, fmt.Errorf("make the person's key: %w", err)
	}
	if who.Sealed, err = s.sealPerson(ctx, who, lanyard.PersonData{Ref: u.ID, Email: u.Email, DisplayName: u.DisplayName}); err != nil {
		return who, err
	}
	err = s.Store.Bookkeep(ctx, func(tx *store.Tx) error {
		who.CreatedAt = tx.Now()
		return tx.AddPerson(who, keyset)
	})
	if _, exists := errors.AsType[*store.ExistsError](err); exists { // somebody made the same person at the same moment
		return s.FindPerson(ctx, project, u.ID)
	}
	return who, err
}

// FindPerson finds a person by the customer's own id for them.
func (s *Service) FindPerson(ctx context.Context, project lanyard.ProjectID, ref string) (who lanyard.Person, err error) {
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		who, err = q.PersonByRef(project, s.RefHash(project, ref))
		return err
	})
	return who, err
}

// RefHash is what a person is looked up by.
func (s *Service) RefHash(project lanyard.ProjectID, ref string) []byte {
	return s.Vault.Digest(project, "person", ref)
}

// OpenPerson opens what is sealed of a person.
func (s *Service) OpenPerson(ctx context.Context, who lanyard.Person) (d lanyard.PersonData, err error) {
	raw, err := s.Vault.Open(ctx, vault.PersonKey(who.Project, who.ID), personPlace(who), who.Sealed)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(raw.Reveal(), &d)
}

func (s *Service) refresh(ctx context.Context, who lanyard.Person, u EndUser) (lanyard.Person, error) {
	if u.Email == "" && u.DisplayName == "" {
		return who, nil
	}
	d, err := s.OpenPerson(ctx, who)
	if err != nil {
		return who, err
	}
	is := d
	if u.Email != "" {
		is.Email = u.Email
	}
	if u.DisplayName != "" {
		is.DisplayName = u.DisplayName
	}
	if is == d {
		return who, nil
	}
	if who.Sealed, err = s.sealPerson(ctx, who, is); err != nil {
		return who, err
	}
	return who, s.Store.Bookkeep(ctx, func(tx *store.Tx) error { return tx.PutPerson(who) })
}

func (s *Service) sealPerson(ctx context.Context, who lanyard.Person, d lanyard.PersonData) ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return s.Vault.Seal(ctx, vault.PersonKey(who.Project, who.ID), personPlace(who), lanyard.SecretBytes(raw))
}

// SealAccount seals whose account a connection is, under its person's key.
func (s *Service) SealAccount(ctx context.Context, c lanyard.Connection, d lanyard.AccountData) ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return s.Vault.Seal(ctx, vault.PersonKey(c.Project, c.Person), accountPlace(c), lanyard.SecretBytes(raw))
}

// Account opens what is known of a connection's account; nothing, once it was erased.
func (s *Service) Account(ctx context.Context, c lanyard.Connection) (d lanyard.AccountData, err error) {
	if len(c.Account) == 0 {
		return d, nil
	}
	raw, err := s.Vault.Open(ctx, vault.PersonKey(c.Project, c.Person), accountPlace(c), c.Account)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(raw.Reveal(), &d)
}

func personPlace(who lanyard.Person) vault.Place {
	return vault.Place{Project: who.Project, Row: string(who.ID), Field: "persons.sealed"}
}
