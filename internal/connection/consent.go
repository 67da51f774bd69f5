package connection

import (
	"context"
	"encoding/json"
	"errors"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// ConsentView is a consent with what belongs to it, opened for its owner.
type ConsentView struct {
	lanyard.Consent
	Person lanyard.PersonData // empty where the person was erased
	Kind   string
	From   lanyard.Origin      // for who may read the log; empty where the person was erased
	Text   lanyard.ConsentText // without lines and scopes in a list
}

// mayRead lets in who may see connections, and who may read the log.
func mayRead(p lanyard.Principal) error {
	if p.May(lanyard.ScopeAudit) {
		return nil
	}
	return p.Need(lanyard.ScopeRead)
}

// Consent returns one consent, with all that the person was shown.
func (s *Service) Consent(ctx context.Context, p lanyard.Principal, id lanyard.ConsentID) (v ConsentView, err error) {
	if err := mayRead(p); err != nil {
		return v, err
	}
	var who lanyard.Person
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if v.Consent, err = q.Consent(p.Project, id); err != nil {
			return err
		}
		c, _, err := q.Connection(p.Project, v.Connection)
		switch {
		case errors.Is(err, lanyard.NotFound): // then by what it was called
			c.Provider, c.Label = v.Provider, v.Label
		case err != nil:
			return err
		}
		if err := p.Reaches(c.Provider, c.Label); err != nil {
			return err
		}
		if v.Text, err = textOf(q, v.Consent); err != nil {
			return err
		}
		if v.TextHash != "" && v.Text.Hash() != v.TextHash { // it proves nothing any more
			return lanyard.Errorf(lanyard.CodeTampered, "the text of consent %s is not the one that was shown", v.ID)
		}
		who, err = personOf(q, v.Consent)
		return err
	})
	if err != nil {
		return ConsentView{}, err
	}
	return s.openConsent(ctx, p, v, who)
}

// FindConsents is Consents for one end user, by the customer's own id; "" means all.
func (s *Service) FindConsents(ctx context.Context, p lanyard.Principal, endUser string, f lanyard.ConsentFilter, page lanyard.Page) ([]ConsentView, string, error) {
	if endUser != "" {
		who, err := s.FindPerson(ctx, p.Project, endUser)
		if errors.Is(err, lanyard.NotFound) {
			return nil, "", mayRead(p)
		}
		if err != nil {
			return nil, "", err
		}
		f.Person = who.ID
	}
	return s.Consents(ctx, p, f, page)
}

// Consents returns consents that fit the filter, newest first, and the next cursor. A
// key that is limited sees those of the connections that it reaches; its pages may be
// shorter.
func (s *Service) Consents(ctx context.Context, p lanyard.Principal, f lanyard.ConsentFilter, page lanyard.Page) (out []ConsentView, next string, err error) {
	if err := mayRead(p); err != nil {
		return nil, "", err
	}
	people := map[lanyard.PersonID]lanyard.Person{}
	err = s.Store.View(ctx, func(q *store.Query) error {
		var list []lanyard.Consent
		var err error
		if list, next, err = q.Consents(p.Project, f, page); err != nil {
			return err
		}
		reach := store.NewReach(q, p)
		for _, c := range list {
			if ok, err := reach.Connection(c.Connection); err != nil || !ok {
				if err != nil {
					return err
				}
				continue
			}
			v := ConsentView{Consent: c}
			if v.Text, err = textOf(q, c); err != nil {
				return err
			}
			v.Text.Lines, v.Text.Scopes = nil, nil
			if _, known := people[c.Person]; !known {
				if people[c.Person], err = personOf(q, c); err != nil {
					return err
				}
			}
			out = append(out, v)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	for i, v := range out {
		if out[i], err = s.openConsent(ctx, p, v, people[v.Consent.Person]); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

func textOf(q *store.Query, c lanyard.Consent) (lanyard.ConsentText, error) {
	if c.TextHash == "" {
		return lanyard.ConsentText{}, nil
	}
	return q.ConsentText(c.Project, c.TextHash)
}

// personOf is whose consent it is; nobody, once they were erased.
func personOf(q *store.Query, c lanyard.Consent) (lanyard.Person, error) {
	who, err := q.Person(c.Project, c.Person)
	if errors.Is(err, lanyard.NotFound) {
		return lanyard.Person{}, nil
	}
	return who, err
}

// openConsent opens what is under the person's key. Without the key there is nothing
// to open. What does not belong there is left out, and the vault has raised an alarm:
// the rest of the record is as good as before.
func (s *Service) openConsent(ctx context.Context, p lanyard.Principal, v ConsentView, who lanyard.Person) (ConsentView, error) {
	gone := func(err error) bool {
		return errors.Is(err, vault.ErrNoKeyset) || errors.Is(err, lanyard.CodeTampered)
	}
	if who.ID != "" {
		var err error
		v.Kind = who.Kind
		if v.Person, err = s.OpenPerson(ctx, who); err != nil && !gone(err) {
			return v, err
		}
	}
	if len(v.Sealed) == 0 || !p.May(lanyard.ScopeAudit) {
		return v, nil
	}
	raw, err := s.Vault.Open(ctx, vault.PersonKey(v.Project, v.Consent.Person), consentPlace(v.Consent), v.Sealed)
	if err != nil {
		if gone(err) {
			err = nil
		}
		return v, err
	}
	return v, json.Unmarshal(raw.Reveal(), &v.From)
}
