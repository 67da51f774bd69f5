package lanyardtest_test

import (
	"testing"

	"lanyard/internal/lanyardtest"
)

// A project's admin could change an app's endpoints, and at the next renewal
// every refresh token of its people went to the new host, with the secret.
func TestAnAppsTokensDoNotFollowItsEndpoints(t *testing.T) {
	t.Parallel()
	w := lanyardtest.New(t)
	app := w.Zoom()
	for name, path := range map[string]string{"token": "/oauth/token", "revoke": "/oauth/revoke", "identity": "/v2/users/me", "api": ""} {
		endpoints := w.ZoomEndpoints()
		endpoints[name] = "http://127.0.0.1:9/zoom" + path
		w.Fails("invalid_request", "PATCH", "/v1/apps/"+app, map[string]any{"endpoints": endpoints}) // the secret would go there unsaid
	}
	w.Connect(app, "u", "ana")
	endpoints := w.ZoomEndpoints()
	endpoints["token"] = "http://127.0.0.1:9/zoom/oauth/token"
	w.Fails("endpoints_in_use", "PATCH", "/v1/apps/"+app, map[string]any{"endpoints": endpoints, "client_secret": "thief"})
	w.OK("PATCH", "/v1/apps/"+app, map[string]any{"endpoints": w.ZoomEndpoints(), "name": "Renamed"})
}
