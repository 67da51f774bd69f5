package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"lanyard"
	"lanyard/internal/app"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// record makes the record of a consent that is about to be bound to a connection.
// asked is what was asked for of this credential.
func (s *Service) record(ctx context.Context, p lanyard.Principal, f lanyard.Flow, d data, ready app.Ready, c lanyard.Connection, is provider.Issued, asked []string) (lanyard.Consent, error) {
	granted := is.Tokens.Scopes
	if granted == nil { // the answer did not say: as requested (RFC 6749 §5.1)
		granted = asked
	}
	r := lanyard.Consent{ID: lanyard.NewID[lanyard.ConsentID]("cns_"), Project: f.Project, Connection: c.ID, App: f.App, ClientID: ready.App.ClientID,
		Provider: c.Provider, Label: c.Label, Person: c.Person, Session: f.Session, Origin: d.Origin, Shown: lanyard.ShownUnseen,
		Asked: asked, Granted: granted, Missing: lanyard.MissingScopes(c.Needed, granted), AskedAt: f.CreatedAt, GrantedAt: d.Granted,
		Who: p.Name, Key: p.Key, State: lanyard.ConsentGiven}
	if r.GrantedAt.IsZero() {
		r.GrantedAt = sentAt(f)
	}
	if d.Origin == originUnbound { // elsewhere, and we do not know for what
		r.Asked = nil
	}
	if d.Read == nil {
		return r, nil
	}
	r.Shown, r.ShownAt, r.TextHash = d.Read.Shown, d.Read.At, d.Read.Text.Hash()
	if len(d.Read.From) == 0 {
		return r, nil
	}
	raw, err := s.Vault.Open(ctx, vault.PersonKey(f.Project, f.Person), fromPlace(f), d.Read.From)
	if err != nil {
		return r, fmt.Errorf("open where Continue was pressed: %w", err)
	}
	var from lanyard.Origin
	if err := json.Unmarshal(raw.Reveal(), &from); err != nil {
		return r, fmt.Errorf("read where Continue was pressed: %w", err)
	}
	r.Sealed, err = s.Connections.SealConsent(ctx, r, from)
	return r, err
}

// keepRecord stores the record with the connection that the consent made. It takes the
// place of the one before; a consent that was held up on its way (late) takes nobody's.
func keepRecord(tx *store.Tx, r lanyard.Consent, d data, late bool) error {
	if d.Read != nil {
		if err := tx.AddConsentText(r.Project, d.Read.Text); err != nil {
			return fmt.Errorf("store what was shown: %w", err)
		}
	}
	if late {
		later, err := tx.ConsentInForce(r.Project, r.Connection)
		switch {
		case err == nil:
			r.State, r.EndedAt, r.SupersededBy = lanyard.ConsentSuperseded, tx.Now(), later.ID
			return tx.AddConsent(r)
		case !errors.Is(err, lanyard.NotFound):
			return err
		}
	}
	if err := connection.Supersede(tx, r); err != nil {
		return err
	}
	return tx.AddConsent(r)
}
