package sandbox_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard/internal/sandbox"
)

// Whatever is sent to whichever endpoint, the sandbox answers, and gives no token without a secret.
func FuzzRequests(f *testing.F) {
	f.Add("POST", "/zoom/oauth/token", "grant_type=refresh_token&refresh_token=x", "Basic eDp5")
	f.Add("GET", "/oidc/authorize?client_id=oidc-app&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback&scope=%zz", "", "")
	f.Add("POST", "/zoom/meetings/123456789/join", `{"onbehalf_token":"x"}`, "")
	f.Add("POST", "/google/consent", "request=x&decision=allow&person=ana", "")
	f.Add("GET", "/zoom/v2/users/me/meetings?page_size=9&next_page_token=!", "", "Bearer x")
	f.Add("POST", "/admin/faults", `{"match":{},"action":"status","status":500,"times":1}`, "")
	f.Add("PATCH", "/admin/clients/zoom/zoom-app", `{"redirect_uris":null,"rotation_kills_access":null}`, "")
	f.Add("GET", "/microsoft/a%2Fb/oauth2/v2.0/authorize?client_id=microsoft-app", "", "")
	s, err := sandbox.New(sandbox.Config{BaseURL: "http://sandbox", Clients: []sandbox.Client{
		app(sandbox.Zoom), app(sandbox.Google), app(sandbox.Microsoft), app(sandbox.Slack), app(sandbox.OIDC),
	}})
	if err != nil {
		f.Fatal(err)
	}
	h := s.Handler()
	f.Fuzz(func(t *testing.T, method, target, body, auth string) {
		if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/admin/reset") {
			return
		}
		r, err := http.NewRequest(method, "http://sandbox"+target, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", auth)
		defer s.RemoveFault("")
		defer func() {
			p := recover()
			if err, ok := p.(error); p != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
				panic(p)
			}
		}()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if strings.Contains(rec.Body.String(), `"access_token":"sbx_`) && !strings.Contains(body+auth+target, "s3cret") && auth == "" {
			t.Errorf("%s %s: got a token without authentication", method, target)
		}
	})
}
