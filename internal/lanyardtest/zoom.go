package lanyardtest

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"lanyard/internal/sandbox"
)

// Return is where the customer's pretend product takes people back.
const Return = "http://localhost:7000/connected"

// ZoomScopes are what an app asks for that uses every join token.
var ZoomScopes = []string{"user:read:user", "user:read:token", "user:read:zak", "meeting:read:list_meetings", "meeting:read:local_recording_token"}

// Zoom registers a client with the pretend Zoom and the app for it here. It
// returns the app's id.
func (w *World) Zoom(change ...func(*sandbox.Client)) string {
	w.T.Helper()
	w.OK("PATCH", "/v1/project", map[string]any{"return_urls": []string{Return}, "display_name": "Harbour Notes"})
	app := w.OK("POST", "/v1/apps", map[string]any{"provider": "zoom", "scopes": ZoomScopes, "endpoints": w.ZoomEndpoints()})
	c := sandbox.Client{Provider: sandbox.Zoom, ID: "zc_" + app.Str("id")[4:16], Secret: "zoom-client-secret-" + app.Str("id")[4:],
		Name: "Harbour Notes", RedirectURIs: []string{app.Str("redirect_uri"), "http://localhost:7000/own"}, Scopes: ZoomScopes}
	for _, f := range change {
		f(&c)
	}
	w.must2(w.Sandbox.RegisterClient(c))
	w.OK("PATCH", "/v1/apps/"+app.Str("id"), map[string]any{"client_id": c.ID, "client_secret": c.Secret,
		"redirect_uris": []string{"http://localhost:7000/own"}})
	return app.Str("id")
}

func (w *World) must2(_ any, err error) {
	w.T.Helper()
	w.must(err)
}

// ZoomEndpoints are the pretend Zoom's.
func (w *World) ZoomEndpoints() map[string]string {
	z := w.SandURL + "/zoom"
	return map[string]string{"authorize": z + "/oauth/authorize", "token": z + "/oauth/token", "revoke": z + "/oauth/revoke",
		"identity": z + "/v2/users/me", "api": z}
}

// Invite makes an invitation for a person of the customer's.
func (w *World) Invite(app, endUser string) JSON {
	w.T.Helper()
	return w.OK("POST", "/v1/connect-sessions", map[string]any{"app_id": app, "end_user": map[string]any{"id": endUser}, "return_url": Return})
}

var markOf = regexp.MustCompile(`name="shown" value="([^"]*)"`)

// Form is what the form of the page sends that the browser is on.
func (b *Browser) Form() url.Values {
	out := url.Values{}
	if m := markOf.FindStringSubmatch(b.Body); m != nil {
		out.Set("shown", m[1])
	}
	return out
}

// Consent takes a browser from the connect link through the pretend provider's
// consent, given by this person of its cast, and returns the address of the
// customer's page that it ends before. More goes to the provider's consent page.
func (b *Browser) Consent(connectURL, person string, more ...string) *url.URL {
	b.w.T.Helper()
	b.Go(http.MethodGet, connectURL, nil)
	if b.Status != http.StatusOK {
		b.w.T.Fatalf("open the link: got %d, want the page", b.Status)
	}
	b.Go(http.MethodPost, connectURL, b.Form())
	if b.Status != http.StatusSeeOther {
		b.w.T.Fatalf("press Continue: got %d %.300s, want 303", b.Status, b.Body)
	}
	b.Go(http.MethodGet, b.Next()+"&sandbox_consent=allow&sandbox_person="+person+strings.Join(more, ""), nil)
	end := b.Follow("http://localhost:7000/")
	u, err := url.Parse(end)
	b.w.must(err)
	return u
}

// Connect does the whole hosted journey and returns the connection.
func (w *World) Connect(app, endUser, person string) JSON {
	w.T.Helper()
	at := w.Browser().Consent(w.Invite(app, endUser).Str("connect_url"), person)
	completion := at.Query().Get("lanyard_completion")
	if completion == "" {
		w.T.Fatalf("got %s, want a completion", at)
	}
	return w.OK("POST", "/v1/connections", map[string]any{"completion": completion, "end_user_id": endUser})
}
