package access

import (
	"context"
	"errors"
	"regexp"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

const (
	// PortalLinkFor is how long the link to a portal works.
	PortalLinkFor = 10 * time.Minute
	// PortalFor is how long one visit may last; PortalIdle how long its browser may
	// be silent (T34).
	PortalFor  = 12 * time.Hour
	PortalIdle = 30 * time.Minute

	portalNoted = time.Minute        // how exactly the last use is noted
	portalsFor  = 7 * 24 * time.Hour // how long one that is over is kept
)

// Visit is a portal with what its pages say about the project.
type Visit struct {
	lanyard.Portal
	Of lanyard.Project
}

// OfferPortal makes a link with which one person sees and ends their own
// connections, those that p reaches. Errors: return_url_not_allowed.
func (s *Service) OfferPortal(ctx context.Context, p lanyard.Principal, person lanyard.PersonID, returnURL string) (link string, until time.Time, err error) {
	if err := p.Need(lanyard.ScopeConnect); err != nil {
		return "", until, err
	}
	link = lanyard.Random(32)
	v := lanyard.Portal{ID: lanyard.NewID[lanyard.PortalID]("ptl_"), Project: p.Project, Person: person, Key: p.Key, Providers: p.Providers,
		Labels: p.Labels, ReturnURL: returnURL, LinkHash: s.portalHash("portal-link", link), State: lanyard.PortalOffered}
	e := lanyard.NewEntry(p, lanyard.ActPortalOffered)
	e.Detail = map[string]string{"portal": string(v.ID)}
	if err := s.seal(ctx, p, &e); err != nil {
		return "", until, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		if _, err := tx.Person(p.Project, person); err != nil {
			return lanyard.Entry{}, err
		}
		pr, err := tx.Project(p.Project)
		if err != nil {
			return lanyard.Entry{}, err
		}
		if returnURL != "" && !pr.AllowsReturn(returnURL) {
			err := lanyard.Errorf(lanyard.CodeReturnURLNotAllowed, "")
			return e.Failed(err), err
		}
		v.CreatedAt, v.ExpiresAt = tx.Now(), tx.Now().Add(PortalLinkFor)
		until = v.ExpiresAt
		return e, tx.AddPortal(v)
	})
	return link, until, err
}

// PortalLink reads what a link leads to and changes nothing, so that scanners may
// open it as often as they like. A link that is none, that is too old or that was
// used has one answer: portal_link_over.
func (s *Service) PortalLink(ctx context.Context, link string) (v Visit, err error) {
	if !portalSecret.MatchString(link) {
		return v, over()
	}
	err = s.db.View(ctx, func(q *store.Query) error {
		now, err := q.Now()
		if err != nil {
			return err
		}
		if v.Portal, err = q.PortalByLink(s.portalHash("portal-link", link)); err != nil {
			return err
		}
		if v.State != lanyard.PortalOffered || !now.Before(v.ExpiresAt) {
			return over()
		}
		v.Of, err = q.Project(v.Project)
		return err
	})
	if errors.Is(err, lanyard.NotFound) {
		err = over()
	}
	return v, err
}

// OpenPortal spends a link: it opens one browser, whose cookie is returned. The
// same again is refused, and on the log. Errors: portal_link_over.
func (s *Service) OpenPortal(ctx context.Context, link string, o lanyard.Origin, requestID string) (cookie lanyard.Secret, err error) {
	var v lanyard.Portal
	if portalSecret.MatchString(link) {
		err = s.db.View(ctx, func(q *store.Query) (err error) {
			v, err = q.PortalByLink(s.portalHash("portal-link", link))
			return err
		})
	}
	if errors.Is(err, lanyard.NotFound) || err == nil && v.ID == "" {
		return cookie, over()
	}
	if err != nil {
		return cookie, err
	}
	e, err := s.portalEntry(ctx, v, lanyard.ActPortalOpened, o, requestID)
	if err != nil {
		return cookie, err
	}
	secret := lanyard.Random(32)
	err = s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		is, err := tx.PortalByLink(v.LinkHash)
		if err != nil {
			return lanyard.Entry{}, err
		}
		late := !tx.Now().Before(is.ExpiresAt)
		is.State, is.CookieHash = lanyard.PortalOpen, s.portalHash("portal-cookie", secret)
		is.UsedAt, is.ExpiresAt = tx.Now(), tx.Now().Add(PortalFor)
		moved := false
		if !late {
			if moved, err = tx.MovePortal(is, lanyard.PortalOffered); err != nil {
				return lanyard.Entry{}, err
			}
		}
		if !moved {
			return e.Failed(over()), over()
		}
		return e, nil
	})
	return lanyard.NewSecret(secret), err
}

