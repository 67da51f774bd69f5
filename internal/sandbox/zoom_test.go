package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/sandbox"
)

func TestZoomCodeFlow(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	back := w.authorize(sandbox.Zoom)
	if got := back.Get("state"); got != "st te&1" {
		t.Errorf("state: got %q, want it back unchanged", got)
	}
	a := w.redeem(sandbox.Zoom, back.Get("code"))
	if a.str("token_type") != "bearer" || a.json["expires_in"] != 3600.0 || a.str("api_url") != w.url+"/zoom" || a.str("scope") != scopeOf[sandbox.Zoom] {
		t.Errorf("token answer: got %s", a.text)
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		if tok := a.str(name); len(tok) <= 50 || !strings.HasPrefix(tok, "sbx_") {
			t.Errorf("%s: got %d characters, want more than 50 that begin with sbx_", name, len(tok))
		}
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q, want no-store", got)
	}
	me := w.get("/zoom/v2/users/me", a.str("access_token"))
	if me.str("email") != "ana.torres@example.com" || me.str("status") != "active" || me.str("account_id") == "" || me.json["pmi"].(float64) < 1e9 {
		t.Errorf("users/me: got %s", me.text)
	}
	w.wantStatus("another's profile", w.get("/zoom/v2/users/ben", a.str("access_token")), 404, `"code":1001`)
	w.wantStatus("no token", w.get("/zoom/v2/users/me", "nonsense"), 401, `"message":"Invalid access token."`)
}

func TestZoomTokenEndpointRefusals(t *testing.T) {
	w := start(t, app(sandbox.Zoom), app(sandbox.Zoom, func(c *sandbox.Client) { c.ID = "other" }))
	code := func(change ...string) string { return w.authorize(sandbox.Zoom, change...).Get("code") }
	used := code()
	w.redeem(sandbox.Zoom, used)
	at := w.url + "/zoom/oauth/token"
	grant := []string{"grant_type", "authorization_code", "redirect_uri", callback}
	with := func(more ...string) []string { return append(append([]string{}, grant...), more...) }
	tests := []struct {
		name   string
		r      *http.Request
		status int
		want   string
	}{
		{"wrong secret", form(at, "zoom-app", "wrong", with("code", code())...), 401, `"error":"invalid_client"`},
		{"unknown client", form(at, "nobody", "s3cret", with("code", code())...), 401, `Invalid client_id or client_secret`},
		{"no client at all", form(at, "", "", with("code", code())...), 401, `"error":"invalid_client"`},
		{"code used before", form(at, "zoom-app", "s3cret", with("code", used, "code_verifier", verifier)...), 400, `"error":"invalid_grant"`},
		{"code of another client", form(at, "other", "s3cret", with("code", code(), "code_verifier", verifier)...), 400, `"error":"invalid_grant"`},
		{"verifier left out", form(at, "zoom-app", "s3cret", with("code", code())...), 400, `Invalid code verifier`},
		{"verifier of somebody else", form(at, "zoom-app", "s3cret", with("code", code(), "code_verifier", strings.Repeat("x", 43))...), 400, `Invalid code verifier`},
		{"redirect with a slash more", form(at, "zoom-app", "s3cret", with("code", code(), "code_verifier", verifier, "redirect_uri", callback+"/")...), 400, `Redirect URI mismatch`},
		{"grant type unheard of", form(at, "zoom-app", "s3cret", "grant_type", "password"), 400, `unsupported_grant_type`},
		{"no grant type", form(at, "zoom-app", "s3cret"), 400, `invalid_request`},
		{"refresh token unheard of", form(at, "zoom-app", "s3cret", "grant_type", "refresh_token", "refresh_token", "x"), 400, `{"error":"invalid_grant","reason":"Invalid Token!"}`},
		{"secret tried by client_credentials", form(at, "zoom-app", "s3cret", "grant_type", "client_credentials"), 200, `"access_token":"sbx_`},
		{"parameters in the query", form(at+"?"+url.Values{"grant_type": {"client_credentials"}}.Encode(), "zoom-app", "s3cret"), 200, `"access_token":"sbx_`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.do(tt.r)
			if a.status != tt.status || !strings.Contains(a.text, tt.want) {
				t.Errorf("got %d %s, want %d with %s", a.status, a.text, tt.status, tt.want)
			}
		})
	}
}

// A production bot platform refreshes with the credentials in the form, without Basic.
func TestZoomRefreshWithCredentialsInForm(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	a := w.connect(sandbox.Zoom)
	b := w.do(form(w.url+"/zoom/oauth/token", "", "", "grant_type", "refresh_token", "refresh_token", a.str("refresh_token"), "client_id", "zoom-app", "client_secret", "s3cret"))
	if b.status != 200 || b.str("refresh_token") == a.str("refresh_token") {
		t.Errorf("got %d, want 200 and another refresh token", b.status)
	}
}

