package meetstream

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/connection"
	"lanyard/internal/flow"
)

// zoomUser is a connection, as MeetStream shows it. No token is in it.
type zoomUser struct {
	ID              string            `json:"zoom_user_id"`
	AccountID       string            `json:"zoom_account_id"`
	Email           string            `json:"email"`
	DisplayName     string            `json:"display_name"`
	Metadata        map[string]string `json:"metadata"`
	State           string            `json:"state"` // connected, disconnected
	CreatedAt       time.Time         `json:"created_at"`
	UpdatedAt       time.Time         `json:"updated_at"`
	HasRefreshToken bool              `json:"has_refresh_token"`
}

func zoomUserOf(v connection.View) zoomUser {
	u := zoomUser{ID: v.Account.ID, AccountID: v.Account.OrganizationID, Email: v.Account.Email, DisplayName: v.Account.DisplayName,
		Metadata: v.Metadata, State: "connected", CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(),
		HasRefreshToken: v.Grant.HasRefresh && v.Grant.Health != lanyard.Dead}
	if u.ID == "" { // what was read of the account is erased; this is what a code without state made of it
		u.ID, _ = strings.CutPrefix(v.Person.Ref, provider+":")
	}
	if u.Metadata == nil {
		u.Metadata = map[string]string{}
	}
	if !usable(v) {
		u.State = "disconnected"
	}
	return u
}

// usable says whether a bot can join on behalf of a connection: also while renewing fails
// for a cause that passes.
func usable(v connection.View) bool {
	return v.State == lanyard.Live && v.Grant.Health != lanyard.Dead
}

// needed is what MeetStream has its customers' apps ask for.
var needed = []string{"user:read:user", "user:read:token"}

// authorizeURL answers with Zoom's page for the app, with the caller's state as it came.
func (d *Dialect) authorizeURL(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	q := r.URL.Query()
	back := q.Get("redirect_uri")
	if back == "" {
		return reply{}, invalid("redirect_uri is required")
	}
	id, err := d.app(ctx, p, back)
	if err != nil {
		return reply{}, err
	}
	to, err := d.Flow.UnboundURL(ctx, p, id, back, q.Get("state"))
	if err != nil {
		return reply{}, err
	}
	return says(http.StatusOK, map[string]string{"authorize_url": to})
}

// app is the project's app at Zoom: MeetStream's customers have one. Of several it is the
// one that has the redirect URI, and has it alone.
func (d *Dialect) app(ctx context.Context, p lanyard.Principal, redirectURI string) (lanyard.AppID, error) {
	var fit []lanyard.App
	for page := (lanyard.Page{Limit: 200}); ; {
		apps, next, err := d.Apps.List(ctx, p, page)
		if err != nil {
			return "", err
		}
		fit = append(fit, slices.DeleteFunc(apps, func(a lanyard.App) bool { return a.Provider != provider || a.State != lanyard.AppReady })...)
		if page.Cursor = next; next == "" {
			break
		}
	}
	if len(fit) > 1 {
		fit = slices.DeleteFunc(fit, func(a lanyard.App) bool { return !slices.Contains(a.RedirectURIs, redirectURI) })
		if len(fit) != 1 {
			return "", lanyard.Errorf(lanyard.CodeChoiceNeeded, "this project has several Zoom apps, and not just one of them has this redirect_uri among its own")
		}
	}
	if len(fit) == 0 {
		return "", lanyard.Errorf(lanyard.CodeAppNotReady, "hosted Zoom OAuth is not enabled for this account: it has no Zoom app that is ready")
	}
	return fit[0].ID, nil
}

// connect trades a code. It is sent to Zoom once, whatever comes of it.
func (d *Dialect) connect(ctx context.Context, p lanyard.Principal, _ *http.Request, raw []byte) (reply, error) {
	o, err := objectOf(raw)
	if err != nil {
		return reply{}, err
	}
	code, err := o.needed("code")
	if err != nil {
		return reply{}, err
	}
	back, err := o.needed("redirect_uri")
	if err != nil {
		return reply{}, err
	}
	metadata, err := o.texts("metadata")
	if err != nil {
		return reply{}, err
	}
	id, err := d.app(ctx, p, back)
	if err != nil {
		return reply{}, err
	}
	v, _, err := d.Flow.Unbound(ctx, p, flow.Unbound{App: id, Code: lanyard.NewSecret(code), RedirectURI: back, Metadata: metadata, Needed: needed})
	if errors.Is(err, lanyard.CodeAppMisconfigured) { // Zoom says the same of a wrong client secret
		err = &told{status: http.StatusBadRequest, err: err,
			text: "Zoom refused the code: redirect_uri must be the one of the authorize URL and of the Zoom app, byte for byte, and the client id and secret must be the app's"}
	}
	if err != nil {
		return reply{}, err
	}
	return says(http.StatusOK, zoomUserOf(v))
}

