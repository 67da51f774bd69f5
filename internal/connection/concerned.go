package connection

import (
	"errors"
	"time"

	"lanyard"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// concerned are the grants that a notice is about, locked: who lets go, who takes hold
// and who renews see each other. Without those whose consent is newer than what it tells.
func (s *Service) concerned(tx *store.Tx, a lanyard.App, who provider.Identity, at time.Time) (out []lanyard.Grant, err error) {
	found, err := s.grantsOf(tx, a, who)
	if err != nil {
		return nil, err
	}
	for _, g := range found {
		if there, err := tx.LockGrant(a.Project, g.ID); err != nil {
			return nil, err
		} else if !there {
			continue
		}
		if g, err = tx.Grant(a.Project, g.ID); err != nil {
			return nil, err
		}
		since := g.ConsentedAt
		if since.IsZero() {
			since = g.CreatedAt
		}
		if at.IsZero() || !since.After(at) {
			out = append(out, g)
		}
	}
	return out, nil
}

// grantsOf finds an account's grants of every kind; by the account alone where the
// notice does not say which organisation it is in; or all of an organisation.
func (s *Service) grantsOf(tx *store.Tx, a lanyard.App, who provider.Identity) (out []lanyard.Grant, err error) {
	switch {
	case who.Subject == "":
		return tx.GrantsOfOrganization(a.ID, s.Grants.OrganizationHash(a, who))
	case who.OrganizationID == "":
		return tx.GrantsOfAccount(a.ID, s.Grants.AccountHash(a, who))
	}
	for _, kind := range []string{"bot", "user"} {
		g, err := tx.GrantBySubject(a.ID, who.Issuer, kind, s.Grants.SubjectHash(a, who))
		if errors.Is(err, lanyard.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}