func TestZoomOneGrantPerPerson(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	first, bens := w.connect(sandbox.Zoom), w.connect(sandbox.Zoom, "sandbox_person", "ben")
	second := w.connect(sandbox.Zoom)
	w.wantStatus("the first refresh token", w.renew(sandbox.Zoom, first.str("refresh_token")), 400, "Invalid Token!")
	w.wantStatus("the first access token", w.get("/zoom/v2/users/me", first.str("access_token")), 401, `"code":124`)
	w.wantStatus("the second", w.renew(sandbox.Zoom, second.str("refresh_token")), 200, "")
	w.wantStatus("Ben's", w.get("/zoom/v2/users/me", bens.str("access_token")), 200, "ben.okafor")
}

func TestZoomRevokeKillsBoth(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	for _, kind := range []string{"access_token", "refresh_token"} {
		a := w.connect(sandbox.Zoom)
		r := w.do(form(w.url+"/zoom/oauth/revoke", "zoom-app", "s3cret", "token", a.str(kind)))
		w.wantStatus("revoke by "+kind, r, 200, `{"status":"success"}`)
		w.wantStatus("refresh after", w.renew(sandbox.Zoom, a.str("refresh_token")), 400, "Invalid Token!")
		w.wantStatus("use after", w.get("/zoom/v2/users/me", a.str("access_token")), 401, "124")
	}
	a := w.connect(sandbox.Zoom)
	w.wantStatus("revoke with a wrong secret", w.do(form(w.url+"/zoom/oauth/revoke", "zoom-app", "no", "token", a.str("access_token"))), 401, "invalid_client")
	w.wantStatus("still good", w.get("/zoom/v2/users/me", a.str("access_token")), 200, "")
}

func TestZoomScopesPerEndpoint(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	m, err := w.CreateMeeting("ana", "Stand-up", "")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, granular, classic string }{
		{"/zoom/v2/users/me", "user:read:user", "user:read"},
		{"/zoom/v2/users/me/token?type=onbehalf&meeting_id=" + m.Number, "user:read:token", "user:read"},
		{"/zoom/v2/users/me/token?type=zak", "user:read:zak", "user_zak:read"},
		{"/zoom/v2/users/me/zak", "user:read:zak", "user_zak:read"},
		{"/zoom/v2/users/me/meetings", "meeting:read:list_meetings", "meeting:read"},
		{"/zoom/v2/meetings/" + m.Number, "meeting:read:meeting", "meeting:read"},
		{"/zoom/v2/meetings/" + m.Number + "/jointoken/local_recording", "meeting:read:local_recording_token", "meeting_token:read:local_recording"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			for _, scope := range []string{tt.granular, tt.classic, tt.granular + ":admin"} {
				a := w.connect(sandbox.Zoom, "scope", scope)
				w.wantStatus(scope, w.get(tt.path, a.str("access_token")), 200, "")
			}
			a := w.connect(sandbox.Zoom, "scope", "recording:read")
			w.wantStatus("without", w.get(tt.path, a.str("access_token")), 400, `"code":4711`)
		})
	}
}

func TestZoomLocalRecordingTokenIsForTheHost(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	m, _ := w.CreateMeeting("ana", "", "")
	path := "/zoom/v2/meetings/" + m.Number + "/jointoken/local_recording"
	a, b := w.connect(sandbox.Zoom), w.connect(sandbox.Zoom, "sandbox_person", "ben")
	w.wantStatus("host", w.get(path, a.str("access_token")), 200, `"expire_in":120`)
	w.wantStatus("somebody else", w.get(path, b.str("access_token")), 404, `"code":3001`)
	w.wantStatus("no such meeting", w.get("/zoom/v2/meetings/123456789/jointoken/local_recording", a.str("access_token")), 404, `"code":3001`)
}

func TestZoomMeetingsPages(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	for range 5 {
		w.CreateMeeting("ana", "", "")
	}
	w.CreateMeeting("ben", "", "")
	token, next, seen := w.connect(sandbox.Zoom).str("access_token"), "", 0
	for range 4 {
		a := w.get("/zoom/v2/users/me/meetings?page_size=2&next_page_token="+next, token)
		seen += len(a.json["meetings"].([]any))
		if next = a.str("next_page_token"); next == "" {
			break
		}
	}
	if seen != 5 {
		t.Errorf("got %d meetings over all pages, want Ana's 5", seen)
	}
}

func TestZoomTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(sandbox.Config{BaseURL: "http://sandbox", Clients: []sandbox.Client{app(sandbox.Zoom)}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := &world{t, s, "http://sandbox", &http.Client{Transport: inProcess{s}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}

		late := w.authorize(sandbox.Zoom).Get("code")
		time.Sleep(5 * time.Minute)
		w.wantStatus("code after five minutes", w.redeem(sandbox.Zoom, late), 400, "Authorization code expired")

		a := w.connect(sandbox.Zoom)
		time.Sleep(time.Hour - time.Second)
		w.wantStatus("access token within the hour", w.get("/zoom/v2/users/me", a.str("access_token")), 200, "")
		time.Sleep(time.Second)
		w.wantStatus("access token after the hour", w.get("/zoom/v2/users/me", a.str("access_token")), 401, "Access token is expired.")
		time.Sleep(90 * 24 * time.Hour)
		w.wantStatus("refresh token after 90 days", w.renew(sandbox.Zoom, a.str("refresh_token")), 400, "Invalid Token!")
		if got := w.events(sandbox.Query{Event: "expired"}); len(got) != 3 {
			t.Errorf("ledger: got %d expired, want 3", len(got))
		}
	})
}

// inProcess carries requests to the handler without a socket, as a synctest bubble needs.
type inProcess struct{ s *sandbox.Sandbox }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	return roundTrip(p.s.Handler(), r)
}

func TestConsentPage(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	q := request(sandbox.Zoom, "sandbox_person", "-", "sandbox_consent", "-")
	page := w.get("/zoom/oauth/authorize?"+q.Encode(), "")
	for _, want := range []string{"Sandbox</strong> – pretend Zoom", "Notes &lt;App&gt;", "Ana Torres", "inactive", "administrator", "Bring a bot into meetings"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("page: no %q", want)
		}
	}
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: got %q", csp)
	}
	if strings.Contains(page.text, "<script") || strings.Contains(page.text, "style=") {
		t.Error("page: has script or inline style")
	}
	_, rest, _ := strings.Cut(page.text, `name="request" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	submit := func(decision string) answer {
		return w.do(form(w.url+"/zoom/consent", "", "", "request", id, "person", "ben", "decision", decision))
	}
	done := submit("allow")
	to, _ := url.Parse(done.header.Get("Location"))
	if done.status != http.StatusSeeOther || to.Query().Get("code") == "" || to.Query().Get("state") != "st te&1" {
		t.Fatalf("allow: got %d to %s", done.status, to)
	}
	if cookie := done.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "sandbox_person=ben;") {
		t.Errorf("cookie: got %q", cookie)
	}
	me := w.get("/zoom/v2/users/me", w.redeem(sandbox.Zoom, to.Query().Get("code")).str("access_token"))
	w.wantStatus("who", me, 200, "ben.okafor@example.com")
	w.wantStatus("the same page again", submit("allow"), 400, "expired")

	back := w.authorize(sandbox.Zoom, "sandbox_consent", "deny")
	if back.Get("error") != "access_denied" || back.Get("state") != "st te&1" || back.Has("code") {
		t.Errorf("deny: got %v", back)
	}
	css := w.get("/sandbox.css", "")
	if !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: got %s", css.header.Get("Content-Type"))
	}
	var events []string
	for _, e := range w.Ledger(sandbox.Query{Person: "ben"}) {
		events = append(events, e.Event+" "+e.Kind)
	}
	got, _ := json.Marshal(events)
	if want := `["consent code","issued code","used code","issued access","issued refresh","used access"]`; string(got) != want {
		t.Errorf("ledger: got %s, want %s", got, want)
	}
}

// Zoom takes a challenge without a method as plain; the app that forgets the method meets it here.
func TestZoomPlainPKCEByDefault(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	plain := []string{"code_challenge", verifier, "code_challenge_method", "-"}
	w.wantStatus("verifier is the challenge", w.redeem(sandbox.Zoom, w.authorize(sandbox.Zoom, plain...).Get("code")), 200, "")
	forgot := []string{"code_challenge_method", "-"}
	w.wantStatus("S256 without saying so", w.redeem(sandbox.Zoom, w.authorize(sandbox.Zoom, forgot...).Get("code")), 400, "Invalid code verifier")
}

// An optional scope can be left out on the page, the others cannot.
func TestZoomOptionalScope(t *testing.T) {
	w := start(t, app(sandbox.Zoom))
	a := w.connect(sandbox.Zoom, "scope", "user:read:user user:read:token", "optional_scope", "user:read:zak", "sandbox_scopes", "user:read:user")
	if got := a.str("scope"); got != "user:read:user user:read:token" {
		t.Errorf("scope: got %q", got)
	}
}