// connections answers with all of them: a bare array, which is all that clients read. An
// account that is connected more than once is in it once, one that has taken the app out of
// Zoom as disconnected.
func (d *Dialect) connections(ctx context.Context, p lanyard.Principal, _ *http.Request, _ []byte) (reply, error) {
	var all []connection.View
	for page := (lanyard.Page{Limit: 200}); ; {
		views, next, err := d.Connections.List(ctx, p, lanyard.ConnectionFilter{Provider: provider, Kept: true}, page)
		if err != nil {
			return reply{}, err
		}
		all = append(all, slices.DeleteFunc(views, func(v connection.View) bool {
			return v.State == lanyard.Revoked && (v.Person.Ref != provider+":"+zoomUserOf(v).ID || unsure(v)) // of an end user of another name, who cannot be found by it
		})...)
		if page.Cursor = next; next == "" {
			break
		}
	}
	slices.SortStableFunc(all, connection.Usable)
	out, seen := []zoomUser{}, map[string]bool{}
	for _, v := range all {
		if u := zoomUserOf(v); u.ID != "" && !seen[u.ID] {
			seen[u.ID] = true
			out = append(out, u)
		}
	}
	return says(http.StatusOK, out)
}

func (d *Dialect) connection(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	held, err := d.of(ctx, p, r.PathValue("zoom_user_id"))
	if err != nil {
		return reply{}, err
	}
	return says(http.StatusOK, zoomUserOf(held[0]))
}

// disconnect lets go of every connection of the account: to MeetStream's customers it is one.
func (d *Dialect) disconnect(ctx context.Context, p lanyard.Principal, r *http.Request, _ []byte) (reply, error) {
	reader, id := p.Also(lanyard.ScopeRead), r.PathValue("zoom_user_id") // to see what is let go of
	held, err := d.of(ctx, reader, id)
	if err != nil {
		return reply{}, err
	}
	ended, err := d.ended(ctx, reader, id)
	if err != nil {
		return reply{}, err
	}
	heard := true
	for _, v := range append(held, ended...) {
		if v.State == lanyard.Revoked {
			if err := d.Connections.Drop(ctx, p, v.ID); err != nil {
				return reply{}, err
			}
			continue
		}
		gone, err := d.Connections.Delete(ctx, p, v.ID)
		if err != nil {
			return reply{}, err
		}
		heard = heard && gone.Outcome != "failed"
	}
	if !heard {
		return message("Zoom user disconnected. Zoom could not be told yet; that is tried again.")
	}
	return message("Zoom user disconnected.")
}

// of returns the connections of a Zoom user, at least one, the one to use first.
func (d *Dialect) of(ctx context.Context, p lanyard.Principal, id string) ([]connection.View, error) {
	held, err := d.held(ctx, p, id)
	if err == nil && len(held) == 0 {
		err = &told{status: http.StatusNotFound, text: "Zoom user " + named(id) + " is not connected for this account",
			err: lanyard.Errorf(lanyard.CodeNotFound, "")}
	}
	return held, err
}

// held are the connections of a Zoom user, the one to use first. Where there is none that
// lives, it is what is left of those that ended at Zoom, as when the person has taken the app
// out, and that the customer has not deleted.
func (d *Dialect) held(ctx context.Context, p lanyard.Principal, id string) ([]connection.View, error) {
	held, err := d.Connections.ByAccount(ctx, p, provider, id)
	if err != nil || len(held) > 0 {
		return held, err
	}
	return d.ended(ctx, p, id)
}

// ended are those that have ended at Zoom, newest first.
func (d *Dialect) ended(ctx context.Context, p lanyard.Principal, id string) ([]connection.View, error) {
	views, _, err := d.Connections.Find(ctx, p, provider+":"+id, lanyard.ConnectionFilter{Provider: provider, Status: lanyard.StatusRevoked, Kept: true}, lanyard.Page{Limit: 200})
	return slices.DeleteFunc(views, unsure), err
}

// unsure says whether nobody knows any more whose account it was: what was read of it is erased,
// and that the end user is called as the account is was the customer's doing.
func unsure(v connection.View) bool {
	return v.Account.ID == "" && v.Origin != lanyard.OriginUnbound
}