// Portal returns the principal behind a browser's cookie: a person who may see
// and end what is theirs, and no more. Whatever is wrong with it, the answer is
// portal_over.
func (s *Service) Portal(ctx context.Context, cookie string, o lanyard.Origin, requestID string) (lanyard.Principal, Visit, error) {
	closed := lanyard.Errorf(lanyard.CodePortalOver, "")
	if !portalSecret.MatchString(cookie) {
		return lanyard.Principal{}, Visit{}, closed
	}
	var v Visit
	var now time.Time
	err := s.db.View(ctx, func(q *store.Query) (err error) {
		if now, err = q.Now(); err != nil {
			return err
		}
		if v.Portal, err = q.PortalByCookie(s.portalHash("portal-cookie", cookie)); err != nil {
			return err
		}
		if v.State != lanyard.PortalOpen || !now.Before(v.ExpiresAt) || now.Sub(v.UsedAt) >= PortalIdle {
			return closed
		}
		v.Of, err = q.Project(v.Project)
		return err
	})
	switch {
	case errors.Is(err, lanyard.NotFound):
		err = closed
	case err == nil && now.Sub(v.UsedAt) >= portalNoted:
		v.UsedAt = now
		err = s.db.Bookkeep(ctx, func(tx *store.Tx) error {
			_, err := tx.MovePortal(v.Portal, lanyard.PortalOpen)
			return err
		})
	}
	if err != nil {
		return lanyard.Principal{}, Visit{}, err
	}
	return lanyard.Principal{Project: v.Project, Person: v.Person, Name: "person", Scopes: []lanyard.Scope{lanyard.ScopeConnect, lanyard.ScopeRead},
		Providers: v.Providers, Labels: v.Labels, ExpiresAt: v.ExpiresAt, Origin: o, RequestID: requestID}, v, nil
}

// ClosePortal ends a visit: the cookie is worth nothing from here on, wherever a
// copy of it is.
func (s *Service) ClosePortal(ctx context.Context, p lanyard.Principal, v lanyard.Portal) error {
	e, err := s.portalEntry(ctx, v, lanyard.ActPortalClosed, p.Origin, p.RequestID)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		v.State, v.CookieHash, v.ExpiresAt = lanyard.PortalClosed, nil, tx.Now()
		moved, err := tx.MovePortal(v, lanyard.PortalOpen)
		if err != nil || !moved {
			return lanyard.Entry{}, err
		}
		return e, nil
	})
}

// PurgePortals forgets those that are over.
func (s *Service) PurgePortals(ctx context.Context) error {
	return s.db.Bookkeep(ctx, func(tx *store.Tx) error {
		_, err := tx.PurgePortals(tx.Now().Add(-portalsFor), 1000)
		return err
	})
}

// SentBy says whether it is this link that the portal was opened with.
func (s *Service) SentBy(v lanyard.Portal, link string) bool {
	return string(v.LinkHash) == string(s.portalHash("portal-link", link))
}

// portalSecret is the shape of lanyard.Random(32). What has not is none, and costs no read.
var portalSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

func (s *Service) portalHash(use, secret string) []byte { return s.vault.Digest("", use, secret) }

func over() error { return lanyard.Errorf(lanyard.CodePortalLinkOver, "") }

// portalEntry starts an entry about what a person did, with where they were, sealed
// under their own key.
func (s *Service) portalEntry(ctx context.Context, v lanyard.Portal, what lanyard.Action, o lanyard.Origin, requestID string) (e lanyard.Entry, err error) {
	e = lanyard.NewEntry(lanyard.Principal{Project: v.Project, Name: "person", RequestID: requestID}, what)
	e.Person, e.Detail = v.Person, map[string]string{"portal": string(v.ID)}
	if o != (lanyard.Origin{}) {
		e.Sealed, err = s.vault.SealOrigin(ctx, vault.PersonKey(v.Project, v.Person), e.ID, o)
	}
	return e, err
}
