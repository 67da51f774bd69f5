package attendee

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lanyard"
	"lanyard/internal/flow"
)

// What a connection has to be granted for what it is to be used for.
var (
	forRecording = []string{"user:read:user", "user:read:zak", "meeting:read:list_meetings", "meeting:read:local_recording_token"}
	forOnBehalf  = []string{"user:read:user", "user:read:token"}
)

const zoom = "zoom"

const mostOfConnection = 64 << 10 // bytes of a body

// createConnection trades a code. The checks are in Attendee's order.
func (a *API) createConnection(r *http.Request, p lanyard.Principal) (int, any, error) {
	f, _, err := read(r, mostOfConnection)
	if err != nil {
		return 0, nil, err
	}
	u := flow.Unbound{Code: lanyard.NewSecret(f.text("authorization_code")), RedirectURI: f.text("redirect_uri")}
	named := f.maybe("zoom_oauth_app_id")
	recording, onBehalf := f.flag("is_local_recording_token_supported", true), f.flag("is_onbehalf_token_supported", false)
	u.Metadata = f.metadata()
	if err := f.check(); err != nil {
		return 0, nil, err
	}
	if recording {
		u.Needed = append(u.Needed, forRecording...)
	}
	if onBehalf {
		u.Needed = append(u.Needed, forOnBehalf...)
	}
	if len(u.Needed) == 0 {
		return 0, nil, nonField("At least one of is_local_recording_token_supported or is_onbehalf_token_supported must be true")
	}
	slices.Sort(u.Needed)
	u.Needed = slices.Compact(u.Needed)
	if u.App, err = a.appOf(r, p, named); err != nil {
		return 0, nil, err
	}
	c, _, err := a.Flow.Unbound(r.Context(), p, u)
	if err != nil {
		return 0, nil, a.untraded(r, p, err)
	}
	is, err := a.accountOf(r, p, c)
	if err != nil {
		return 0, nil, err
	}
	out, err := a.objects(r, is)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, out[0], nil
}

