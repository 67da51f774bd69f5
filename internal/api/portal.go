package api

import (
	"context"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/web"
	"lanyard/wire"
)

func (a *API) mountPortal(f *web.Front) {
	web.JSON(f, web.Operation{Method: "POST", Path: "/v1/portal-sessions", ID: "createPortalSession", Tag: "Connections", Scope: lanyard.ScopeConnect, Status: 201, Creates: true,
		Summary:     "Make a link to a person's own connections",
		Description: "For the browser of the person who is logged in at yours now. They see what is connected and what it may do, check it, connect it again, and disconnect. The link works for ten minutes and opens one browser, once. A limited key's link shows what the key reaches."},
		func(ctx context.Context, p lanyard.Principal, in *createPortal) (*wire.PortalSession, error) {
			who, err := a.Connections.EnsurePerson(ctx, p.Project, connection.EndUser{ID: in.Body.EndUserID})
			if err != nil {
				return nil, err
			}
			link, until, err := a.Access.OfferPortal(ctx, p, who.ID, in.Body.ReturnURL)
			return &wire.PortalSession{URL: f.PublicURL() + "/portal/open/" + link, ExpiresAt: until.UTC()}, err
		})
}

type createPortal struct{ Body wire.NewPortalSession }
