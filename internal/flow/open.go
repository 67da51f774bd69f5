package flow

import (
	"context"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/provider"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// Open reads an invitation and changes nothing, so that scanners and previews
// may open it as often as they like. See Pages.
func (s *Service) Open(ctx context.Context, link string) (Invitation, error) {
	in, pr, a, err := s.read(ctx, link)
	if err != nil {
		return Invitation{}, err
	}
	t, err := s.Providers.Target(a)
	if err != nil {
		return Invitation{}, err
	}
	out := Invitation{Link: link, Reconnect: in.Purpose == forReconnect, ProjectName: projectName(pr), LogoURL: pr.Settings.LogoURL,
		PrivacyURL: pr.Settings.PrivacyURL, TermsURL: pr.Settings.TermsURL, Provider: a.Provider, ProviderName: t.Name,
		NotPossible: t.Cannot(append(in.Scopes[:len(in.Scopes):len(in.Scopes)], in.ScopesOptional...)),
		ManageURL:   t.ManageURL, ExpiresAt: in.ExpiresAt, Popup: in.Origin != "", LastError: in.LastError}
	if in.ReturnURL != "" { // Cancel tells the customer's page what the provider's Deny would
		out.CancelURL = arrive(in, "lanyard_error", string(lanyard.CodeConsentDenied)).RedirectURL
	}
	out.Asked, out.Optional = permissions(t.Describe(in.Scopes)), permissions(t.Describe(in.ScopesOptional))
	return out, nil
}

func permissions(scopes []provider.Scope) (out []Permission) {
	for _, sc := range scopes {
		out = append(out, Permission{Scope: sc.Scope, Say: sc.Say, Sensitive: sc.Sens == "high", Writes: strings.Contains(sc.RW, "w")})
	}
	return out
}

// Continue begins one trip to the provider. See Pages.
func (s *Service) Continue(ctx context.Context, link string, shown Shown, from lanyard.Origin, requestID string) (Departure, error) {
	in, _, a, err := s.read(ctx, link)
	if err != nil {
		return Departure{}, err
	}
	read, err := s.wasRead(link, in, shown)
	if err != nil {
		return Departure{}, err
	}
	ready, err := s.Apps.Open(ctx, a)
	if err != nil {
		return Departure{}, err
	}
	signed := in.ID == "" // a signed link: the invitation is made now
	if signed {
		in.ID, in.State = lanyard.NewID[lanyard.SessionID]("cs_"), lanyard.SessionOpen
		if in.Purpose == forConnect {
			if err := s.theirs(ctx, &in); err != nil {
				return Departure{}, err
			}
		}
	}
	cookie := lanyard.Random(32)
	f := lanyard.Flow{ID: lanyard.NewID[lanyard.FlowID]("flw_"), Project: in.Project, App: in.App, Session: in.ID, Person: in.Person,
		CookieHash: s.Vault.Digest("", "flow-cookie", cookie)}
	if read.From, err = s.sealFrom(ctx, f, from); err != nil {
		return Departure{}, err
	}
	origin := map[string]string{forConnect: originHosted, forReconnect: originReconnect, forLink: originLink}[in.Purpose]
	url, _, err := s.begin(ctx, &f, data{RedirectURI: s.Apps.RedirectURI(a.ID), Needed: in.Scopes, Optional: in.ScopesOptional,
		Label: in.Label, Metadata: in.Metadata, Origin: origin, Expects: len(in.Sealed) > 0, Connection: in.Connection, Read: &read}, ready.Target)
	if err != nil {
		return Departure{}, err
	}
	e, err := s.entry(ctx, f, lanyard.ActSessionOpened, from, requestID)
	if err != nil {
		return Departure{}, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		f.CreatedAt, f.ExpiresAt = tx.Now(), tx.Now().Add(flowFor)
		if signed {
			in.CreatedAt, in.UpdatedAt, in.ExpiresAt = tx.Now(), tx.Now(), tx.Now().Add(sessionFor)
			if err := tx.AddSession(in); err != nil {
				return lanyard.Entry{}, err
			}
		}
		return e, tx.AddFlow(f)
	})
	return Departure{URL: url, CookieName: cookieName(f.StateHash), CookieValue: lanyard.NewSecret(cookie), CookieAge: flowFor}, err
}

// read finds what a link means. A signed link means an invitation that
// is not stored: it has no id.
func (s *Service) read(ctx context.Context, link string) (in lanyard.Session, pr lanyard.Project, a lanyard.App, err error) {
	if len(link) > 300 {
		return in, pr, a, lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	}
	if strings.HasPrefix(link, connection.ConnectPrefix) {
		return s.readConnect(ctx, link)
	}
	var now, until time.Time
	var id lanyard.ConnectionID
	signed := strings.HasPrefix(link, "rc.")
	if signed {
		if in.Project, id, until, err = s.Connections.ReadReconnect(link); err != nil {
			return in, pr, a, err
		}
	}
	err = s.Store.View(ctx, func(q *store.Query) (err error) {
		if now, err = q.Now(); err != nil {
			return err
		}
		if !signed {
			if in, err = q.SessionByLink(s.linkHash(link)); err != nil {
				return err
			}
			id = ""
			if in.Purpose == forReconnect && in.State == lanyard.SessionOpen {
				id = in.Connection
			}
		}
		var c lanyard.Connection
		if id != "" { // what was let go of has nothing to connect again
			if c, _, err = q.Connection(in.Project, id); err != nil {
				return err
			}
			if c.State == lanyard.Revoked {
				return lanyard.Errorf(lanyard.CodeLinkExpired, "")
			}
		}
		if signed {
			in.App = c.App
		}
		if a, err = q.App(in.Project, in.App); err != nil {
			return err
		}
		if signed {
			in = reconnectSession(c, a, "", "")
			in.ExpiresAt = until
		}
		pr, err = q.Project(in.Project)
		return err
	})
	switch {
	case lanyard.CodeOf(err) == lanyard.CodeNotFound:
		err = lanyard.Errorf(lanyard.CodeLinkUnknown, "")
	case err == nil && in.State == lanyard.SessionConnected:
		err = lanyard.Errorf(lanyard.CodeLinkUsed, "")
	case err == nil && now.After(in.ExpiresAt):
		err = lanyard.Errorf(lanyard.CodeLinkExpired, "")
	}
	return in, pr, a, err
}

func projectName(pr lanyard.Project) string {
	if pr.Settings.DisplayName != "" {
		return pr.Settings.DisplayName
	}
	return pr.Name
}

// handlePlace is where the parameters of a callback by POST belong: to the app they came for.
func handlePlace(project lanyard.ProjectID, app lanyard.AppID) vault.Place {
	return vault.Place{Project: project, Row: string(app), Field: "callback.handle"}
}