// appOf finds the app that is named, or the project's first one.
func (a *API) appOf(r *http.Request, p lanyard.Principal, named string) (lanyard.AppID, error) {
	if named != "" {
		id := lanyard.VendorID[lanyard.AppID]("zoa_", "app_", named)
		if lanyard.ValidID("app_", named) {
			id = lanyard.AppID(named)
		}
		found, err := a.Apps.Get(r.Context(), p, id)
		switch {
		case err == nil && found.Provider == zoom:
			return id, nil
		case err != nil && !errors.Is(err, lanyard.NotFound):
			return "", err
		}
		project, err := a.Projects.Project(r.Context(), p)
		if err != nil {
			return "", err
		}
		// An app of another project's is as absent as one that never was, and on the log.
		if err := a.Front.Record(r, p, lanyard.Errorf(lanyard.CodeNotFound, "")); !errors.Is(err, lanyard.NotFound) {
			return "", err
		}
		return "", bad(fmt.Sprintf("Zoom OAuth App with id %s does not exist in this project (%s).", name(named), project.Name))
	}
	var first lanyard.App
	for page := (lanyard.Page{Limit: 200}); ; {
		apps, next, err := a.Apps.List(r.Context(), p, page)
		if err != nil {
			return "", err
		}
		for _, is := range apps { // newest first; one that is ready before one that is not
			if is.Provider == zoom && (is.State == lanyard.AppReady || first.State != lanyard.AppReady) {
				first = is
			}
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	if first.State != lanyard.AppReady {
		return "", a.noApp(r, p)
	}
	return first.ID, nil
}

func (a *API) noApp(r *http.Request, p lanyard.Principal) error {
	project, err := a.Projects.Project(r.Context(), p)
	if err != nil {
		return err
	}
	return bad(fmt.Sprintf("No Zoom OAuth App found in this project (%s). Please add a Zoom OAuth App first.", project.Name))
}

// untraded says in Attendee's words why there is no connection.
func (a *API) untraded(r *http.Request, p lanyard.Principal, err error) error {
	switch lanyard.CodeOf(err) {
	case lanyard.CodeScopesMissing:
		e, _ := errors.AsType[*lanyard.Error](err)
		return bad("The authorization is missing the following required scopes: ['" + strings.Join(e.MissingScopes, "', '") + "'].")
	case lanyard.CodeAccountNotActive:
		return bad("The user is not active.")
	case lanyard.CodeIdentityUnavailable:
		return bad("Error getting user info. Please check that the access token is valid.")
	case lanyard.CodeAppNotReady:
		return a.noApp(r, p)
	case lanyard.CodeCodeRejected, lanyard.CodeInvalidRequest, lanyard.CodeProviderUnavailable, lanyard.CodeProviderTimeout,
		lanyard.CodeProviderAnswerInvalid, lanyard.CodeProviderRefused, lanyard.CodeAppMisconfigured, lanyard.CodeRateLimited:
		return bad("Error exchanging access code for tokens. Please check that the authorization code and redirect URI are correct.")
	case lanyard.CodeInternal:
		problem := a.Front.ProblemOf(r.Context(), err) // which logs it
		return nonField("An error occurred while creating the zoom oauth connection. Error ID: " + problem.RequestID)
	}
	return err
}

// listConnections lists those that the customer has not deleted, newest first.
func (a *API) listConnections(r *http.Request, p lanyard.Principal) (int, any, error) {
	page, err := pageOf(r, "con_")
	if err != nil {
		return 0, nil, err
	}
	found, more, err := a.Connections.List(r.Context(), p, lanyard.ConnectionFilter{Provider: zoom, Kept: true}, page)
	if err != nil {
		return 0, nil, err
	}
	accounts, err := a.Connections.Successions(r.Context(), p, found)
	if err != nil {
		return 0, nil, err
	}
	var shown []account
	for i, is := range accounts {
		if is.First().ID == found[i].ID { // each once, where it was first made
			shown = append(shown, is)
		}
	}
	out, err := a.objects(r, shown...)
	if err != nil {
		return 0, nil, err
	}
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = string(c.ID)
	}
	l := list{Results: out}
	l.Next, l.Previous = a.links(r, page, ids, more)
	return http.StatusOK, l, nil
}

// notThere is a connection that is absent, or another project's.
func (a *API) notThere(r *http.Request, p lanyard.Principal, err error) error {
	err = a.Front.Record(r, p, err)
	if err != nil && !errors.Is(err, lanyard.NotFound) {
		return err
	}
	return &refusal{http.StatusNotFound, said("error", "Zoom OAuth Connection not found")}
}

// connection finds the one that is named in the path.
func (a *API) connection(r *http.Request, p lanyard.Principal) (account, error) {
	id := lanyard.VendorID[lanyard.ConnectionID]("zoc_", "con_", r.PathValue("id"))
	c, err := a.Connections.Get(r.Context(), p.Also(lanyard.ScopeRead), id) // who may delete it may be told whether it is there
	if err == nil && (c.Provider != zoom || !c.DroppedAt.IsZero()) {
		err = lanyard.Errorf(lanyard.CodeNotFound, "")
	}
	if errors.Is(err, lanyard.NotFound) {
		return account{}, a.notThere(r, p, err)
	}
	if err != nil {
		return account{}, err
	}
	return a.accountOf(r, p, c)
}

func (a *API) getConnection(r *http.Request, p lanyard.Principal) (int, any, error) {
	is, err := a.connection(r, p)
	if err != nil {
		return 0, nil, err
	}
	out, err := a.objects(r, is)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, out[0], nil
}

// deleteConnection ends a connection, and the consent at Zoom; what has ended is forgotten.
func (a *API) deleteConnection(r *http.Request, p lanyard.Principal) (int, any, error) {
	is, err := a.connection(r, p)
	if err != nil {
		return 0, nil, err
	}
	for _, c := range is.All {
		_, err := a.Connections.Delete(r.Context(), p, c.ID)
		if errors.Is(err, lanyard.CodeConnectionRevoked) {
			err = a.Connections.Drop(r.Context(), p, c.ID)
		}
		if errors.Is(err, lanyard.NotFound) {
			err = a.notThere(r, p, err)
		}
		if err != nil {
			return 0, nil, err
		}
	}
	return http.StatusOK, nil, nil
}
