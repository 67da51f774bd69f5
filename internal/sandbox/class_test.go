package sandbox_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/sandbox"
)

// What each class makes of a used refresh token, at every provider. Step by step: the first use, then the old one again at
// once and 31 seconds later, then the newest one, and whether the newest access token still works at the end.
func TestClasses(t *testing.T) {
	tests := []struct {
		name                    string
		change                  func(*sandbox.Client)
		rotates                 bool
		atOnce, later           bool // the old refresh token is taken
		newest, familyStillGood bool
	}{
		{"static", withClass(sandbox.Static, 0), false, true, true, true, true},
		{"overlap", withClass(sandbox.Overlap, 0), true, true, true, true, true},
		{"grace", withClass(sandbox.Grace, 30), true, true, false, true, true},
		{"strict", withClass(sandbox.Strict, 0), true, false, false, true, true},
		{"reuse_kill", withClass(sandbox.ReuseKill, 0), true, false, false, false, false},
		{"reuse_kill with leeway", withClass(sandbox.ReuseKill, 30), true, true, false, false, false},
	}
	for _, provider := range []string{sandbox.Zoom, sandbox.Google, sandbox.Microsoft, sandbox.Slack, sandbox.OIDC} {
		for _, tt := range tests {
			t.Run(provider+" "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rotation := func(c *sandbox.Client) { c.Rotation = true }
					w := inBubble(t, app(provider, tt.change, rotation))
					first := w.connect(provider).str("refresh_token")
					a := w.renew(provider, first)
					if !ok(a) {
						t.Fatalf("first use: got %d %s", a.status, a.text)
					}
					newest := a.str("refresh_token")
					if rotates := newest != ""; rotates != tt.rotates {
						t.Fatalf("a new refresh token: got %v, want %v", rotates, tt.rotates)
					}
					if !tt.rotates {
						newest = first
					}
					taken := func(what, token string, want bool) {
						t.Helper()
						a := w.renew(provider, token)
						if ok(a) != want {
							t.Errorf("%s: got %d %s, want taken: %v", what, a.status, a.text, want)
						}
					}
					taken("the old one at once", first, tt.atOnce)
					time.Sleep(31 * time.Second)
					taken("the old one later", first, tt.later)
					taken("the newest", newest, tt.newest)
					live := slices.ContainsFunc(w.Grants(), func(g sandbox.Grant) bool { return g.Ended == "" })
					if live != tt.familyStillGood {
						t.Errorf("the family: got good: %v, want %v", live, tt.familyStillGood)
					}
					detected := len(w.events(sandbox.Query{Event: "reuse_detected"})) > 0
					if detected == tt.familyStillGood {
						t.Errorf("reuse_detected in the ledger: got %v", detected)
					}
				})
			})
		}
	}
}

// ok understands Slack too, where failures are 200.
func ok(a answer) bool { return a.status == 200 && a.str("access_token") != "" }

func inBubble(t *testing.T, clients ...sandbox.Client) *world {
	t.Helper()
	s, err := sandbox.New(sandbox.Config{BaseURL: "http://sandbox", Clients: clients})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &world{t, s, "http://sandbox", &http.Client{Transport: inProcess{s}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Fifty callers with one strict refresh token: exactly one gets through.
func TestStrictUnderConcurrency(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	refresh := w.connect(sandbox.Zoom).str("refresh_token")
	got := make(chan bool)
	for range 50 {
		go func() {
			a, err := w.try(w.renewal(sandbox.Zoom, refresh))
			got <- err == nil && ok(a)
		}()
	}
	won := 0
	for range 50 {
		if <-got {
			won++
		}
	}
	if won != 1 {
		t.Errorf("got %d answers with tokens, want 1", won)
	}
}

func TestRotationKillsAccess(t *testing.T) {
	no := false
	w := start(t, app(sandbox.Zoom), app(sandbox.Zoom, func(c *sandbox.Client) { c.ID, c.KillsAccess = "gentle", &no }))
	a := w.connect(sandbox.Zoom)
	w.renew(sandbox.Zoom, a.str("refresh_token"))
	w.wantStatus("Zoom's old access token", w.get("/zoom/v2/users/me", a.str("access_token")), 401, "124")

	code := w.authorize(sandbox.Zoom, "client_id", "gentle").Get("code")
	b := w.do(form(w.url+"/zoom/oauth/token", "gentle", "s3cret", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier))
	w.do(form(w.url+"/zoom/oauth/token", "gentle", "s3cret", "grant_type", "refresh_token", "refresh_token", b.str("refresh_token")))
	w.wantStatus("with rotation_kills_access false", w.get("/zoom/v2/users/me", b.str("access_token")), 200, "")
}

func TestRotateBehind(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	a := w.connect(sandbox.Zoom)
	got := w.postJSON("/admin/rotate-behind", map[string]string{"provider": "zoom", "client_id": "zoom-app", "person": "ana"})
	w.wantStatus("rotate-behind", got, 200, `"generation":2`)
	w.wantStatus("our refresh", w.renew(sandbox.Zoom, a.str("refresh_token")), 400, "Invalid Token!")
	w.wantStatus("of nobody", w.postJSON("/admin/rotate-behind", map[string]string{"provider": "zoom", "person": "ben"}), 422, "no living grant")
}
